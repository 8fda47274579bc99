// Creates batches with the vendor's own API client, configured as its users configure it.
// In (standard input): {"baseURL", "accessToken", "bodies": [...]}; out: an array, one entry a body, in order:
// {"statuses": [...], "batch": {...}} or {"statuses": [...], "error": {"name", "status", "message"}}.
import { apiClientManager } from "@trigger.dev/core/v3";
import { configure } from "@trigger.dev/sdk";
import { text } from "node:stream/consumers";

const { baseURL, accessToken, bodies } = JSON.parse(await text(process.stdin));
configure({ baseURL, accessToken });

let statuses = [];
const send = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await send(...request);
  statuses.push(response.status);
  return response;
};

const client = apiClientManager.clientOrThrow();
const told = [];
for (const body of bodies) {
  statuses = [];
  try {
    told.push({ batch: await client.createBatch(body), statuses });
  } catch (error) {
    told.push({ error: { name: error.name, status: error.status, message: error.message }, statuses });
  }
}
process.stdout.write(JSON.stringify(told));
