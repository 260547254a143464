"""A walk through an MCP server, with a client of any release of the Python SDK.

Reads the walk from standard input, {"url", "token", "mode", "calls": [{"tool", "arguments"}]}; one JSON object a step
goes to standard output.
"""

import json
import sys

import anyio

# Nothing here takes seconds: whoever waits that long waits in vain.
DEADLINE_SECONDS = 60


def report(step, **found):
    print(json.dumps({"step": step, **found}), flush=True)


def text_of(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


async def use(revision, client, call):
    """The walk itself, with a connected client and the release's own way to call a tool."""
    report("connect", revision=str(revision))
    page = await client.list_tools()
    report("list", tools=[tool.name for tool in page.tools])
    for item in WALK["calls"]:
        report("call", tool=item["tool"], **await call(client, item["tool"], item["arguments"]))
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
