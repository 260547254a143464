"""Walks through an MCP server with the Python SDK, release 1.x, in one session."""

import httpx
from mcp import ClientSession, McpError
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

import walk


def describe(error):
    if isinstance(error, McpError):
        return {"code": error.error.code, "text": error.error.message}
    # This release throws the answer's text away.
    return {"status": error.response.status_code}


async def connect():
    async with (
        create_mcp_http_client(headers=walk.HEADERS) as http_client,
        streamable_http_client(walk.WALK["url"], http_client=http_client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        start = await session.initialize()
        await walk.use(start.protocolVersion, session, describe)


walk.run(connect, (McpError, httpx.HTTPStatusError), describe)
