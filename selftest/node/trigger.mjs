// Triggers batches with the vendor's SDK as its users do: it creates each, and streams its items.
// In (standard input): {"baseURL", "accessToken", "retry", "batches": [{"by", "task", "payloads", "options"}]}, where "by"
// is "task" (tasks.batchTrigger) or "id" (batch.trigger), each followed by " stream" where the items are no array;
// or {"stream": ID, "items"} in a batch's place. Out: an array, one entry a batch, in order:
// {"statuses": [...], "handle": {...}} or {"statuses": [...], "error": {"name", "phase", "status", "message", "cause"}}.
import { apiClientManager } from "@trigger.dev/core/v3";
import { batch, tasks } from "@trigger.dev/sdk";
import { asked, statusesFromNow } from "./asked.mjs";

const { retry, batches } = asked;

async function* streamed(items) {
  yield* items;
}

const triggered = ({ by, task, payloads, options }) => {
  const [way, stream] = by.split(" ");
  const items = payloads.map((payload) => (way === "id" ? { id: task, payload } : { payload }));
  const given = stream ? streamed(items) : items;
  return way === "id" ? batch.trigger(given, options, { retry }) : tasks.batchTrigger(task, given, options, { retry });
};

const told = [];
for (const each of batches) {
  const statuses = statusesFromNow();
  try {
    const client = apiClientManager.clientOrThrow();
    const handle = each.stream ? await client.streamBatchItems(each.stream, each.items, { retry }) : await triggered(each);
    told.push({ handle, statuses });
  } catch (error) {
    const { name, phase, message, cause } = error;
    told.push({ error: { name, phase, message, status: (cause ?? error).status, cause: cause?.name }, statuses });
  }
}
process.stdout.write(JSON.stringify(told));
