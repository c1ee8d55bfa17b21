"""A FastAPI endpoint whose answer is a stream of server-sent events, and a page that shows it.

    python examples/fastapi_endpoint.py
    curl --no-buffer "http://127.0.0.1:8000/answer?question=Why+is+the+sky+blue"

Open http://127.0.0.1:8000 and ask. When the tab is closed, or Stop is pressed, the provider's connection is closed too:
no token is paid for that nobody reads. Leaving a stream closes it; the exit stack sees to that also where the web
framework drops the generator between two pieces.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from prill import ChatPromptTemplate, PrillError, Runnable, StrOutputParser, init_chat_model

PROMPT = ChatPromptTemplate.from_messages([("system", "Answer in a few sentences."), ("human", "{question}")])

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<title>Ask</title>
<style>body { font: 18px/1.5 system-ui; max-width: 40em; margin: 3em auto } p { white-space: pre-wrap }</style>
<form><input name="question" size="40" autofocus> <button>Ask</button> <button type="button">Stop</button></form>
<p></p>
<script>
const form = document.forms[0], answer = document.querySelector("p");
let events;
form.onsubmit = (submitted) => {
  submitted.preventDefault();
  events?.close();
  answer.textContent = "";
  events = new EventSource("/answer?" + new URLSearchParams(new FormData(form)));
  events.addEventListener("token", (event) => (answer.textContent += JSON.parse(event.data)));
  events.addEventListener("failure", (event) => (answer.textContent += ` [${JSON.parse(event.data)}]`));
  events.addEventListener("end", () => events.close());
  form.elements[2].onclick = () => events.close();
};
</script>
"""


async def get_stack() -> AsyncIterator[AsyncExitStack]:
    """What is closed at the end of a request, however it ends."""
    async with AsyncExitStack() as stack:
        yield stack


def build_app(model: str) -> FastAPI:
    chain: Runnable[dict[str, str], str] = PROMPT | init_chat_model(model) | StrOutputParser()
    app = FastAPI(title="Answers")

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return PAGE

    @app.get("/answer", response_class=EventSourceResponse)
    async def answer(
        question: str, stack: Annotated[AsyncExitStack, Depends(get_stack)]
    ) -> AsyncIterator[ServerSentEvent]:
        pieces = await stack.enter_async_context(aclosing(chain.astream({"question": question})))
        try:
            async for piece in pieces:
                yield ServerSentEvent(event="token", data=piece)
        except PrillError as error:  # the status has been sent long ago: what is wrong must be told in the stream
            yield ServerSentEvent(event="failure", data=error.message)
        yield ServerSentEvent(event="end", data="")

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve answers as they are written.")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="(%(default)s)")
    options = parser.parse_args()
    uvicorn.run(build_app(options.model), port=options.port)


if __name__ == "__main__":
    main()
