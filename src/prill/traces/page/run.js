// One run: its facts, what it was given and put out, and the form to ask its model again.
import { count, make, money, time, tokens } from "./parts.js";
import { makeReplay } from "./replay.js";
import { duration, text } from "./texts.js";
import { findMessages, showText, showValue } from "./values.js";

const seconds = (value) => (value === null ? "" : duration(value * 1000));

export function showFacts(run) {
  const facts = {
    status: text(run.status), kind: run.kind, model: run.model, started: time(run.start),
    duration: run.end ? seconds(run.end - run.start) : "", first: run.chunks > 1 || run.kind === "chat_model" ? seconds(run.first_chunk) : "",
    chunks: run.chunks > 1 ? count(run.chunks) : "", tokens: tokens(run), cost: money(run.cost),
    tags: (run.tags ?? []).filter((tag) => !/^(seq:step|map:key):/.test(tag)).join(", "), id: run.id,
  };
  const pairs = Object.entries(facts).filter(([, value]) => value);
  return make("dl", { className: "facts" }, ...pairs.map(([name, value]) => make("div", {}, make("dt", {}, text(name)), make("dd", { className: name }, value))));
}

export function showRun(section, run, actions) {
  const title = make("h2", { id: "run-title" }, run.name);
  const compare = make("button", { type: "button", className: "compare", onclick: actions.compare }, text("compare"));
  const again = run.request && typeof run.request === "object" ? makeReplay(run, actions.asked) : null;
  const buttons = make("div", { className: "buttons" }, compare, again ? again.button : "");
  const original = run.metadata?.replay_of;
  const links = original ? make("p", { className: "notice" },
    make("a", { href: `#run/${original}` }, text("original")), " · ",
    make("a", { href: `#compare/${original}/${run.id}` }, text("compareOriginal"))) : "";
  section.replaceChildren(make("div", { className: "heading" }, title, buttons), links, showFacts(run),
    ...(run.error ? [part("failure", run.error, run, "error", "bad")] : []),
    ...(again ? [again.form] : []),
    part(findMessages(run.input) ? "messages" : "input", run.input, run, "input"),
    part("output", run.output, run, "output"),
    ...(run.request ? [folded("request", run.request)] : []),
    ...(run.metadata && Object.keys(run.metadata).length ? [folded("metadata", run.metadata)] : []));
}

function part(name, value, run, column, kind = "") {
  const body = make("div", { className: kind });
  let raw = false;
  const button = make("button", { type: "button", className: "small" });
  const draw = () => {
    button.textContent = text(raw ? "readable" : "raw");
    body.replaceChildren(value === null ? make("p", { className: "note" }, text("nothing"))
      : raw ? showText(JSON.stringify(value, null, 2), "code") : showValue(value));
  };
  button.onclick = () => { raw = !raw; draw(); };
  draw();
  const cut = run.cut?.[column];
  return make("section", { className: `part ${name}` }, make("h3", {}, text(name), findMessages(value) ? button : ""), body,
    cut ? make("p", { className: "note" }, text("cut", count(cut))) : "");
}

const folded = (name, value) => make("details", { className: "part" }, make("summary", {}, text(name)), showText(JSON.stringify(value, null, 2), "code"));
