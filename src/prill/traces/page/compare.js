// Two runs side by side.
import { ask, make } from "./parts.js";
import { showFacts } from "./run.js";
import { text } from "./texts.js";

export async function showComparison(section, left, right) {
  const both = await ask(`api/comparison/${left}/${right}`);
  const head = (run) => make("div", {}, make("h3", {}, make("a", { href: `#run/${run.id}` }, run.name)), showFacts(run));
  section.replaceChildren(
    make("a", { className: "back", href: "#" }, text("back")),
    make("h2", { id: "comparison-title" }, text("comparison")),
    make("div", { className: "sides" }, head(both.left), head(both.right)),
    ...Object.entries(both.parts).map(([name, lines]) => make("section", { className: `part diff-${name}` },
      make("h3", {}, text(name === "error" ? "failure" : name)),
      lines.every((line) => line.kind !== "changed") ? make("p", { className: "note" }, text("equal")) : "",
      make("div", { className: "diff", tabIndex: 0 }, ...lines.map(drawLine)))));
  section.hidden = false;
}

function drawLine(line) {
  if (line.kind === "skipped") return make("div", { className: "skipped" }, text("skipped", line.count));
  const cell = (value, other) => make("pre", { className: value === null ? "missing" : line.kind }, ...marked(value, other, line.kind));
  return make("div", { className: `pair ${line.kind}` }, cell(line.left, line.right), cell(line.right, line.left));
}

// Of a changed line, the words from the first to the last that differ are marked.
function marked(value, other, kind) {
  if (kind === "equal" || value === null || other === null) return [value ?? ""];
  let start = 0, end = 0;
  const most = Math.min(value.length, other.length);
  while (start < most && value[start] === other[start]) start++;
  while (end < most - start && value.at(-1 - end) === other.at(-1 - end)) end++;
  while (start && /\w/.test(value[start - 1])) start--;
  while (end && /\w/.test(value.at(-end))) end--;
  return [value.slice(0, start), make("mark", {}, value.slice(start, value.length - end)), value.slice(value.length - end)];
}
