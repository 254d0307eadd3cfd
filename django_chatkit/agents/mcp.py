"""MCP servers, for as long as one answer takes."""

from __future__ import annotations

import asyncio
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
    # In parallel: then each has a task of its own, in which it is also left, as some of them demand.
    manager = MCPServerManager(servers, connect_in_parallel=True)
    try:
        # A stop ends the wait at once: the manager would take it for a server that failed, and go on.
        yield await asyncio.shield(manager.connect_all())
    finally:
        await uninterrupted(manager.cleanup_all())
