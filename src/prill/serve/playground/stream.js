// A run on the server: started, read as server-sent events, read on where the connection broke, stopped.
const LONGEST = 200_000;  // bytes of a value in an event; of a longer one the server sends the start
const PATIENCE = 5;  // attempts to read on

export class EventDecoder {  // linear also where one event comes in many pieces
  #pieces = [];
  #event = {};

  feed(text) {
    this.#pieces.push(text);
    if (!text.includes("\n")) return [];
    const lines = this.#pieces.join("").split("\n");
    this.#pieces = [lines.pop()];
    return lines.map((line) => this.#take(line.endsWith("\r") ? line.slice(0, -1) : line)).filter(Boolean);
  }

  #take(line) {
    if (line === "") {
      const event = this.#event;
      this.#event = {};
      return event.name || event.data !== undefined ? event : null;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "event") this.#event.name = value;
    else if (field === "id") this.#event.id = value;
    else if (field === "data") this.#event.data = this.#event.data === undefined ? value : `${this.#event.data}\n${value}`;
    return null;
  }
}

export class Refused extends Error {  // the server's answer was an error
  constructor(status, body) {
    const detail = body?.detail;
    const lines = Array.isArray(detail) ? detail.map((each) => `${each.loc?.join(".") ?? ""}: ${each.msg}`) : [];
    super(lines.join("\n") || body?.error?.message || String(detail ?? status));
    this.status = status;
  }
}

export async function ask(url, key, options = {}) {
  const headers = { ...options.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(url, { ...options, headers });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
  return response;
}

export class ServerRun {
  #last = "";
  #ended = false;
  #stopping = false;

  // `take` is called with each event's name and data, `found` with the run's id, `broke` where a connection did.
  constructor(base, key, { take, found, broke }) {
    Object.assign(this, { base, key, take, found, broke, id: null });
    this.runs = base.replace(/\/c\/[^/]+\/$/, "/") + "runs/";
  }

  async start(body) {
    const options = {
      method: "POST",
      headers: { "content-type": "application/json", "prill-on-disconnect": "continue" },
      body: JSON.stringify({ ...body, max_value: LONGEST, times: true }),
    };
    const response = await ask(`${this.base}stream_events`, this.key, options).catch((error) => {
      if (error.status !== 404) throw error;
      return ask(`${this.base}stream`, this.key, options);  // events are not served here
    });
    this.id = response.headers.get("prill-run-id");
    this.found(this.id);
    if (this.#stopping) this.stop();
    await this.#read(response);
  }

  async resume(id) {
    this.id = id;
    await this.#read(await this.#readOn());
  }

  async stop() {
    this.#stopping = true;
    if (this.id !== null) await ask(`${this.runs}${this.id}/stop`, this.key, { method: "POST" });
  }

  #readOn() {
    return ask(`${this.runs}${this.id}/stream`, this.key, this.#last ? { headers: { "last-event-id": this.#last } } : {});
  }

  async #read(response) {
    for (let attempt = 0; ; attempt++) {
      try {
        if (await this.#readAll(response)) attempt = 0;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;  // fetch says so where a connection breaks
      }
      if (this.#ended) return;
      if (attempt === PATIENCE) throw new TypeError("lost");
      this.broke();
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
      response = await this.#readOn().catch((error) => {
        if (error instanceof Refused) throw error;
        return new Response("");
      });
      if (response.status === 204) return;
    }
  }

  async #readAll(response) {
    const decoder = new EventDecoder(), texts = new TextDecoder(), reader = response.body.getReader();
    let some = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return some;
      for (const event of decoder.feed(texts.decode(value, { stream: true }))) {
        some = true;
        if (event.id) this.#last = event.id;
        if (event.name === "end" || event.name === "error") this.#ended = true;
        this.take(event.name ?? "message", event.data === undefined ? null : JSON.parse(event.data));
      }
    }
  }
}

export function curl(base, body, key) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const address = new URL(`${base}stream`, location.href).href;
  const lines = [`curl --no-buffer ${quote(address)}`, "-H 'content-type: application/json'"];
  if (key) lines.push('-H "authorization: Bearer $PRILL_KEY"');
  return [...lines, `-d ${quote(JSON.stringify(body))}`].join(" \\\n  ");
}
