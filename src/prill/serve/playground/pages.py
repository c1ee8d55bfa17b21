"""The playground of one Runnable: a static page, and what the page has to know of the Runnable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException

from prill.runnables import Runnable
from prill.serve.access import Caller
from prill.serve.exchange import Exchange
from prill.serve.inputs import read_schema
from prill.serve.wire import encode

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

HEADERS = {
    "cache-control": "no-cache",
    # Nothing from elsewhere, nothing inline; https://www.w3.org/TR/CSP3/
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@cache
def load_files() -> Mapping[str, bytes]:
    """The files of the page, by their names. They hold nothing of any user, so everybody may read them."""
    paths = sorted(Path(__file__).parent.iterdir())
    return {path.name: path.read_bytes() for path in paths if path.suffix in _TYPES}


async def send_file(exchange: Exchange, caller: Caller) -> None:
    """Answer with a file of the page; only the names of ``load_files`` exist, so no path leads out of the folder."""
    name = exchange.request.path_params["file_path"] or "index.html"
    body = load_files().get(name)
    if body is None:
        raise HTTPException(404, "Not Found")
    await exchange.answer(200, body, {**HEADERS, "content-type": f"{_TYPES[Path(name).suffix]}; charset=utf-8"})


async def send_to_page(exchange: Exchange, caller: Caller) -> None:
    """Lead from ``…/playground`` to ``…/playground/``, from where the page finds its files."""
    await exchange.answer(307, b"", {"location": f"{exchange.request.url.path.rpartition('/')[2]}/"})


def describe_playground(runnable: Runnable[Any, Any], name: str, config_keys: Sequence[str]) -> bytes:
    """What the page has to know, as JSON: the schemas, and how a conversation becomes an input."""
    input = read_schema(runnable.get_input_schema())
    config = read_schema(runnable.config_schema(include=list(config_keys))) if config_keys else None
    return encode({"name": name, "input": input, "config": config, "chat": find_chat(input)})


def find_chat(schema: Mapping[str, Any]) -> dict[str, str | None] | None:
    """Where the messages of a conversation go in the input, or ``None`` for inputs without messages.

    ``messages`` is the key of the list, ``None`` if the input is the list; ``text`` is the key of the newest message's
    text, if that is kept apart from the history.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    if not properties:
        return {"messages": None, "text": None} if _takes_messages(schema) else None
    lists = [name for name, each in properties.items() if name == "messages" or _takes_messages(each)]
    if len(lists) != 1:
        return None
    needed = schema.get("required", [])
    texts = [name for name, each in properties.items() if each.get("type") == "string" and name in needed]
    return {"messages": lists[0], "text": texts[0] if len(texts) == 1 and lists[0] != "messages" else None}


def _takes_messages(schema: Mapping[str, Any]) -> bool:
    choices = [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]
    items = [each["items"] for each in choices if isinstance(each.get("items"), dict)]
    kinds = [kind for each in items for kind in [each, *each.get("anyOf", []), *each.get("oneOf", [])]]
    return any(str(kind.get("$ref", "")).endswith("/HumanMessage") for kind in kinds)
