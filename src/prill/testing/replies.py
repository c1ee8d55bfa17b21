"""A scripted answer of a model, in words of no provider; the wires render it in theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prill.errors import ConfigError
from prill.testing.faults import Faults


@dataclass(frozen=True)
class Reply:
    """One answer: text pieces, tool calls, thinking or a refusal.

    A streamed answer sends each piece as an event of its own; a plain answer joins them.

        Reply(["Hello", " world"])
        Reply(tool_calls=[{"name": "weather", "args": {"city": "Oslo"}}])
        Reply(["42"], thinking=["6 by ", "7"], usage=(12, 3))
        Reply(["one", " two"], faults=Faults(cut_after_events=2))

    Args:
        pieces: the text, in the pieces it is streamed in. A plain string is one piece.
        tool_calls: ``{"name": ..., "args": ..., "id": ...}`` each, several are parallel calls. ``args`` is a
            mapping, or a string that is sent as it is (broken JSON, say). Without an ``id``
            one is made in the provider's shape.
        usage: ``(input tokens, output tokens)``; by default words are counted.
        finish_reason: in either provider's word (``length`` and ``max_tokens`` say the same); by default
            ``tool_calls`` or ``stop``. A word that neither knows is sent as it is.
        model: the model's name in the answer; by default the one in the request.
        thinking: reasoning, in pieces, sent before the text.
        refusal: the words of a refusal.
        fragment: how many characters of a tool call's arguments go into one event.
        batch: how many events go into one write. Above 1 the rendered events are also kept, so that serving the
            same ``Reply`` again costs almost nothing: for benchmarks.
        headers: response headers to add.
        faults: what goes wrong; ``None`` takes the server's.
    """

    pieces: Sequence[str] = ()
    tool_calls: Sequence[Mapping[str, Any]] = ()
    usage: tuple[int, int] | None = None
    finish_reason: str | None = None
    model: str | None = None
    thinking: Sequence[str] = ()
    refusal: str | None = None
    fragment: int = 8
    batch: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: Faults | None = None
    rendered: dict[Any, list[bytes]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("pieces", "thinking"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        if self.fragment < 1 or self.batch < 1:
            raise ConfigError("Reply: fragment and batch count characters and events; each is at least 1.")
        object.__setattr__(self, "tool_calls", tuple(self.tool_calls))
        for call in self.tool_calls:
            if "name" not in call:
                raise ConfigError(f"Reply: a tool call is {{'name': ..., 'args': ...}}; got {dict(call)!r}.")

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say, only faults perhaps."""
        return not (self.pieces or self.tool_calls or self.thinking or self.refusal)

    def fragments(self, call: Mapping[str, Any]) -> list[str]:
        """A tool call's arguments in the pieces they are streamed in."""
        arguments = get_arguments_json(call)
        return [arguments[at : at + self.fragment] for at in range(0, len(arguments), self.fragment)]


def get_arguments_json(call: Mapping[str, Any]) -> str:
    """A tool call's arguments as JSON; a string is taken as it is."""
    arguments = call.get("args")
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
