// The runs inside a run as a tree with times, each with its bar in the waterfall.
import { make } from "./form.js";
import { duration, size, text } from "./texts.js";
import { add, show } from "./values.js";

const MOST = 1000;  // steps that are shown
const MARKS = { running: "●", ended: "✓", failed: "✗", stopped: "■" };

export class Tree {
  constructor(node, note, total) {
    Object.assign(this, { node, note, total });
    this.clear();
  }

  clear() {
    this.steps = new Map();
    this.hidden = 0;
    this.changed = new Set();
    this.root = null;
    this.node.replaceChildren();
    this.note.textContent = this.total.textContent = "";
  }

  // Take an event of the run, at `now` milliseconds after its start.
  take(event, now) {
    const phase = event.event.slice(event.event.lastIndexOf("_") + 1);
    if (phase === "start") return this.#start(event, now);
    const step = this.steps.get(event.run_id);
    if (!step) return undefined;
    if (phase === "stream") this.#chunk(step, event.data.chunk, now);
    else if (phase === "restart") step.streamed = undefined;
    else if (phase === "end" || phase === "error") {
      Object.assign(step, { end: now, state: phase === "end" ? "ended" : "failed", output: event.data.output });
      if (event.data.input !== undefined) step.input = event.data.input;
      if (phase === "error") step.error = `${event.data.type ?? ""} ${event.data.message ?? ""}`.trim();
    }
    this.#draw(step);
    return step;
  }

  #start(event, now) {
    if (this.steps.size >= MOST) { this.hidden++; return undefined; }
    const parent = this.steps.get(event.parent_ids.at(-1));
    const kind = event.event.slice(3, event.event.lastIndexOf("_"));
    const step = { id: event.run_id, name: event.name, kind, input: event.data.input, start: now, state: "running", chunks: 0, parent };
    this.#build(step, event.parent_ids.length);
    (parent?.inner ?? this.node).append(step.node);
    this.root ??= step;
    this.steps.set(step.id, step);
    this.#draw(step);
    return step;
  }

  #chunk(step, chunk, now) {
    step.chunks++;
    step.first ??= now;
    step.streamed = add(step.streamed, chunk);
  }

  #build(step, level) {
    step.mark = make("span", { className: "mark" });
    step.time = make("span", { className: "time" });
    step.waiting = make("span", { className: "waiting" });
    step.bar = make("span", { className: "bar" }, step.waiting);
    const name = make("span", { className: "step", title: `${step.name} (${step.kind})` }, step.mark, step.name);
    name.style.setProperty("--level", level);
    const line = make("button", { type: "button", className: "line", ariaExpanded: "false" }, name, step.time,
      make("span", { className: "track" }, step.bar));
    step.more = make("div", { className: "more", hidden: true });
    step.inner = make("div", { className: "inner" });
    step.node = make("div", { className: "run" }, line, step.more, step.inner);
    line.onclick = () => {
      step.more.hidden = !step.more.hidden;
      line.ariaExpanded = String(!step.more.hidden);
      this.#draw(step);
    };
  }

  // Drawn once a frame, however many events there were.
  #draw(step) {
    if (!this.changed.size) requestAnimationFrame(() => this.draw());
    this.changed.add(step);
  }

  draw(now = this.last) {
    const changed = this.changed;
    this.changed = new Set();
    this.last = now = Math.max(now ?? 0, ...[...changed].map((step) => step.end ?? step.first ?? step.start));
    for (const step of changed) this.#drawStep(step);
    if (!this.root) return;
    const whole = Math.max(this.root.end ?? now, 1);
    for (const step of this.steps.values()) this.#drawTimes(step, whole, now);
    this.total.textContent = duration(this.root.end ?? now);
    this.note.textContent = this.hidden ? text("moreSteps", this.hidden)
      : this.root.end !== undefined && this.steps.size === 1 ? text("stepsHidden") : "";
  }

  #drawStep(step) {
    step.node.classList.toggle("failed", step.state === "failed");
    step.node.classList.toggle("running", step.state === "running");
    step.mark.textContent = MARKS[step.state];
    if (!step.more.hidden) this.#drawMore(step);
  }

  #drawTimes(step, whole, now) {
    const end = step.end ?? now, length = Math.max(end - step.start, 0);
    const drawn = `${step.start}:${end}:${whole}`;
    if (step.drawn === drawn) return;
    step.drawn = drawn;
    step.time.textContent = duration(length);
    step.bar.style.left = `${Math.min(step.start / whole, 1) * 100}%`;
    step.bar.style.width = `${Math.min(length / whole, 1) * 100}%`;
    step.waiting.style.width = step.first !== undefined && length ? `${((step.first - step.start) / length) * 100}%` : "0";
  }

  #drawMore(step) {
    const parts = [make("p", { className: "note" }, step.kind)];
    if (step.chunks) parts.push(make("p", { className: "note" }, text("chunks", step.chunks, duration(step.first - step.start))));
    if (step.error) parts.push(make("h3", {}, text("error")), make("pre", { className: "bad" }, step.error));
    if (step.input !== undefined) parts.push(...showValue("given", step.input));
    if (step.output !== undefined && step.output !== null) parts.push(...showValue("returned", step.output));
    else if (step.streamed !== undefined) parts.push(...showValue("streamed", step.streamed));
    step.more.replaceChildren(...parts);
  }

  // End what still runs, as a run that was stopped or lost does not say so of its steps.
  close(now, state) {
    for (const step of this.steps.values()) {
      if (step.state === "running") { Object.assign(step, { end: now, state }); this.changed.add(step); }
    }
    this.draw(now);
  }
}

function showValue(title, value) {
  const shown = show(value);
  const note = shown.all ? [make("p", { className: "note" }, text("shortened", size(shown.all)))] : [];
  return [make("h3", {}, text(title)), ...note, make("pre", {}, shown.text)];
}
