// The recorded runs: a list with filters, a tree with times, the values of each step, two runs side by side, replay.
import { make } from "./form.js";
import { addTexts, duration, prepareLook, text, translate } from "./texts.js";
import { contentText, show } from "./values.js";

addTexts({
  en: {
    runs: "Runs", text: "Text in inputs, outputs, errors", runName: "Name", tag: "Tag", model: "Model", more: "Show more",
    compare: "Compare the two", anyState: "any status", ok: "ok", error: "failed", cancelled: "left", running: "running",
    lost: "its program ended", anyTime: "any time", hour: "last hour", day: "last day", week: "last week", none: "No run fits.",
    tokens: "{0} tokens in, {1} out", cost: "cost {0}", first: "first chunk after {0}", choose: "Choose a run.",
    replay: "Replay with changes", replayNow: "Ask the model", replayed: "New answer", asking: "Asking …", steps: "{0} steps",
    unreachable: "The viewer cannot be reached: was `prill traces` stopped?", mark: "Mark for comparing", metadata: "Metadata",
    settings: "Settings", calls: "calls {0}",
  },
  zh: {
    runs: "运行", text: "输入、输出、错误中的文字", runName: "名称", tag: "标签", model: "模型", more: "显示更多",
    compare: "比较这两个", anyState: "任何状态", ok: "成功", error: "失败", cancelled: "中途离开", running: "运行中",
    lost: "程序已结束", anyTime: "任何时间", hour: "最近一小时", day: "最近一天", week: "最近一周", none: "没有符合的运行。",
    tokens: "读入 {0}、写出 {1} token", cost: "费用 {0}", first: "首块用时 {0}", choose: "请选择一次运行。",
    replay: "修改后重放", replayNow: "询问模型", replayed: "新的回答", asking: "正在询问……", steps: "{0} 个步骤",
    unreachable: "无法连接查看器：`prill traces` 停止了吗？", mark: "选中以比较", metadata: "元数据",
    settings: "设置", calls: "调用 {0}",
  },
});

const PART = 50;
const MARKS = { ok: "✓", error: "✗", cancelled: "■", running: "●", lost: "?" };
const $ = (id) => document.getElementById(id);
let session = {};
let marked = [];
let roots = [];
let asked = 0;

async function get(path) {
  try {
    const response = await fetch(path);
    $("status").textContent = "";
    return response.ok ? await response.json() : null;
  } catch {
    $("status").textContent = text("unreachable");
    return null;
  }
}

const seconds = (value) => (typeof value === "number" ? duration(value * 1000) : "…");

function facts(run) {
  const parts = [];
  if (run.input_tokens !== null) parts.push(text("tokens", run.input_tokens.toLocaleString(), (run.output_tokens ?? 0).toLocaleString()));
  if (typeof run.cost === "number") parts.push(text("cost", run.cost.toFixed(6).replace(/0+$/, "").replace(/\.$/, "")));
  return parts;
}

async function list(start = 0) {
  const turn = ++asked;
  const query = new URLSearchParams({ limit: PART + 1, offset: start });
  for (const [name, id] of [["text", "text"], ["name", "by-name"], ["tag", "tag"], ["model", "model"], ["status", "state"]])
    if ($(id).value) query.set(name, $(id).value);
  if ($("since").value) query.set("since", Date.now() / 1000 - Number($("since").value));
  const found = await get(`api/runs?${query}`);
  if (!found || turn !== asked) return;
  $("more").hidden = found.length <= PART;
  roots = [...roots.slice(0, start), ...found.slice(0, PART)];
  drawList();
}

function drawList() {
  const current = location.hash.slice(1).split(",");
  $("list").replaceChildren(...roots.map((root) => {
    const when = new Date(root.started * 1000).toLocaleString();
    const mark = make("input", { type: "checkbox", checked: marked.includes(root.id), ariaLabel: text("mark") });
    mark.onchange = () => {
      marked = mark.checked ? [...marked.slice(-1), root.id] : marked.filter((id) => id !== root.id);
      drawList();
    };
    const open = make("button", { type: "button" }, make("span", { className: "mark", title: text(root.status) }, MARKS[root.status]),
      make("b", { textContent: root.name }), make("small", { textContent: [when, seconds(root.seconds), text("steps", root.runs), ...facts(root)].join(" · ") }),
      make("small", { textContent: [root.models, ...(root.tags ?? []).map((tag) => `#${tag}`), root.error].filter(Boolean).join(" · ") }));
    open.onclick = () => { location.hash = root.id; };
    const node = make("div", { className: `root${root.status === "error" ? " failed" : ""}` }, mark, open);
    node.setAttribute("aria-current", String(current.includes(root.id)));
    return node;
  }));
  if (!roots.length) $("list").append(make("p", { className: "note", textContent: text("none") }));
  $("compare").hidden = marked.length !== 2;
}

