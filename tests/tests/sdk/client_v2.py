"""Walks through an MCP server with the Python SDK, release 2.x.

Reads the walk from standard input, {"url", "token", "mode", "calls": [{"tool", "arguments"}]}, does it with one client,
and writes one JSON object a step to standard output. `mode` is the SDK's: "auto" or "legacy".
"""

import json
import sys

import anyio
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

# Nothing here takes seconds: whoever waits that long waits in vain.
DEADLINE_SECONDS = 60


def report(step, **found):
    print(json.dumps({"step": step, **found}), flush=True)


async def call(client, tool, arguments):
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        report("call", tool=tool, code=error.code, text=error.message)
        return
    text = "\n".join(block.text for block in result.content if block.type == "text")
    report("call", tool=tool, is_error=result.is_error, text=text, meta=result.meta)


async def use(client, calls):
    report("connect", revision=client.protocol_version)
    page = await client.list_tools()
    report("list", tools=[tool.name for tool in page.tools])
    for item in calls:
        await call(client, item["tool"], item["arguments"])
    report("end")


async def main():
    walk = json.load(sys.stdin)
    headers = {"authorization": f"Bearer {walk['token']}"}
    with anyio.fail_after(DEADLINE_SECONDS):
        async with create_mcp_http_client(headers=headers) as http_client:
            transport = streamable_http_client(walk["url"], http_client=http_client)
            try:
                async with Client(transport, mode=walk["mode"]) as client:
                    await use(client, walk["calls"])
            except* MCPError as errors:
                # The SDK's transport has wrapped it, as deep as it has task groups.
                error = errors
                while isinstance(error, BaseExceptionGroup):
                    [error] = error.exceptions
                report("refused", code=error.code, text=error.message)


anyio.run(main)
