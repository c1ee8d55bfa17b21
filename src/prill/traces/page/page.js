// The page of recorded runs: a list with filters, and the run that the address names.
import { showComparison } from "./compare.js";
import { $, ask, make, money, time, tokens } from "./parts.js";
import { Tree } from "./tree.js";
import { showRun } from "./run.js";
import { duration, prepareLook, text, translate } from "./texts.js";

const STATES = ["ok", "error", "cancelled", "running", "interrupted"];
const FIELDS = { text: "text", name: "name", status: "state", model: "model", tag: "tag" };

const tree = new Tree();
let about = { tags: [], models: [] }, runs = [], more = false, compared = null, asked = 0, shown = {};

function say(name) {
  $("status").textContent = name ? text(name) : "";
}

// The list

function query(until) {
  const given = new URLSearchParams();
  for (const [name, id] of Object.entries(FIELDS)) if ($(id).value) given.set(name, $(id).value);
  for (const name of ["since", "until"]) if ($(name).value) given.set(name, new Date($(name).value).getTime() / 1000);
  if (until) given.set("until", until);
  return given;
}

async function loadRuns(next = false) {
  const number = ++asked;
  say("loading");
  try {
    const answer = await ask(`api/runs?${query(next ? runs.at(-1)?.start : null)}`);
    if (number !== asked) return;
    runs = next ? [...runs, ...answer.runs] : answer.runs;
    more = answer.more;
    say("");
  } catch (error) {
    if (number === asked) say("unreachable");
  }
  drawRuns();
}

function drawRuns() {
  $("list").replaceChildren(...runs.map(drawItem));
  $("next").hidden = !more;
  $("empty").hidden = runs.length > 0;
  $("empty").textContent = text("none");
  $("comparing").hidden = !compared;
  if (compared) $("comparing").firstElementChild.textContent = text("comparing", compared.name);
}

function drawItem(run) {
  const facts = [time(run.start), run.end ? duration((run.end - run.start) * 1000) : "", run.models ?? "",
    tokens(run), money(run.cost), run.runs === 1 ? "" : text("steps", run.runs)];
  const href = compared ? `#compare/${compared.id}/${run.id}` : `#run/${run.id}`;
  const link = make("a", { href, className: `item ${run.status}` },
    make("span", { className: "title" }, make("span", { className: "dot", title: text(run.status) }), make("b", {}, run.name),
      run.status === "ok" ? "" : make("span", { className: "badge" }, text(run.status))),
    make("span", { className: "note" }, facts.filter(Boolean).join(" · ")),
    run.error ? make("span", { className: "bad line-of-error" }, run.error.slice(0, 200)) : "");
  if (run.id === shown.root) link.setAttribute("aria-current", "true");
  return make("li", {}, link);
}

function drawChoices() {
  const fill = (id, names, label = (name) => name) => {
    const chosen = $(id).value;
    $(id).replaceChildren(new Option(text("any"), ""), ...names.map((name) => new Option(label(name), name)));
    $(id).value = chosen;
  };
  fill("state", STATES, text);
  fill("model", about.models);
  fill("tag", about.tags);
}

// The run, or the two runs, in the address

async function follow() {
  const [verb, first, second] = location.hash.slice(1).split("/");
  document.body.dataset.view = verb || "list";
  for (const part of ["tree-part", "run-part", "comparison-part"]) $(part).hidden = true;
  $("hint").hidden = Boolean(verb);
  if (verb !== "run") shown = {};
  try {
    if (verb === "run") await openRun(first);
    if (verb === "compare") {
      compared = null;
      await showComparison($("comparison-part"), first, second);
    }
    say("");
  } catch (error) {
    $("hint").hidden = false;
    $("status").textContent = error.message || text("unreachable");
  }
  drawRuns();
}

async function openRun(id) {
  const run = await ask(`api/runs/${id}`);
  if (location.hash !== `#run/${id}`) return;
  if (run.root !== shown.root || run.status === "running") tree.fill((await ask(`api/trees/${run.root}`)).runs);
  shown = run;
  tree.choose(id);
  $("tree-part").hidden = false;
  showRun($("run-part"), run, { compare: () => startComparing(run), asked: () => loadRuns() });
  $("run-part").hidden = false;
}

function startComparing(run) {
  compared = run;
  drawRuns();
  document.body.dataset.view = "list";
  $("comparing").scrollIntoView({ block: "center" });
}

async function load() {
  try {
    about = await ask("api/about");
    $("file").textContent = about.file;
    $("file").title = about.path;
    document.title = `${about.file} · Prill`;
  } catch { say("unreachable"); }
  drawChoices();
  await loadRuns();
}

function drawWords() {
  for (const each of document.querySelectorAll("[data-label]")) {
    each.placeholder = text(each.dataset.label);
    each.setAttribute("aria-label", text(each.dataset.label));
  }
}

let typing;
$("filters").oninput = () => { clearTimeout(typing); typing = setTimeout(() => loadRuns(), 200); };
$("filters").onsubmit = (event) => { event.preventDefault(); loadRuns(); };
$("filters").onreset = () => setTimeout(() => loadRuns());
$("next").onclick = () => loadRuns(true);
$("refresh").onclick = async () => { await load(); shown = {}; await follow(); };
$("comparing").lastElementChild.onclick = () => { compared = null; drawRuns(); };
addEventListener("hashchange", follow);
prepareLook(() => { drawWords(); drawChoices(); shown = {}; follow(); });
translate();
drawWords();
await load();
await follow();
