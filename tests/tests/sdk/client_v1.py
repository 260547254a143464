"""Walks through an MCP server with the Python SDK, release 1.x.

Reads the walk from standard input, {"url", "token", "calls": [{"tool", "arguments"}]}, does it in one session, and
writes one JSON object a step to standard output.
"""

import json
import sys

import anyio
import httpx
from mcp import ClientSession, McpError
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

# Nothing here takes seconds: whoever waits that long waits in vain.
DEADLINE_SECONDS = 60


def report(step, **found):
    print(json.dumps({"step": step, **found}), flush=True)


async def call(session, tool, arguments):
    try:
        result = await session.call_tool(tool, arguments)
    except McpError as error:
        report("call", tool=tool, code=error.error.code, text=error.error.message)
        return
    text = "\n".join(block.text for block in result.content if block.type == "text")
    report("call", tool=tool, is_error=result.isError, text=text, meta=result.meta)


async def use(session, calls):
    start = await session.initialize()
    report("connect", revision=str(start.protocolVersion))
    page = await session.list_tools()
    report("list", tools=[tool.name for tool in page.tools])
    for item in calls:
        await call(session, item["tool"], item["arguments"])
    report("end")


async def main():
    walk = json.load(sys.stdin)
    headers = {"authorization": f"Bearer {walk['token']}"}
    with anyio.fail_after(DEADLINE_SECONDS):
        try:
            async with (
                create_mcp_http_client(headers=headers) as http_client,
                streamable_http_client(walk["url"], http_client=http_client) as (read, write, _),
                ClientSession(read, write) as session,
            ):
                await use(session, walk["calls"])
        except* (McpError, httpx.HTTPStatusError) as errors:
            # The SDK's transport has wrapped it, as deep as it has task groups.
            error = errors
            while isinstance(error, BaseExceptionGroup):
                [error] = error.exceptions
            if isinstance(error, McpError):
                report("refused", code=error.error.code, text=error.error.message)
            else:
                # This release throws the answer's text away.
                report("refused", status=error.response.status_code)


anyio.run(main)
