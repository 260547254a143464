// Walks through an MCP server with the TypeScript SDK, release 2.x. `mode` is the SDK's way to find the era: "legacy",
// "auto" or {"pin": REVISION}; "" leaves the SDK to itself.
import {
  Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";

import { asked, walk } from "./walk.js";

function describe(error) {
  if (error instanceof ProtocolError) return { code: error.code, text: error.message };
  if (error instanceof SdkHttpError) return { status: error.status, text: error.message };
  // With a pinned revision this release throws the answer to server/discover away.
  if (error instanceof SdkError && error.code === SdkErrorCode.EraNegotiationFailed) return {};
  throw error;
}

const options = asked.mode === "" ? {} : { versionNegotiation: { mode: asked.mode } };
const client = new Client({ name: "walk", version: "1" }, options);
await walk(client, StreamableHTTPClientTransport, () => client.getNegotiatedProtocolVersion(), describe);
