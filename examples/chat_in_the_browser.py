"""A chat in the browser with an agent that looks through texts, on the AI SDK's `useChat`, without a build step.

    python examples/chat_in_the_browser.py examples/texts

Open http://127.0.0.1:8000. Words, reasoning and the calls of tools are shown while they happen. The history is kept by
the browser. A page that is loaded again shows the turn that still goes on, and Stop ends it at the server, up to the
provider's connection. The page loads React and the AI SDK from esm.sh; examples/behind_nginx.conf puts nginx in front.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from prill import init_chat_model
from prill.agents import create_agent
from prill.serve import App

SYSTEM = "Answer from the reader's texts. Search them first."

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ask the texts</title>
<style>
:root { color-scheme: light dark }
body { font: 17px/1.5 system-ui; max-width: 42em; margin: 2em auto; padding: 0 1em }
article { white-space: pre-wrap; overflow-wrap: anywhere; margin: 1em 0 }
article.user { border-left: 3px solid teal; padding-left: .7em }
code, .reasoning { display: block; font-size: .8em; opacity: .7 }
form { display: flex; gap: .5em } input { flex: 1 } input, button { font: inherit; padding: .3em .6em }
</style>
<div id="chat"></div>
<script type="importmap">
{"imports": {
  "react": "https://esm.sh/react@19", "react-dom/client": "https://esm.sh/react-dom@19/client?external=react",
  "@ai-sdk/react": "https://esm.sh/@ai-sdk/react@3?external=react", "ai": "https://esm.sh/ai@6",
  "htm": "https://esm.sh/htm@3"
}}
</script>
<script type="module">
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import htm from "htm";

const html = htm.bind(createElement);
const id = (localStorage.chat ??= crypto.randomUUID?.() ?? String(Math.random()));
const kept = JSON.parse(localStorage.messages ?? "[]");
const transport = new DefaultChatTransport({ api: "/api/chat" });

function Part({ part }) {
  if (part.type === "text") return part.text;
  if (part.type === "reasoning") return html`<span class="reasoning">${part.text}</span>`;
  if (part.type !== "dynamic-tool" && !part.type.startsWith("tool-")) return null;
  const name = part.toolName ?? part.type.slice(5);
  return html`<code>${name} ${JSON.stringify(part.input)} → ${part.errorText ?? part.output ?? "…"}</code>`;
}

function Chat() {
  const { messages, sendMessage, status, stop, error } = useChat({ id, messages: kept, transport, resume: true });
  const [text, setText] = useState("");
  const busy = status === "submitted" || status === "streaming";
  useEffect(() => {  // an answer that still comes is not kept: after a reload the server sends it from its start
    const whole = busy ? messages.findLastIndex((each) => each.role === "user") + 1 : messages.length;
    localStorage.messages = JSON.stringify(messages.slice(0, whole));
  }, [messages, busy]);
  const say = (event) => {
    event.preventDefault();
    if (text.trim()) sendMessage({ text });
    setText("");
  };
  const end = () => {  // leaving does not stop the turn, since the page may come back
    fetch(`/api/chat/${id}/stop`, { method: "POST" });
    stop();
  };
  return html`<main>
    ${messages.map((message) => html`<article key=${message.id} class=${message.role}>
      ${message.parts.map((part, index) => html`<${Part} key=${index} part=${part} />`)}
    </article>`)}
    ${error && html`<p role="alert">${error.message}</p>`}
    <form onSubmit=${say}>
      <input value=${text} onChange=${(event) => setText(event.target.value)} aria-label="Your question" autofocus />
      ${busy ? html`<button type="button" onClick=${end}>Stop</button>` : html`<button>Ask</button>`}
    </form>
  </main>`;
}
createRoot(document.getElementById("chat")).render(html`<${Chat} />`);
</script>
"""


def make_search(folder: Path) -> Callable[[str], str]:
    def search(text: str) -> str:
        """Find the lines that contain a text, in any case."""
        found = [
            f"{path.name}:{number}: {line}"
            for path in sorted(folder.iterdir())
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if text.lower() in line.lower()
        ]
        return "\n".join(found[:20]) or "nothing found"

    return search


def build_app(model: str, folder: Path) -> Starlette:
    agent = create_agent(init_chat_model(model), [make_search(folder)], system_prompt=SYSTEM)
    api = App()
    api.add_ui("/api/chat", agent, on_disconnect="continue")

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    return Starlette(routes=[Route("/", page), Mount("/", api)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a chat about the texts in a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="(%(default)s)")
    options = parser.parse_args()
    uvicorn.run(build_app(options.model, options.folder), port=options.port)


if __name__ == "__main__":
    main()
