"""Servers with agents for the tests; each test gives them the agent it needs."""

from django_chatkit.agents import AgentServer


class ModelServer(AgentServer):
    """Whatever agent a test puts here."""
