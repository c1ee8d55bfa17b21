// Parts that all of the page uses: elements, requests, and numbers as text.
import { text } from "./texts.js";

export const $ = (id) => document.getElementById(id);

export function make(name, settings = {}, ...children) {
  const made = Object.assign(document.createElement(name), settings);
  made.append(...children.filter((each) => each !== null && each !== ""));
  return made;
}

const token = document.querySelector('meta[name="prill-token"]').content;

export async function ask(address, body) {
  const post = body && { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "x-prill-token": token } };
  let answer;
  try { answer = await fetch(address, post || {}); } catch { throw new Error(text("unreachable")); }
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : { error: await answer.text() };
  if (!answer.ok) throw new Error(told.error);
  return told;
}

const number = (value) => value.toLocaleString(document.documentElement.lang);

export const count = number;

export function time(seconds) {
  const when = new Date(seconds * 1000), today = new Date().toDateString() === when.toDateString();
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return when.toLocaleString(document.documentElement.lang, today ? options : { ...options, year: "numeric", month: "short", day: "numeric" });
}

export const tokens = (run) => (run.input_tokens === null ? "" : text("tokensOf", number(run.input_tokens), number(run.output_tokens)));

export function money(cost) {
  if (cost === null || cost === undefined) return "";
  return cost >= 0.01 || cost === 0 ? `$${cost.toFixed(2)}` : `$${Number(cost.toPrecision(2)).toFixed(8).replace(/0+$/, "")}`;
}

export const copyOf = (value) => JSON.parse(JSON.stringify(value));
