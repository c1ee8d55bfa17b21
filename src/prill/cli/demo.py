"""The demonstration: four chains, each with the few lines that make it, live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import indent
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from prill.chat_models import init_chat_model
from prill.cli.demo_replies import Texts
from prill.cli.models import Found
from prill.testing import Faults, ReplayServer, Reply, SeenRequest

# The last section's answers come slower, so that one sees them arrive side by side.
_FISH_PACE, _SKY_PACE = 2.0, 9.0

# What is shown is what is run: these lines are printed and then executed.
_JOKE = """\
prompt = ChatPromptTemplate.from_template({joke_prompt})
chain = prompt | model | StrOutputParser()
for chunk in chain.stream({{"topic": {topic}}}):
    print(chunk, end="|", flush=True)
"""
_COUNTRIES = """\
chain = model | JsonOutputParser()
for value in chain.stream(question):
    print(value, flush=True)
"""
_NAMES = """\
def country_names(values):
    seen = set()
    for value in values:
        for country in value.get("countries", []):
            if "population" in country and country["name"] not in seen:
                seen.add(country["name"])
                yield country["name"]

chain = model | JsonOutputParser() | country_names
for name in chain.stream(question):
    print(name, end="|", flush=True)
"""
_PARALLEL = """\
parser = StrOutputParser()
sky = ChatPromptTemplate.from_template({sky_prompt}) | model | parser
fish = ChatPromptTemplate.from_template({fish_prompt}) | model | parser
for chunk in RunnableParallel(sky=sky, fish=fish).stream({{}}):
    show(chunk)
"""
_IMPORTS = """\
from prill import ChatPromptTemplate, JsonOutputParser, RunnableParallel, StrOutputParser
"""


def run_demo(texts: Texts, found: Found | None, pace: float, console: Console | None = None) -> None:
    """Show the four sections, with the model that was found or else with scripted answers."""
    console = console or Console()
    if found is not None:
        _show_all(console, texts, found)
        return
    with scripted_model(texts, pace) as model:
        _show_all(console, texts, Found(model, texts.scripted))


def _show_all(console: Console, texts: Texts, found: Found) -> None:
    console.print(Text(texts.uses.format(found.name), style="bold"), soft_wrap=True)
    names: dict[str, Any] = {"model": found.model, "question": texts.countries_prompt}
    _show_code(console, _IMPORTS)
    exec(_IMPORTS, names)
    words = {name: _quoted(text) for name, text in vars(texts).items() if isinstance(text, str)}
    codes = (_JOKE.format(**words), _COUNTRIES, _NAMES, _PARALLEL.format(**words))
    for number, (title, code) in enumerate(zip(texts.titles, codes, strict=True), 1):
        console.print(Text(f"\n{number}. {title}", style="bold"), soft_wrap=True)
        if number == 2:
            _show_code(console, _assignment("question", texts.countries_prompt))
        _show_code(console, code)
        with _columns(console, ["sky", "fish"] if code == codes[-1] else []) as show:
            exec(code, {**names, "show": show})
        if code in (codes[0], codes[2]):
            print(flush=True)
    console.print(Text(f"\n{texts.leave}", style="dim"), soft_wrap=True)


def _quoted(text: str) -> str:
    return repr(text) if '"' in text else f'"{text}"'


def _assignment(name: str, text: str) -> str:
    """The code that gives ``name`` a long text, a sentence to a line."""
    lines = "".join(f"    {_quoted(line)}\n" for line in re.split(r"(?<=\. )|(?<=。)", text))
    return f"{name} = (\n{lines})\n"


def _show_code(console: Console, code: str) -> None:
    if console.is_terminal:
        style: dict[str, Any] = {
            "theme": "ansi_dark",
            "background_color": "default",
            "word_wrap": True,
            "padding": (0, 0, 0, 4),
        }
        console.print(Syntax(code.rstrip(), "python", **style))
    else:
        print(indent(code, "    "), end="", flush=True)


@contextmanager
def _columns(console: Console, keys: list[str]) -> Iterator[Callable[[dict[str, str]], None]]:
    """What shows chunks by key: a live column for each on a terminal, else a line for each chunk."""
    if not keys or not console.is_terminal:
        yield _show_lines
        return
    said = dict.fromkeys(keys, "")
    with Live(console=console, auto_refresh=False) as live:

        def show(chunk: dict[str, str]) -> None:
            for key, piece in chunk.items():
                said[key] += piece
            width = max(console.width // len(said) - 2, 20)
            live.update(
                Columns([Panel(Text(text), title=key, width=width) for key, text in said.items()]), refresh=True
            )

        yield show


def _show_lines(chunk: dict[str, str]) -> None:
    for key, piece in chunk.items():
        print(f"{key}: {piece!r}", flush=True)


@contextmanager
def scripted_model(texts: Texts, pace: float) -> Iterator[Any]:
    """A model whose provider is a server on this machine that says what ``texts`` has for each question."""

    def answer(request: SeenRequest) -> Reply | None:
        pieces = texts.reply_to(_question(request))
        if pieces is None:
            return None
        slower = _SKY_PACE if pieces is texts.sky else _FISH_PACE if pieces is texts.fish else 1.0
        return Reply(pieces, faults=Faults(pace=pace * slower))

    with ReplayServer() as server:
        server.replies(answer)
        yield init_chat_model("openai:scripted", base_url=server.openai_url, api_key="none")


def _question(request: SeenRequest) -> str:
    return str(request.json["messages"][-1]["content"])
