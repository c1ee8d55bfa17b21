// The playground: asks the server what its chain takes, runs it, and shows what happens.
import { Conversation } from "./chat.js";
import { make, makeForm, Wrong } from "./form.js";
import { ask, curl, Refused, ServerRun } from "./stream.js";
import { kept, prepareLook, size, text, translate } from "./texts.js";
import { Tree } from "./tree.js";
import { add, show } from "./values.js";

const base = location.pathname.replace(/playground\/(index\.html)?$/, "");
const place = `prill:${base}`;
const $ = (id) => document.getElementById(id);
const tree = new Tree($("tree"), $("tree-note"), $("total"));

let settings, form, config, chat, run = null;
let key = kept.get(`${place}:key`, sessionStorage) ?? "";
let started = Infinity, output, streams = false, drawing = false, body = null, status = ["", false];

const now = () => (started === Infinity ? 0 : Date.now() - started);

function say(name, bad = false, ...parts) {
  status = [name, bad, ...parts];
  $("status").textContent = name ? text(name, ...parts) : "";
  $("status").classList.toggle("bad", bad);
}

function complain(message) {
  $("problem").textContent = message;
  $("problem").hidden = !message;
}

// What the server says of the chain

async function load() {
  try {
    settings = await (await ask("settings.json", key)).json();
  } catch (error) {
    $("key-form").hidden = error.status !== 401;
    $("run").disabled = true;
    say(error.status === 401 ? "needsKey" : error instanceof Refused ? "failed" : "unreachable", true);
    return;
  }
  $("key-form").hidden = true;
  $("run").disabled = false;
  say("");
  document.title = $("name").textContent = settings.name;
  build();
  await restore();
}

function build() {
  const old = chat ? null : read(form), oldConfig = read(config);
  const where = settings.chat;
  chat = where ? chat ?? new Conversation($("conversation"), where) : null;
  document.body.classList.toggle("chat", chat !== null);
  $("conversation").hidden = $("say").hidden = chat === null;
  form = chat && !where.messages ? null : makeForm(settings.input, chat ? [where.messages, where.text] : []);
  $("fields").replaceChildren(...(form ? [form.node] : []));
  config = settings.config ? makeForm(settings.config) : null;
  $("config").hidden = config === null;
  $("config-fields").replaceChildren(...(config ? [config.node] : []));
  $("said").setAttribute("aria-label", text("message"));
  $("said").placeholder = text("message");
  $("run").dataset.text = chat ? "send" : "run";
  if (old) form.set(old);
  if (oldConfig) config.set(oldConfig);
  translate();
}

function read(form) {
  try { return form?.get(); } catch { return undefined; }
}

function makeBody() {
  complain("");
  const fields = form?.get();
  const input = chat ? chat.makeInput($("said").value, fields) : fields;
  const chosen = config?.get();
  const used = chosen && Object.values(chosen).some((each) => each && Object.keys(each).length);
  return { input: input ?? null, ...(used ? { config: chosen } : {}) };
}

// A run

function prepare() {
  started = Infinity;
  output = undefined;
  streams = false;
  tree.clear();
  drawOutput();
  run = new ServerRun(base, key, {
    take,
    found: (id) => { save(id); say("running"); },
    broke: () => say("reconnecting", true),
  });
  showRunning(true);
  return run;
}

function showRunning(running) {
  $("run").disabled = running;
  $("stop").hidden = !running;
  $("stop").disabled = false;
}

async function finish(work, mine) {
  try {
    await work;
    if (mine !== run) return;
    if (mine.result === "failed") chat?.fail(mine.message);
    else chat?.end(output);
  } catch (error) {
    if (mine !== run) return;
    tree.close(now(), "failed");
    const lost = !(error instanceof Refused) || error.status === 404 || error.status === 410;
    if (lost && mine.id !== null) say("lost", true);
    else if (error.status === 401) { $("key-form").hidden = false; say("needsKey", true); }
    else if (error instanceof Refused) { complain(error.message); say("failed", true); }
    else say("unreachable", true);
    chat?.fail("");
  }
  drawOutput();
  save(mine.id);
  run = null;
  showRunning(false);
}

