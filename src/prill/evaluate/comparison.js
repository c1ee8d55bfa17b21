"use strict";
const TEXTS = {
  en: {
    before: "Before", after: "After", change: "Change", rows: "rows", failed: "failed", tokens: "tokens", cost: "cost",
    seconds: "seconds (half of the rows)", input: "Input", expected: "Expected", missing: "not in this run", show: "Show",
    changed: "changed", better: "better", worse: "worse", all: "all", score: "Score", every: "all scores", sort: "Sort",
    most: "largest change", fell: "worst change", rose: "best change", order: "key", search: "Text", more: "Show more",
    count: "{0} of {1} rows", none: "No row fits.",
  },
  zh: {
    before: "之前", after: "之后", change: "变化", rows: "行数", failed: "失败", tokens: "token 数", cost: "费用",
    seconds: "秒（半数行以内）", input: "输入", expected: "期望", missing: "这次运行没有此行", show: "显示",
    changed: "有变化", better: "变好", worse: "变差", all: "全部", score: "评分", every: "全部评分", sort: "排序",
    most: "变化最大", fell: "变差最多", rose: "变好最多", order: "键", search: "文字", more: "显示更多",
    count: "{1} 行中的 {0} 行", none: "没有符合的行。",
  },
}[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];
const PART = 100;
const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
const number = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace(/\.?0+$/, ""));
const tone = (value) => (value > 1e-9 ? "good" : value < -1e-9 ? "bad" : "");
const signed = (value) => (Math.abs(value) < 1e-9 ? "0" : (value > 0 ? "+" : "−") + number(Math.abs(value)));

function figures() {
  const [before, after] = data.runs;
  const names = [...new Set([...Object.keys(before.means), ...Object.keys(after.means)])];
  const head = make("tr", {}, make("th"), make("th", { textContent: TEXTS.before }), make("th", { textContent: TEXTS.after }), make("th", { textContent: TEXTS.change }));
  const line = (name, old, now, judged) => {
    const known = typeof old === "number" && typeof now === "number";
    const change = make("td", { textContent: known ? signed(now - old) : "–", className: known && judged ? tone((now - old) * judged) : "" });
    return make("tr", {}, make("td", { textContent: name }), make("td", { textContent: number(old) }), make("td", { textContent: number(now) }), change);
  };
  const table = make("table", {}, head, ...names.map((name) => line(name, before.means[name], after.means[name], 1)));
  for (const [name, judged] of [["rows", 0], ["failed", -1], ["seconds", -1], ["tokens", -1], ["cost", -1]])
    if (name !== "cost" || before.cost !== null || after.cost !== null) table.append(line(TEXTS[name], before[name], after[name], judged));
  return table;
}

// The words that differ; long texts are shown as they are.
function difference(old, now) {
  const parts = (text) => text.match(/[\u3400-\u9fff]|\s+|[^\s\u3400-\u9fff]+/g) ?? [];
  const [a, b] = [parts(old), parts(now)];
  if (a.length * b.length > 250_000) return [[old], [now]];
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const [left, right] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { left.push(a[i++]); right.push(b[j++]); }
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) left.push(make("del", { textContent: a[i++] }));
    else right.push(make("ins", { textContent: b[j++] }));
  }
  return [left, right];
}

function side(title, part, output) {
  const node = make("div", {}, make("h3", { textContent: title }));
  if (!part) { node.append(make("p", { className: "scores", textContent: TEXTS.missing })); return node; }
  node.append(part.error ? make("pre", { className: "bad", textContent: part.error }) : make("pre", { tabIndex: 0 }, ...output));
  for (const [name, score] of Object.entries(part.scores)) {
    const details = Object.entries(score.details).filter(([, value]) => value !== "{}").map(([key, value]) => `${key}: ${value}`).join(" · ");
    node.append(make("p", { className: `scores${score.error ? " bad" : ""}`, textContent: `${name} ${score.error ?? number(score.value)}${details ? ` – ${details}` : ""}` }));
  }
  node.append(make("p", { className: "scores", textContent: `${number(part.seconds, 2)} s · ${part.tokens} ${TEXTS.tokens}` }));
  return node;
}

