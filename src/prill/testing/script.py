"""Replies written in a file, for a server that others talk to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from itertools import cycle
from pathlib import Path
from typing import Any

from prill.errors import ConfigError
from prill.testing.faults import Faults
from prill.testing.replay_server import ReplyFunction
from prill.testing.replies import Reply
from prill.testing.wire import words


def read_script(path: Path | str) -> list[Reply]:
    """The replies in a file of JSON: a list of texts, and of objects with the arguments of ``Reply``.

    A text is streamed word by word, and so is ``"text"`` in an object. ``"faults"`` are the arguments of ``Faults``:

        ["Hello there!",
         {"text": "It is sunny in Oslo.", "faults": {"pace": 0.1}},
         {"tool_calls": [{"name": "weather", "args": {"city": "Oslo"}}]}]

    Raises:
        ConfigError: the file cannot be read, or is not such a list; it says which reply is wrong.
    """
    try:
        script = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the script {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"the script {path} is not JSON: {error}") from None
    if not isinstance(script, list) or not script:
        raise ConfigError(f'the script {path} is not a list of replies: write it as ["Hello!", …]')
    return [_reply(entry, f"reply {number} of {path}") for number, entry in enumerate(script, 1)]


def repeat_replies(replies: list[Reply]) -> ReplyFunction:
    """A function for ``ReplayServer.replies`` that answers with each in turn, and then from the start again."""
    turn = cycle(replies)
    return lambda request: next(turn)


_KNOWN = frozenset(field.name for field in fields(Reply) if field.init)
_FAULTS = frozenset(field.name for field in fields(Faults))


def _reply(entry: Any, place: str) -> Reply:
    if isinstance(entry, str):
        return Reply(words(entry))
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{place} is neither a text nor an object, but {type(entry).__name__}")
    said = dict(entry)
    if "text" in said:
        said["pieces"] = words(str(said.pop("text")))
    faults = said.pop("faults", None)
    _check(said, _KNOWN, place)
    if faults is not None:
        _check(faults, _FAULTS, f"the faults of {place}")
        said["faults"] = Faults(**faults)
    try:
        return Reply(**said)
    except (TypeError, AttributeError) as error:
        raise ConfigError(f"{place} cannot be a reply: {error}") from None


def _check(given: Any, known: frozenset[str], place: str) -> None:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{place} must be an object, not {type(given).__name__}")
    if unknown := sorted(given.keys() - known):
        raise ConfigError(f"{place} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
