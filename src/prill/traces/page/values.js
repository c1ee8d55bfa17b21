// Values as people read them: messages as a conversation, texts as they are, the rest as JSON.
import { count, make } from "./parts.js";
import { text } from "./texts.js";

const SHOWN = 20_000;  // characters
const ROLES = ["human", "user", "ai", "assistant", "system", "developer"];

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isMessage = (value) => isObject(value) && "content" in value && typeof value.type === "string";
const isPair = (value) => Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string") && ROLES.includes(value[0]);
const roleOf = (message) => message.type.replace(/MessageChunk$/, "").toLowerCase();

export function findMessages(value) {
  if (isMessage(value)) return [value];
  if (Array.isArray(value)) {
    const messages = value.map((each) => (isPair(each) ? { type: each[0], content: each[1] } : each));
    return messages.length && messages.every(isMessage) ? messages : null;
  }
  return isObject(value) && Array.isArray(value.messages) ? findMessages(value.messages) : null;
}

export function showValue(value) {
  const messages = findMessages(value);
  if (messages) return make("div", { className: "conversation" }, ...messages.map(showMessage));
  if (typeof value === "string") return showText(value);
  if (Array.isArray(value) && value.length && value.every((each) => isObject(each) && typeof each.page_content === "string")) {
    return make("div", { className: "conversation" }, ...value.map(showDocument));
  }
  return showText(JSON.stringify(value, null, 2), "code");
}

// A long text is shown from its start, until all of it is asked for.
export function showText(value, kind = "") {
  const shown = make("pre", { className: kind, tabIndex: 0 }, value.slice(0, SHOWN));
  if (value.length <= SHOWN) return shown;
  const button = make("button", { type: "button" }, text("showAll", count(value.length)));
  const whole = value.slice(-100).match(/… cut: ([\d,]+) characters in all/);
  const box = make("div", {}, shown, button, whole ? make("span", { className: "note" }, ` ${text("recorded", whole[1])}`) : "");
  button.onclick = () => { shown.textContent = value; button.remove(); };
  return box;
}

function showMessage(message) {
  const role = roleOf(message);
  const parts = Array.isArray(message.content) ? message.content : [message.content];
  const calls = message.tool_calls ?? [];
  return make("div", { className: `message ${role}` },
    make("span", { className: "role" }, [role, message.name].filter(Boolean).join(" · ")),
    ...parts.filter((part) => part !== "" && !isToolUse(part)).map(showPart),
    ...calls.map((call) => make("div", { className: "call" }, make("b", {}, `→ ${call.name}`), showText(JSON.stringify(call.args, null, 2) ?? "", "code"))));
}

const isToolUse = (part) => isObject(part) && ["tool_use", "tool_call", "function_call"].includes(part.type);

function showPart(part) {
  if (typeof part === "string") return showText(part);
  if (isObject(part) && typeof part.text === "string") return showText(part.text);
  return showText(JSON.stringify(part, null, 2) ?? "", "code");
}

function showDocument(document) {
  const about = document.metadata && Object.keys(document.metadata).length ? JSON.stringify(document.metadata) : "";
  return make("div", { className: "message document" }, make("span", { className: "role" }, about), showText(document.page_content));
}
