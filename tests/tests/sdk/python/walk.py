"""A walk through an MCP server, with a client of any release of the Python SDK.

Reads the walk from standard input, {"url", "token", "mode", "steps": [{"tool", "arguments"} | {"resource"}]}; one
JSON object a step goes to standard output.
"""

import json
import sys

import anyio
import mcp

# Release 2 has renamed it.
McpError = getattr(mcp, "MCPError", None) or mcp.McpError

# Nothing here takes seconds: whoever waits that long waits in vain.
DEADLINE_SECONDS = 60


def report(step, **found):
    print(json.dumps({"step": step, **found}), flush=True)


async def ask(client, item, describe):
    try:
        if "resource" in item:
            await client.read_resource(item["resource"])
            return {"is_error": False, "text": ""}
        result = await client.call_tool(item["tool"], item["arguments"])
    except McpError as error:
        return describe(error)
    # The releases name the fields differently; on the wire they are the same.
    found = result.model_dump(by_alias=True)
    text = "\n".join(block["text"] for block in found["content"] if block["type"] == "text")
    if found.get("structuredContent") is not None:
        # The SDK has validated it against the output schema; its twin says the same.
        assert json.loads(text) == found["structuredContent"], found
    return {"is_error": found["isError"], "text": text, "meta": found["_meta"]}


async def use(revision, client, describe):
    """The walk itself, with a connected client."""
    report("connect", revision=str(revision))
    page = await client.list_tools()
    report("list", tools=[tool.name for tool in page.tools])
    for item in WALK["steps"]:
        report("reply", ask=item, **await ask(client, item, describe))
    report("end")


def run(connect, refusals, describe):
    """Runs `connect`, which comes to `use`; one of the exceptions `refusals` is what being refused looks like."""

    async def main():
        with anyio.fail_after(DEADLINE_SECONDS):
            try:
                await connect()
            except* refusals as errors:
                # The SDK's transport has wrapped it, as deep as it has task groups.
                error = errors
                while isinstance(error, BaseExceptionGroup):
                    [error] = error.exceptions
                report("refused", **describe(error))

    anyio.run(main)


WALK = json.load(sys.stdin)
HEADERS = {"authorization": f"Bearer {WALK['token']}"}
