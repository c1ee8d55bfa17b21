// Sends one message as `useChat` does, and prints what the page would show: node chat.mjs ai6|ai7 URL ACTION
const [, , library, api, action, chat = "chat-1"] = process.argv;
const { DefaultChatTransport, readUIMessageStream } = await import(library);

const transport = new DefaultChatTransport({ api });
const errors = [];

async function read(stream) {
  let last = null;
  const seen = [];
  const onError = (error) => errors.push(String(error?.message ?? error));
  for await (const message of readUIMessageStream({ stream, onError })) {
    last = message;
    for (const part of message.parts) seen.push(part.type + ":" + (part.state ?? ""));
  }
  return { message: last, seen: [...new Set(seen)] };
}

async function send(text, abortSignal) {
  const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text }] }];
  return transport.sendMessages({ chatId: chat, messages, trigger: "submit-message", abortSignal });
}

let result = {};
try {
  if (action === "resume") {
    const stream = await transport.reconnectToStream({ chatId: chat });
    result = stream === null ? { nothing: true } : await read(stream);
  } else if (action === "abort") {
    const controller = new AbortController();
    const stream = await send("hi", controller.signal);
    const reader = stream.getReader();
    await reader.read();
    controller.abort();
    result = { aborted: true };
  } else {
    result = await read(await send(action));
  }
} catch (error) {
  errors.push(String(error?.message ?? error));
}
console.log(JSON.stringify({ ...result, errors }));
