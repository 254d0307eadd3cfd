"""Servers with agents for the tests; each test gives them the agent it needs."""

import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel
from openai import AsyncOpenAI

from django_chatkit.agents import AgentServer, tool


class ModelServer(AgentServer):
    """Whatever agent a test puts here."""


@tool
async def look() -> str:
    """Look, which takes a moment."""
    await asyncio.sleep(0.2)
    return "seen"


class RemoteServer(AgentServer):
    """Its model is in another process: the test's."""

    max_turns = 100

    def get_agent(self, context):
        client = AsyncOpenAI(api_key="sk-test-key", base_url=os.environ["MODEL_URL"], max_retries=0)
        return Agent(name="Remote", model=OpenAIChatCompletionsModel("local-test", client), tools=[look])