async function showRuns() {
  const ids = location.hash.slice(1).split(",").filter(Boolean).slice(0, 2);
  drawList();
  const trees = (await Promise.all(ids.map((id) => get(`api/runs/${encodeURIComponent(id)}`)))).filter(Boolean);
  $("shown").className = trees.length === 2 ? "two" : "";
  $("shown").replaceChildren(...trees.map((runs, number) => drawTree(runs, trees[1 - number])));
  if (!trees.length) $("shown").append(make("section", {}, make("p", { className: "note", textContent: text("choose") })));
}

// The place of each run in its tree: the names on the way, and which one of its name it is.
function places(runs) {
  const found = new Map();
  const counts = new Map();
  for (const run of runs) {
    const path = `${found.get(run.parent) ?? ""}/${run.name}`;
    counts.set(path, (counts.get(path) ?? 0) + 1);
    found.set(run.id, `${path}[${counts.get(path)}]`);
  }
  return found;
}

function drawTree(runs, other) {
  const root = runs[0];
  const start = root.started;
  const end = Math.max(...runs.map((run) => run.started + (run.seconds ?? 0)), start + 1e-6);
  const cost = runs.some((run) => typeof run.cost === "number") ? runs.reduce((sum, run) => sum + (run.cost ?? 0), 0) : null;
  const sum = (name) => (runs.some((run) => run[name] !== null) ? runs.reduce((total, run) => total + (run[name] ?? 0), 0) : null);
  const note = [seconds(root.seconds), ...facts({ input_tokens: sum("input_tokens"), output_tokens: sum("output_tokens"), cost })].join(" · ");
  const tree = make("div", { className: "tree" });
  const inner = new Map();
  const levels = new Map();
  const own = places(runs);
  const outputs = other && new Map([...places(other)].map(([id, place]) => [place, JSON.stringify(other.find((run) => run.id === id).outputs)]));
  for (const run of runs) {
    const level = levels.has(run.parent) ? levels.get(run.parent) + 1 : 0;
    levels.set(run.id, level);
    const differs = outputs && outputs.get(own.get(run.id)) !== JSON.stringify(run.outputs);
    const node = drawStep(run, level, start, end - start, differs, run === root && !other);
    inner.set(run.id, node.lastChild);
    (inner.get(run.parent) ?? tree).append(node);
  }
  return make("section", {}, make("h2", {}, root.name, " ", make("span", { className: "note", textContent: note })), tree);
}

function drawStep(run, level, start, total, differs, isOpen) {
  const name = make("span", { className: "step", title: `${run.name} (${run.kind})` }, make("span", { className: "step-mark", title: text(run.status) }, MARKS[run.status]), run.name);
  name.style.setProperty("--level", Math.min(level, 8));
  const took = run.seconds ?? Math.max(0, start + total - run.started);
  const waiting = make("span", { className: "waiting" });
  const bar = make("span", { className: `bar kind-${run.kind}` }, waiting);
  bar.style.left = `${Math.min(99.5, Math.max(0, ((run.started - start) / total) * 100))}%`;
  bar.style.width = `${Math.min(100, (took / total) * 100)}%`;
  if (typeof run.first_chunk === "number" && took) waiting.style.width = `${Math.min(100, (run.first_chunk / took) * 100)}%`;
  const line = make("button", { type: "button", className: `line${differs ? " differs" : ""}`, ariaExpanded: "false" }, name,
    make("span", { className: "time", textContent: seconds(run.seconds) }), make("span", { className: "track" }, bar));
  const more = make("div", { className: "more", hidden: true });
  const toggle = () => {
    more.hidden = !more.hidden;
    line.ariaExpanded = String(!more.hidden);
    if (!more.hidden && !more.hasChildNodes()) fill(more, run);
  };
  line.onclick = toggle;
  if (isOpen) toggle();
  return make("div", { className: `run${run.status === "error" ? " failed" : ""}` }, line, more, make("div", { className: "inner" }));
}

function fill(more, run) {
  const about = [run.kind, text(run.status), run.model, ...facts(run)];
  if (typeof run.first_chunk === "number") about.push(text("first", seconds(run.first_chunk)));
  more.append(make("p", { className: "note", textContent: about.filter(Boolean).join(" · ") }));
  if (run.error) more.append(make("h3", { textContent: text("error") }), make("pre", { className: "bad", textContent: run.error }));
  more.append(make("h3", { textContent: text("input") }), ...readable(run.inputs));
  if (run.outputs !== null) more.append(make("h3", { textContent: text("output") }), ...readable(run.outputs));
  for (const [label, value] of [["settings", run.arguments?.invocation_params], ["metadata", run.metadata]])
    if (value && Object.keys(value).length) more.append(make("details", {}, make("summary", { textContent: text(label) }), plain(value)));
  if (run.kind === "chat_model" && promptOf(run)) more.append(makeReplay(run));
}

