"""An MCP server that the tests start as a process of its own."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")


@server.tool()
def find(word: str) -> str:
    """Find something in the shop."""
    return f"found {word}"


if __name__ == "__main__":
    server.run("stdio")