function take(name, data) {
  if (name === "data" && typeof data?.event === "string" && "run_id" in data) takeEvent(data);
  else if (name === "data") takeChunk(data);
  else if (name === "restart") { output = undefined; chat?.restart(); }
  else if (name === "end") { run.result = "ended"; tree.close(now(), "ended"); say("ended"); }
  else if (name === "error") {
    const stopped = data?.code === "stopped";
    run.result = stopped ? "stopped" : "failed";
    run.message = data?.message ?? "";
    tree.close(now(), stopped ? "stopped" : "failed");
    say(run.result, !stopped);
    if (!stopped) complain(run.message);
  }
  drawSoon();
}

function takeEvent(event) {
  const phase = event.event.slice(event.event.lastIndexOf("_") + 1);
  const elapsed = event.elapsed * 1000;
  started = Math.min(started, Date.now() - elapsed);  // those that were kept for us arrive late, the newest on time
  tree.take(event, elapsed);
  const outermost = event.parent_ids.length === 0;
  if (!outermost) { chat?.takeStep(event); return; }
  if (phase === "stream") takeChunk(event.data.chunk);
  else if (phase === "restart") { output = undefined; chat?.restart(); }
  else if (phase === "end" && event.data.output !== undefined && event.data.output !== null) {
    const whole = streams && event.data.output.shortened !== undefined ? output : event.data.output;
    output = whole;
  }
}

function takeChunk(chunk) {
  streams = true;
  output = add(output, chunk);
  chat?.takeOutput(output);
}

// What is shown

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; drawOutput(); chat?.draw(); });
}

function drawOutput() {
  const shown = output === undefined ? { text: "", code: false, all: 0 } : show(output);
  const node = $("output"), atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 40;
  const last = node.firstChild;
  if (last && shown.text.startsWith(last.data)) last.appendData(shown.text.slice(last.data.length));
  else node.textContent = shown.text;
  node.classList.toggle("code", shown.code);
  $("output-note").textContent = shown.all ? text("shortened", size(shown.all)) : "";
  if (atEnd) node.scrollTop = node.scrollHeight;
}

// What is kept, so that a page that is loaded again goes on

function save(id = run?.id) {
  if (!id || !body) return;
  const state = { id, body, said: chat?.saved };
  if (!kept.set(place, state, sessionStorage)) kept.forget(place, sessionStorage);
}

async function restore() {
  const state = kept.get(place, sessionStorage);
  if (!state || run) return;
  body = state.body;
  if (chat) chat.restore(state.said);
  else form?.set(state.body.input);
  if (state.body.config) config?.set(state.body.config);
  const mine = prepare();
  say("resumed");
  await finish(mine.resume(state.id), mine);
}

// What people do

$("input-form").onsubmit = async (event) => {
  event.preventDefault();
  if (run || !settings) return;
  try {
    body = makeBody();
  } catch (error) {
    if (error instanceof Wrong) return complain(error.message);
    throw error;
  }
  if (chat && !$("said").value.trim()) return undefined;
  chat?.say($("said").value);
  $("said").value = "";
  const mine = prepare();
  say("running");
  return finish(mine.start(body), mine);
};

$("stop").onclick = async () => {
  $("stop").disabled = true;
  say("stopping");
  await run?.stop().catch(() => say("unreachable", true));
};

$("curl").onclick = async () => {
  try {
    const command = curl(base, makeBody(), key);
    $("command").value = command;
    await navigator.clipboard.writeText(command);
    say("copied");
  } catch (error) {
    if (error instanceof Wrong) return complain(error.message);
    $("command").hidden = false;  // the browser does not let pages without TLS copy
    $("command").select();
    say("copyIt");
  }
  return undefined;
};

$("clear").onclick = () => {
  if (run) return;
  kept.forget(place, sessionStorage);
  body = null;
  output = undefined;
  $("command").hidden = true;
  chat?.clear();
  tree.clear();
  drawOutput();
  complain("");
  say("");
};

$("key-form").onsubmit = (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  kept.set(`${place}:key`, key, sessionStorage);
  load();
};

document.addEventListener("keydown", (event) => {
  const said = event.target === $("said") && !event.shiftKey;
  if (event.key !== "Enter" || event.isComposing || !(said || event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  $("input-form").requestSubmit();
});

setInterval(() => { if (run) tree.draw(now()); }, 250);
prepareLook(() => { if (settings) build(); say(...status); tree.draw(); });
translate();
load();