const isMessage = (value) => value && typeof value === "object" && "content" in value && typeof value.type === "string";
const plain = (value) => make("pre", { textContent: show(value).text, tabIndex: 0 });
const promptOf = (run) => { const messages = run.inputs?.messages?.[0]; return Array.isArray(messages) && messages.every(isMessage) ? messages : null; };

function said(message) {
  const node = make("div", { className: "said" }, make("h4", { textContent: message.type.replace("MessageChunk", "") }));
  const content = contentText(message.content);
  if (content) node.append(make("pre", { textContent: content, tabIndex: 0 }));
  else if (message.content?.length) node.append(plain(message.content));
  for (const call of message.tool_calls ?? []) node.append(make("pre", { textContent: `${text("calls", call.name)} ${JSON.stringify(call.args)}` }));
  return node;
}

// A value as a person reads it: messages one below the other, what has one part as that part, the rest as JSON.
function readable(value) {
  if (isMessage(value)) return [said(value)];
  if (Array.isArray(value) && value.length && value.every(isMessage)) return value.map(said);
  if (Array.isArray(value) && value.length === 1 && Array.isArray(value[0])) return readable(value[0]);
  if (value && typeof value === "object" && !Array.isArray(value)) {
    const answers = value.generations?.[0]?.map?.((each) => each.message ?? each.text);
    if (answers?.length) return answers.flatMap(readable);
    const names = Object.keys(value);
    if (names.length === 1 && ["input", "output", "messages", "documents"].includes(names[0])) return readable(value[names[0]]);
    if (Array.isArray(value.messages) && value.messages.length && value.messages.every(isMessage)) {
      const { messages, ...rest } = value;
      return [...messages.map(said), ...(Object.keys(rest).length ? [plain(rest)] : [])];
    }
  }
  return [plain(value)];
}

function makeReplay(run) {
  const node = make("div", { className: "replay" });
  const open = make("button", { type: "button", textContent: text("replay") });
  open.onclick = () => {
    const fields = promptOf(run).map((message) => {
      const area = make("textarea", { value: contentText(message.content), rows: 3 });
      const give = () => ({ role: message.type, content: area.value, ...(message.tool_calls?.length ? { tool_calls: message.tool_calls } : {}),
        ...(message.tool_call_id ? { tool_call_id: message.tool_call_id } : {}) });
      return { node: make("label", {}, message.type, area), give };
    });
    const send = make("button", { type: "button", className: "main", textContent: text("replayNow") });
    const answer = make("div", { ariaLive: "polite" });
    send.onclick = async () => {
      send.disabled = true;
      answer.replaceChildren(text("asking"));
      try {
        const response = await fetch("api/replay", { method: "POST", headers: { "content-type": "application/json", "prill-token": session.token },
          body: JSON.stringify({ id: run.id, messages: fields.map((field) => field.give()) }) });
        const result = response.ok ? await response.json() : { error: await response.text() };
        answer.replaceChildren(make("h3", { textContent: text("replayed") }),
          ...(result.error ? [make("pre", { className: "bad", textContent: result.error })] : readable(result.message)));
      } catch { answer.replaceChildren(text("unreachable")); }
      send.disabled = false;
    };
    node.replaceChildren(...fields.map((field) => field.node), send, answer);
  };
  node.append(open);
  return node;
}

function drawWords() {
  for (const each of document.querySelectorAll("[data-hint]")) each.placeholder = each.ariaLabel = text(each.dataset.hint);
  for (const [id, options] of [
    ["state", [["", "anyState"], ...["ok", "error", "cancelled", "running"].map((name) => [name, name])]],
    ["since", [["", "anyTime"], ["3600", "hour"], ["86400", "day"], ["604800", "week"]]],
  ]) {
    const before = $(id).value;
    $(id).replaceChildren(...options.map(([value, name]) => make("option", { value, textContent: text(name) })));
    $(id).value = before;
  }
}

const restart = () => { roots = []; list(); };
prepareLook(() => { drawWords(); showRuns(); });
translate();
drawWords();
$("filters").onsubmit = (event) => event.preventDefault();
$("filters").oninput = restart;
$("more").onclick = () => list(roots.length);
$("compare").onclick = () => { location.hash = marked.join(","); };
addEventListener("hashchange", showRuns);
session = (await get("api/session")) ?? {};
$("name").textContent = session.file ?? "";
await list();
await showRuns();
