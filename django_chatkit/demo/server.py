"""The server of a site whose settings name none."""

from __future__ import annotations

from typing import Any

from agents import Agent, ImageGenerationTool, StopAtTools
from django.utils.translation import gettext_lazy as _

from django_chatkit.agents import AgentServer
from django_chatkit.attachments import Attachments
from django_chatkit.context import ChatKitContext
from django_chatkit.models import has_place_for_files

from .actions import DemoActions
from .model import DemoModel
from .tools import LAST_TOOLS, demo_tools

PAINTBRUSH = ImageGenerationTool(tool_config={"type": "image_generation", "partial_images": 2})


class DemoServer(DemoActions, AgentServer):
    """Chats offline and without a key, and shows what ChatKit can do: first see it, then replace it."""

    agent = Agent(
        name="Demo",
        instructions="Answer by the script.",
        model=DemoModel(),
        tools=demo_tools,
        tool_use_behavior=StopAtTools(stop_at_tool_names=LAST_TOOLS),
    )
    options = {
        "startScreen": {
            "greeting": _("It works! This is the demo assistant."),
            "prompts": [
                {"label": _("What can you do?"), "prompt": "help", "icon": "circle-question"},
                {"label": _("Show a widget"), "prompt": "/widget", "icon": "cube"},
                {"label": _("Show a form"), "prompt": "/form", "icon": "square-text"},
                {"label": _("Ask me something"), "prompt": "/ask", "icon": "write"},
                {"label": _("Think aloud"), "prompt": "think", "icon": "lightbulb"},
                {"label": _("Answer slowly"), "prompt": "/slow 20 300", "icon": "clock"},
            ],
        },
        "composer": {"placeholder": _("Say something, or type a command")},
        "threadItemActions": {"feedback": True, "retry": True},
        "thread": {"autoScroll": True},
    }

    def get_agent(self, context: ChatKitContext) -> Agent[Any]:
        """It draws too, on a site that has a place for pictures."""
        agent = super().get_agent(context)
        can_draw = has_place_for_files() and PAINTBRUSH.name not in {tool.name for tool in agent.tools}
        return agent.clone(tools=[*agent.tools, PAINTBRUSH]) if can_draw else agent

    def get_attachments(self, context: ChatKitContext) -> Attachments | None:
        """Files too, on a site that has a place for them."""
        return self.attachments or (Attachments() if has_place_for_files() else None)
