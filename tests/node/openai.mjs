// Uses OpenAI's client for node: node openai.mjs BASE_URL
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "any", maxRetries: 0 });
const messages = [{ role: "user", content: "hi" }];
const found = { models: [], error: null, broken: null };
for await (const model of client.models.list()) found.models.push(model.id);
found.text = (await client.chat.completions.create({ model: "joker", messages })).choices[0].message.content;
let streamed = "";
for await (const chunk of await client.chat.completions.create({ model: "joker", messages, stream: true })) {
  streamed += chunk.choices[0].delta.content ?? "";
}
found.streamed = streamed;
try {
  await client.chat.completions.create({ model: "nobody", messages });
} catch (error) {
  found.error = { name: error.constructor.name, code: error.code, id: typeof error.requestID };
}
try {
  for await (const _ of await client.chat.completions.create({ model: "half", messages, stream: true })) continue;
} catch (error) {
  found.broken = error.code;
}
found.response = (await client.responses.create({ model: "joker", input: "hi" })).output_text;
const last = await client.responses.stream({ model: "joker", input: "hi" }).finalResponse();
found.streamedResponse = last.output_text;
console.log(JSON.stringify(found));
