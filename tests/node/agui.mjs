// Runs an agent over AG-UI and prints its events and messages: node agui.mjs URL TEXT
import { HttpAgent } from "@ag-ui/client";

const [, , url, text] = process.argv;
const agent = new HttpAgent({ url, threadId: "thread-1" });
agent.messages = [{ id: "u1", role: "user", content: text }];
const events = [];
let failure = null;
try {
  await agent.runAgent({ runId: "run-1" }, { onEvent: ({ event }) => { events.push(event.type); } });
} catch (error) {
  failure = String(error?.message ?? error);
}
console.log(JSON.stringify({ events, messages: agent.messages, failure }));
