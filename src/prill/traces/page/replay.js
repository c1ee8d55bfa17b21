// Asking the model of a run again, with other words.
import { $, ask, copyOf, make } from "./parts.js";
import { text } from "./texts.js";
import { isMessage } from "./values.js";

export function makeReplay(run, asked) {
  const messages = Array.isArray(run.input) && run.input.every(isMessage) ? copyOf(run.input) : null;
  const fields = (messages ?? [run.input]).map(makeField);
  const other = make("input", { className: "other-model", placeholder: text("otherModel"), spellcheck: false });
  other.setAttribute("aria-label", text("otherModel"));
  const where = run.request.model?.kwargs?.base_url ?? run.request.model?.kwargs?.openai_api_base ?? text("provider");
  const problem = make("p", { className: "bad" });
  problem.setAttribute("role", "alert");
  const send = make("button", { className: "main" }, text("send"));
  const form = make("form", { className: "replay part", hidden: true }, make("h3", {}, text("replay")), ...fields.map((each) => each.node),
    other, make("p", { className: "note" }, text("goesTo", where)), problem, make("div", { className: "buttons" }, send));
  const button = make("button", { type: "button", className: "ask-again" }, text("replay"));
  button.onclick = () => { form.hidden = !form.hidden; if (!form.hidden) form.scrollIntoView({ block: "nearest" }); };

  form.onsubmit = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    let input;
    try {
      const given = fields.map((each) => each.get());
      input = messages ? messages.map((message, index) => ({ ...message, content: given[index] })) : given[0];
    } catch { problem.textContent = text("notJSON"); return; }
    send.disabled = true;
    $("status").textContent = text("sending");
    try {
      const answer = await ask("api/replays", { run: run.id, input, model: other.value.trim() || null });
      await asked();
      location.hash = `#run/${answer.run}`;
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      send.disabled = false;
      $("status").textContent = "";
    }
  };
  return { button, form };
}

// Content that is no text is edited as JSON.
function makeField(message) {
  const content = isMessage(message) ? message.content : message;
  const plain = typeof content === "string";
  const area = make("textarea", { value: plain ? content : JSON.stringify(content, null, 2), rows: 2, className: plain ? "" : "code", spellcheck: false });
  const role = isMessage(message) ? message.type : text("input");
  return { node: make("label", { className: "field" }, make("span", { className: "role" }, role), area), get: () => (plain ? area.value : JSON.parse(area.value)) };
}
