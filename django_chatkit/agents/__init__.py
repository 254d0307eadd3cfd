"""ChatKit answered by an agent of the OpenAI Agents SDK, with OpenAI's models or anybody else's."""

from .client_tools import client_tool
from .context import DjangoAgentContext, ToolContext, function_tool
from .converter import DjangoThreadItemConverter
from .images import DjangoResponseStreamConverter
from .server import AgentServer
from .tools import tool
from .transcription import OpenAITranscriber

from chatkit.agents import ClientToolCall

__all__ = [
    "AgentServer",
    "ClientToolCall",
    "DjangoAgentContext",
    "DjangoResponseStreamConverter",
    "DjangoThreadItemConverter",
    "OpenAITranscriber",
    "ToolContext",
    "client_tool",
    "function_tool",
    "tool",
]
