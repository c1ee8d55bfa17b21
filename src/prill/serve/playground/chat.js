// A conversation with a chain that takes messages.
import { make } from "./form.js";
import { text } from "./texts.js";
import { answerText, contentText } from "./values.js";

export class Conversation {
  // `where` says which keys of the input have the messages and the newest text; without `messages` the input is the list.
  constructor(node, where) {
    Object.assign(this, { node, where, messages: [], answer: null, answered: "", direct: false, modelsSpeak: false, tools: new Map() });
  }

  makeInput(said, fields) {
    const messages = this.messages.filter((each) => !each.failed).map(({ type, content }) => ({ type, content }));
    if (this.where.text) return { ...fields, [this.where.messages]: messages, [this.where.text]: said };
    const all = [...messages, { type: "human", content: said }];
    return this.where.messages ? { ...fields, [this.where.messages]: all } : all;
  }

  say(said) {
    this.messages.push({ type: "human", content: said });
    this.#show("human", said);
    this.#open();
  }

  #open() {
    this.tools.clear();
    this.answered = "";
    this.direct = this.modelsSpeak = false;
    this.answer = this.#show("ai", "");
  }

  #show(kind, content) {
    const node = make("div", { className: `message ${kind}` }, content);
    this.node.append(node);
    this.node.scrollTop = this.node.scrollHeight;
    return node;
  }

  // The output so far: what it says, unless only models say something.
  takeOutput(output) {
    const said = answerText(output);
    if (typeof output === "string" || output?.content !== undefined) this.direct = true;
    if (this.direct || !this.modelsSpeak) this.answered = said || this.answered;
  }

  takeStep(event) {
    const tool = this.tools.get(event.run_id);
    if (event.event === "on_chat_model_start") this.modelsSpeak = true;
    if (event.event === "on_chat_model_start" && !this.direct) this.answered = "";
    else if (event.event === "on_chat_model_stream" && !this.direct) this.answered += contentText(event.data.chunk?.content ?? "");
    else if (event.event === "on_tool_start") this.tools.set(event.run_id, this.#showTool(event));
    else if (tool && event.event === "on_tool_end") tool.append(` → ${brief(event.data.output)}`);
    else if (tool && event.event === "on_tool_error") tool.append(" ✗");
  }

  #showTool(event) {
    const node = make("div", { className: "tool" }, `${text("calls", event.name)} ${brief(event.data.input)}`);
    this.answer?.before(node);
    return node;
  }

  draw() {
    if (!this.answer || this.answer.textContent === this.answered) return;
    const atEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 60;
    this.answer.textContent = this.answered.slice(0, 200_000);
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
  }

  restart() { this.answered = ""; }

  end(output) {
    if (!this.answer) return;
    this.answered = answerText(output) || this.answered;
    this.draw();
    this.messages.push({ type: "ai", content: this.answered });
    this.answer = null;
  }

  fail(message) {
    if (!this.answer) return;
    this.draw();
    if (!this.answered) this.answer.remove();
    if (message) this.node.append(make("div", { className: "bad" }, message));
    if (this.messages.at(-1)?.type === "human") this.messages.at(-1).failed = true;  // the chain never heard it
    this.answer = null;
  }

  get saved() {
    const said = this.messages.findLastIndex((each) => each.type === "human");
    return this.messages.slice(0, said + 1);
  }

  restore(messages) {
    this.clear();
    this.messages = messages ?? [];
    for (const { type, content } of this.messages) this.#show(type, content);
    if (this.messages.length) this.#open();
  }

  clear() {
    this.messages = [];
    this.answer = null;
    this.node.replaceChildren();
  }
}

function brief(value) {
  const said = typeof value === "string" ? value : typeof value?.content === "string" ? value.content : JSON.stringify(value) ?? "";
  return said.length > 200 ? `${said.slice(0, 200)}…` : said;
}
