"""MCP servers, for as long as one answer takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agents.mcp import MCPServer, MCPServerManager

from django_chatkit.streaming import uninterrupted


@asynccontextmanager
async def connected(servers: Sequence[MCPServer]) -> AsyncIterator[list[MCPServer]]:
    """Those that can be reached; the Agents SDK logs the others. They are left again whatever happens."""
    if not servers:
        yield []
        return
    manager = MCPServerManager(servers)
    try:
        yield await manager.connect_all()
    finally:
        await uninterrupted(manager.cleanup_all())
