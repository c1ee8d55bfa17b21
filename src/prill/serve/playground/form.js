// A form for a JSON schema. A field has a `node`, `get()`, which throws a `Wrong` where nothing fits, and `set(value)`.
import { text } from "./texts.js";

const DEEPEST = 4;  // below it, and for what no control fits, one writes JSON
let count = 0;

export class Wrong extends Error {
  constructor(message, control) {
    super(message);
    control?.setAttribute("aria-invalid", "true");
  }
}

export const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

export function makeForm(schema, leaveOut = []) {
  const definitions = schema.$defs ?? {};
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !leaveOut.includes(name));
  if (schema.properties) return makeObject({ ...schema, properties: Object.fromEntries(properties) }, definitions, 0);
  return makeField(schema, definitions, schema.type === "string" ? text("input") : text("json"), true, 0);
}

function resolve(schema, definitions) {
  for (let steps = 0; schema?.$ref && steps < 20; steps++) {
    schema = { ...definitions[schema.$ref.replace("#/$defs/", "")], ...without(schema, "$ref") };
  }
  if (schema?.allOf?.length === 1) return resolve({ ...schema.allOf[0], ...without(schema, "allOf") }, definitions);
  const choices = (schema?.anyOf ?? []).filter((each) => each.type !== "null");
  if (choices.length === 1) return resolve({ ...choices[0], ...without(schema, "anyOf") }, definitions);
  return schema ?? {};
}

const without = (object, name) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

function makeField(schema, definitions, name, needed, depth) {
  schema = resolve(schema, definitions);
  const title = schema.title && depth ? schema.title : name;
  if (schema.enum || schema.const !== undefined) return makeChoice(schema, title, needed);
  if (schema.type === "boolean") return makeSwitch(schema, title);
  if (schema.type === "integer" || schema.type === "number") return makeNumber(schema, title, needed);
  if (schema.type === "string") return makeText(schema, title, needed);
  if (schema.type === "object" && schema.properties && depth < DEEPEST) return makeGroup(schema, definitions, title, needed, depth);
  if (schema.type === "array" && schema.items && depth < DEEPEST) return makeList(schema, definitions, title, needed, depth);
  return makeJSON(schema, title, needed);
}

function wrap(control, title, needed, note) {
  control.id = `field-${++count}`;
  control.addEventListener("input", () => control.removeAttribute("aria-invalid"));
  const label = make("label", { htmlFor: control.id }, title);
  if (!needed) label.append(" ", make("small", {}, text("optional")));
  return make("div", { className: "field" }, label, control, ...(note ? [make("small", {}, note)] : []));
}

function makeControl(control, schema, title, needed, read, write) {
  const set = (value) => { control.value = value === undefined ? "" : write(value); };
  set(schema.default ?? undefined);
  const get = () => {
    if (control.value === "") {
      if (needed && schema.type !== "string") throw new Wrong(text("missing", title), control);
      return needed ? "" : undefined;
    }
    return read(control.value);
  };
  return { node: wrap(control, title, needed, schema.description), get, set };
}

const makeText = (schema, title, needed) =>
  makeControl(make("textarea", { rows: 1 }), schema, title, needed, (value) => value, String);

function makeNumber(schema, title, needed) {
  const control = make("input", { type: "number", step: schema.type === "integer" ? "1" : "any" });
  const read = (value) => {
    if (!Number.isFinite(Number(value))) throw new Wrong(text("notNumber", title), control);
    return Number(value);
  };
  return makeControl(control, schema, title, needed, read, String);
}

function makeJSON(schema, title, needed) {
  const control = make("textarea", { rows: 3, className: "code", spellcheck: false });
  const read = (value) => {
    try { return JSON.parse(value); } catch { throw new Wrong(text("notJSON", title), control); }
  };
  return makeControl(control, without(schema, "type"), title, needed, read, (value) => JSON.stringify(value, null, 2));
}

function makeChoice(schema, title, needed) {
  const values = schema.enum ?? [schema.const];
  const names = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  const control = make("select", {}, ...(needed ? [] : [make("option", { value: "" })]),
    ...values.map((_, index) => make("option", { value: String(index) }, names[index])));
  const set = (value) => { control.value = values.includes(value) ? String(values.indexOf(value)) : needed ? "0" : ""; };
  set(schema.default);
  const get = () => (control.value === "" ? undefined : values[Number(control.value)]);
  return { node: wrap(control, title, needed, schema.description), get, set };
}

function makeSwitch(schema, title) {
  const control = make("input", { type: "checkbox", checked: schema.default === true });
  const node = make("div", { className: "field" }, make("label", { className: "row" }, control, title));
  return { node, get: () => control.checked, set: (value) => { control.checked = value === true; } };
}

function makeObject(schema, definitions, depth) {
  const needed = schema.required ?? [];
  const fields = Object.entries(schema.properties).map(([name, each]) =>
    [name, makeField(each, definitions, name, needed.includes(name), depth + 1)]);
  const get = () => Object.fromEntries(fields.map(([name, field]) => [name, field.get()]).filter(([, value]) => value !== undefined));
  const set = (value) => fields.forEach(([name, field]) => field.set(value?.[name]));
  return { node: make("div", {}, ...fields.map(([, field]) => field.node)), get, set };
}

function makeGroup(schema, definitions, title, needed, depth) {
  const inner = makeObject(schema, definitions, depth);
  inner.node = make("fieldset", {}, make("legend", {}, title), inner.node);
  const get = inner.get;
  if (!needed) inner.get = () => {  // what is not needed, and empty, is left out, whatever it needs inside
    const controls = [...inner.node.querySelectorAll("input, textarea, select")];
    return controls.every((each) => (each.type === "checkbox" ? !each.checked : each.value === "")) ? undefined : get();
  };
  return inner;
}

function makeList(schema, definitions, title, needed, depth) {
  const rows = make("div");
  const items = [];
  const add = (value) => {
    const field = makeField(schema.items, definitions, `${title} ${items.length + 1}`, true, depth + 1);
    if (value !== undefined) field.set(value);
    const remove = make("button", { type: "button", textContent: "×", ariaLabel: text("remove") });
    const row = make("div", { className: "item" }, field.node, remove);
    remove.onclick = () => { row.remove(); items.splice(items.indexOf(field), 1); };
    items.push(field);
    rows.append(row);
  };
  const button = make("button", { type: "button", textContent: text("add"), onclick: () => add() });
  const set = (values) => {
    rows.replaceChildren();
    items.length = 0;
    for (const value of Array.isArray(values) ? values : []) add(value);
  };
  set(schema.default);
  const node = make("fieldset", {}, make("legend", {}, title), rows, make("div", { className: "buttons" }, button));
  return { node, get: () => (items.length || needed ? items.map((each) => each.get()) : undefined), set };
}
