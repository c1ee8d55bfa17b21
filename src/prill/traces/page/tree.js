// The steps of a run along time: one line for each, with its bar, pale until the first chunk.
import { $, make, money, tokens } from "./parts.js";
import { duration, text } from "./texts.js";

const SHOWN = 300, MOST = 5000, TICKS = 6;
const KINDS = ["prompt", "chat_model", "llm", "parser", "tool", "retriever", "agent"];

const kindOf = (run) => (run.status === "error" ? "error" : run.kind === "llm" ? "chat_model" : KINDS.includes(run.kind) ? run.kind : "chain");

export class Tree {
  #rows = [];
  #from = 0;
  #total = 1;
  #chosen = null;

  fill(runs) {
    const inside = Map.groupBy ? Map.groupBy(runs, (run) => run.parent) : group(runs);
    const known = new Set(runs.map((run) => run.id));
    const roots = runs.filter((run) => !known.has(run.parent));
    this.#rows = [];
    const ahead = roots.map((run) => [run, 0]).reverse();
    while (ahead.length) {
      const [run, level] = ahead.pop();
      this.#rows.push([run, level]);
      for (const child of [...(inside.get(run.id) ?? [])].reverse()) ahead.push([child, level + 1]);
    }
    const last = Math.max(...runs.map(end));
    this.#from = Math.min(...runs.map((run) => run.start));
    this.#total = Math.max(last - this.#from, 1e-6);
    this.#drawHead(roots[0], runs);
    this.#draw(SHOWN);
  }

  choose(id) {
    this.#chosen = id;
    if (this.#rows.findIndex(([run]) => run.id === id) >= $("tree").children.length) this.#draw(MOST);
    for (const line of $("tree").children) {
      if (line.dataset.id === id) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }

  #drawHead(root, runs) {
    $("tree-title").textContent = root.name;
    const models = runs.filter((run) => run.input_tokens !== null);
    const sum = (name) => models.reduce((total, run) => total + (run[name] ?? 0), 0);
    const priced = models.some((run) => run.cost !== null);
    const total = models.length ? { input_tokens: sum("input_tokens"), output_tokens: sum("output_tokens") } : null;
    const steps = runs.length === 1 ? text("oneStep") : text("steps", runs.length);
    $("totals").textContent = [text(root.status), steps, duration(this.#total * 1000), total && tokens(total),
      priced && money(sum("cost")), runs.length >= MOST && text("firstSteps", MOST)].filter(Boolean).join(" · ");
    const kinds = [...new Set(runs.map(kindOf))];
    $("legend").replaceChildren(...kinds.map((kind) => entry(kind, kind === "error" ? text("error") : kind === "chat_model" ? "model" : kind)),
      ...(runs.some(streamed) ? [entry("pale", text("waiting"))] : []));
    const step = tick(this.#total), ticks = [];
    for (let at = 0; at <= this.#total * 1.0001; at += step) {
      const mark = make("span", {}, at ? duration(at * 1000) : "0");
      mark.style.left = `${(at / this.#total) * 100}%`;
      ticks.push(mark);
    }
    $("axis").replaceChildren(make("span"), make("span", { className: "ticks" }, ...ticks));
  }

  #draw(count) {
    $("tree").replaceChildren(...this.#rows.slice(0, count).map(([run, level]) => this.#line(run, level)));
    const left = this.#rows.length - count;
    $("rest").hidden = left <= 0;
    $("rest").textContent = text("showRest", left);
    $("rest").onclick = () => { this.#draw(MOST); this.choose(this.#chosen); };
  }

  #line(run, level) {
    const spent = end(run) - run.start, share = (seconds) => `${(seconds / this.#total) * 100}%`;
    const bar = make("span", { className: "bar" });
    bar.style.left = `min(${share(run.start - this.#from)}, 100% - 3px)`;
    bar.style.width = share(spent);
    if (streamed(run)) {
      const waiting = make("span", { className: "waiting" });
      waiting.style.width = `${Math.min(run.first_chunk / (spent || 1), 1) * 100}%`;
      bar.append(waiting);
    }
    const facts = [text(run.status), duration(spent * 1000), tokens(run), money(run.cost), run.error];
    const line = make("a", { href: `#run/${run.id}`, className: `line ${kindOf(run)} ${run.status}`, title: facts.filter(Boolean).join(" · ") },
      make("span", { className: "step" }, make("span", { className: "dot" }), run.name),
      make("span", { className: "time" }, run.end ? duration(spent * 1000) : text(run.status)),
      make("span", { className: "track" }, bar));
    line.dataset.id = run.id;
    line.style.setProperty("--level", Math.min(level, 12));
    return line;
  }
}

const end = (run) => run.end ?? (run.status === "running" ? Math.max(Date.now() / 1000, run.start) : run.start);
const streamed = (run) => run.first_chunk !== null && (run.chunks > 1 || run.kind === "chat_model");
const entry = (kind, name) => make("span", { className: `entry ${kind}` }, make("span", { className: "dot" }), name);

function group(runs) {
  const groups = new Map();
  for (const run of runs) groups.set(run.parent, [...(groups.get(run.parent) ?? []), run]);
  return groups;
}

// A round step of time that cuts `total` into six at most.
function tick(total) {
  for (let size = 1e-6; ; size *= 10) for (const step of [1, 2, 5]) if (total / (step * size) <= TICKS) return step * size;
}
