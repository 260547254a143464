// A walk through an MCP server, with a client of any release of the TypeScript SDK.
//
// Reads the walk from standard input, {"url", "token", "mode", "steps": [{"tool", "arguments"} | {"resource"}]};
// one JSON object a step goes to standard output.
import { json } from "node:stream/consumers";

// Nothing here takes seconds: whoever waits that long waits in vain.
const DEADLINE_MILLISECONDS = 60_000;

export const asked = await json(process.stdin);

function report(step, found) {
  console.log(JSON.stringify({ step, ...found }));
}

async function ask(client, { tool, arguments: given, resource }, describe) {
  try {
    if (resource !== undefined) {
      await client.readResource({ uri: resource });
      return { is_error: false, text: "" };
    }
    const result = await client.callTool({ name: tool, arguments: given });
    const text = result.content.filter((block) => block.type === "text").map((block) => block.text);
    return { is_error: result.isError ?? false, text: text.join("\n"), meta: result._meta };
  } catch (error) {
    return describe(error);
  }
}

// Walks with the release's own client and transport. `revisionOf` tells what they agreed on; `describe` turns an error
// that a refusal may come as into its code or HTTP status and its text, and throws every other.
export async function walk(client, Transport, revisionOf, describe) {
  setTimeout(() => {
    throw new Error("waited in vain");
  }, DEADLINE_MILLISECONDS).unref();
  const transport = new Transport(new URL(asked.url), {
    requestInit: { headers: { authorization: `Bearer ${asked.token}` } },
  });
  try {
    await client.connect(transport);
  } catch (error) {
    report("refused", describe(error));
    return;
  }
  report("connect", { revision: revisionOf(client, transport) });
  const { tools } = await client.listTools();
  report("list", { tools: tools.map((tool) => tool.name) });
  for (const item of asked.steps) {
    report("reply", { ask: item, ...(await ask(client, item, describe)) });
  }
  await transport.terminateSession();
  await client.close();
  report("end");
}
