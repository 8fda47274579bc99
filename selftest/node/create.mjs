// Creates batches with the vendor's own API client, configured as its users configure it.
// In (standard input): {"baseURL", "accessToken", "bodies": [...]}; out: an array, one entry a body, in order:
// {"statuses": [...], "batch": {...}} or {"statuses": [...], "error": {"name", "status", "message"}}.
import { apiClientManager } from "@trigger.dev/core/v3";
import { asked, statusesFromNow } from "./asked.mjs";

const client = apiClientManager.clientOrThrow();
const told = [];
for (const body of asked.bodies) {
  const statuses = statusesFromNow();
  try {
    told.push({ batch: await client.createBatch(body), statuses });
  } catch (error) {
    told.push({ error: { name: error.name, status: error.status, message: error.message }, statuses });
  }
}
process.stdout.write(JSON.stringify(told));
