// Chunks that add up, and values as text; nothing here grows with the size of a value without a bound.
const SHOWN = 200_000;  // characters

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isMessage = (value) => isObject(value) && "content" in value && typeof value.type === "string";
export const isShortened = (value) => isObject(value) && typeof value.shortened === "number" && typeof value.start === "string";

export function add(sum, chunk) {
  if (sum === undefined || isShortened(sum) || isShortened(chunk)) return chunk;
  if (typeof sum === "string" && typeof chunk === "string") return sum + chunk;
  if (isMessage(sum) && isMessage(chunk)) return { ...sum, content: add(sum.content, chunk.content) };
  if (isObject(sum) && isObject(chunk)) {
    if (hasGrown(sum, chunk)) return chunk;
    const added = { ...sum };
    for (const [name, value] of Object.entries(chunk)) added[name] = add(sum[name], value);
    return added;
  }
  if (Array.isArray(sum) && Array.isArray(chunk)) return hasGrown(sum, chunk) ? chunk : [...sum, ...chunk];
  return chunk;
}

// Whether `chunk` is the whole value so far, as JSON parsers yield it, and not a piece of it.
function hasGrown(old, value) {
  if (typeof old === "string" && typeof value === "string") return value.startsWith(old);
  if (isObject(old) && isObject(value)) return Object.keys(old).every((name) => name in value && hasGrown(old[name], value[name]));
  if (Array.isArray(old) && Array.isArray(value)) return old.length <= value.length && old.every((each, index) => hasGrown(each, value[index]));
  return old === value || old === null || (typeof old === "number" && typeof value === "number");
}

export const contentText = (content) => {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part === "string" ? part : part?.text ?? "")).join("");
};

// What an answer says, for a conversation: the text, the message's, or that of the last message in it.
export function answerText(value) {
  if (typeof value === "string") return value;
  if (isShortened(value)) return value.start;
  if (isMessage(value)) return contentText(value.content);
  if (Array.isArray(value)) return value.length && isMessage(value.at(-1)) ? contentText(value.at(-1).content) : "";
  if (isObject(value)) return answerText(value.messages ?? Object.values(value).find((each) => isObject(each) && each.messages)?.messages);
  return "";
}

// The text that shows a value, and the number of characters or bytes that are missing.
export function show(value) {
  if (isShortened(value)) return { text: value.start, code: false, all: value.shortened };
  const plain = typeof value === "string" ? value : isMessage(value) && typeof value.content === "string" && value.content ? value.content : null;
  const text = plain ?? JSON.stringify(value, null, 2) ?? "";
  return { text: text.slice(0, SHOWN), code: plain === null, all: text.length > SHOWN ? text.length : 0 };
}
