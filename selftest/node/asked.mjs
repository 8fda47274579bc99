// What a program of this folder is asked, on its standard input, and the vendor's SDK configured as its users do.
import { configure } from "@trigger.dev/sdk";
import { text } from "node:stream/consumers";

export const asked = JSON.parse(await text(process.stdin));
configure({ baseURL: asked.baseURL, accessToken: asked.accessToken });

let statuses = [];
const send = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await send(...request);
  statuses.push(response.status);
  return response;
};

// The statuses of all answers from now on, in the order in which they come.
export const statusesFromNow = () => (statuses = []);
