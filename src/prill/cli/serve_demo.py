"""``prill demo --serve``: the playground of three chains, whose model says scripted words where there is no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from prill.agents import create_agent
from prill.chat_models import init_chat_model
from prill.cli.demo_replies import Texts
from prill.errors import MissingDependencyError
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.serve import App
from prill.testing import Faults, ReplayServer, Reply, SeenRequest
from prill.tools import tool

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("prill demo --serve needs uvicorn: pip install 'prill[serve]'") from error


@tool
def count_letters(text: str) -> str:
    """Count the letters of a text."""
    return f"{sum(map(str.isalpha, text))} letters"


def make_app(model: Any, texts: Texts) -> App:
    """The chains of the demonstration: a text, a growing value, and a conversation with an agent."""
    app = App(title="Prill's demonstration")
    joke = ChatPromptTemplate.from_template(texts.joke_prompt) | model | StrOutputParser()
    countries = ChatPromptTemplate.from_template("{question}") | model | JsonOutputParser()
    app.add("/joke", joke, show="steps")
    app.add("/countries", countries, show="steps")
    app.add("/chat", create_agent(model, [count_letters]), show="steps")
    app.add_model("joke", joke)
    return app


def answer_with(texts: Texts, pace: float) -> Callable[[SeenRequest], Reply]:
    """Scripted replies to whatever is asked on the pages: a tool's call and its answer, countries, or the joke."""

    def answer(request: SeenRequest) -> Reply:
        last, faults = request.json["messages"][-1], Faults(pace=pace)
        if last["role"] == "tool":
            return Reply([f"{piece} " for piece in f"That has {last['content']} .".split()], faults=faults)
        said = str(last["content"])
        if request.json.get("tools"):
            call = {"name": "count_letters", "args": {"text": said}}
            return Reply("Let me count. ", tool_calls=[call], faults=faults)
        about_countries = re.search("countries|population|国家|人口", said)
        return Reply(texts.countries if about_countries else texts.joke, faults=faults)

    return answer


def serve_demo(texts: Texts, model: Any, pace: float, port: int, say: Callable[[str], None]) -> None:
    """Serve on this machine until Ctrl-C; ``model`` is ``None`` for the script's."""
    with ReplayServer() as provider:
        provider.replies(answer_with(texts, pace))
        scripted = init_chat_model("openai:scripted", base_url=provider.openai_url, api_key="none")
        config = uvicorn.Config(make_app(model or scripted, texts), port=port, log_level="warning")
        listener = config.bind_socket()
        listener.listen()  # a page that is opened at once waits
        for path in ("joke", "countries", "chat"):
            say(f"http://127.0.0.1:{listener.getsockname()[1]}/{path}/playground/")
        say("Ctrl-C ends it.")
        uvicorn.Server(config).run(sockets=[listener])
