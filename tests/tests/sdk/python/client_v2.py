"""Walks through an MCP server with the Python SDK, release 2.x. `mode` is the SDK's: "auto" or "legacy"."""

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

import walk


def describe(error):
    return {"code": error.code, "text": error.message}


async def connect():
    async with create_mcp_http_client(headers=walk.HEADERS) as http_client:
        transport = streamable_http_client(walk.WALK["url"], http_client=http_client)
        async with Client(transport, mode=walk.WALK["mode"]) as client:
            await walk.use(client.protocol_version, client, describe)


walk.run(connect, MCPError, describe)