function article(row) {
  const [before, after] = row.sides;
  const title = make("h2", {}, make("span", { textContent: row.key }));
  for (const [name, change] of Object.entries(row.changes))
    if (tone(change)) title.append(make("span", { className: tone(change), textContent: `${name} ${signed(change)}` }));
  const [left, right] = before && after ? difference(before.output, after.output) : [[before?.output ?? ""], [after?.output ?? ""]];
  return make("article", { className: { good: "rose", bad: "fell" }[tone(row.change)] ?? "" }, title,
    make("div", { className: "two" },
      make("div", {}, make("h3", { textContent: TEXTS.input }), make("pre", { textContent: row.input, tabIndex: 0 })),
      make("div", {}, make("h3", { textContent: TEXTS.expected }), make("pre", { textContent: row.expected, tabIndex: 0 }))),
    make("div", { className: "two" }, side(TEXTS.before, before, left), side(TEXTS.after, after, right)));
}

function choice(id, label, options) {
  const select = make("select", { id }, ...options.map(([value, textContent]) => make("option", { value, textContent })));
  select.onchange = () => draw(PART);
  return [make("label", {}, label, select), select];
}

const names = [...new Set(data.rows.flatMap((row) => Object.keys(row.changes)))];
const [showLabel, shown] = choice("show", TEXTS.show, ["changed", "better", "worse", "failed", "all"].map((name) => [name, TEXTS[name]]));
const [scoreLabel, score] = choice("score", TEXTS.score, [["", TEXTS.every], ...names.map((name) => [name, name])]);
const [sortLabel, sort] = choice("sort", TEXTS.sort, ["most", "fell", "rose", "order"].map((name) => [name, TEXTS[name]]));
const search = make("input", { id: "search", type: "search" });
search.oninput = () => draw(PART);
const count = make("span", { id: "count" });
const list = make("div", { id: "rows" });

function draw(most) {
  const changeOf = (row) => (score.value ? row.changes[score.value] ?? 0 : row.change);
  const differs = (row) => Object.values(row.changes).some(tone) || row.sides.some((part) => !part) || row.sides[0].output !== row.sides[1].output || row.sides[0].error !== row.sides[1].error;
  const fits = {
    all: () => true, better: (row) => tone(changeOf(row)) === "good", worse: (row) => tone(changeOf(row)) === "bad",
    failed: (row) => row.sides.some((part) => part?.error), changed: (row) => (score.value ? tone(changeOf(row)) : differs(row)),
  }[shown.value];
  const order = {
    most: (a, b) => Math.abs(changeOf(b)) - Math.abs(changeOf(a)), fell: (a, b) => changeOf(a) - changeOf(b),
    rose: (a, b) => changeOf(b) - changeOf(a), order: (a, b) => a.key.localeCompare(b.key, undefined, { numeric: true }),
  }[sort.value];
  const words = search.value.toLowerCase();
  const found = data.rows.filter((row) => fits(row) && (!words || JSON.stringify(row).toLowerCase().includes(words))).sort(order);
  count.textContent = TEXTS.count.replace("{0}", found.length).replace("{1}", data.rows.length);
  list.replaceChildren(...found.slice(0, most).map(article));
  if (!found.length) list.append(make("p", { className: "scores", textContent: TEXTS.none }));
  if (found.length > most) list.append(make("button", { textContent: TEXTS.more, onclick: () => draw(most + PART) }));
}

page.append(make("h1", { textContent: `${data.runs[0].name} → ${data.runs[1].name}` }), figures(),
  make("div", { className: "bar" }, showLabel, scoreLabel, sortLabel, make("label", {}, TEXTS.search, search), count), list);
draw(PART);
