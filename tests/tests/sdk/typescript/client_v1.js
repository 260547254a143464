// Walks through an MCP server with the TypeScript SDK, release 1.x, in one session.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpError } from "@modelcontextprotocol/sdk/types.js";

import { walk } from "./walk.js";

function describe(error) {
  if (error instanceof McpError) {
    // This release writes the code before the server's text.
    return { code: error.code, text: error.message.replace(`MCP error ${error.code}: `, "") };
  }
  if (error instanceof StreamableHTTPError) return { status: error.code, text: error.message };
  throw error;
}

const client = new Client({ name: "walk", version: "1" });
await walk(client, StreamableHTTPClientTransport, (_, transport) => transport.protocolVersion, describe);
