"""How a structured answer is seen to grow."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from prill.output_parsers import StructuredParser, is_partial


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    return [text[one:other] for one, other in pairwise(ends)]


def fields_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    return dict(value.__dict__) if isinstance(value, BaseModel) or dataclasses.is_dataclass(value) else None


def leads_to(early: Any, late: Any) -> bool:
    """Whether ``early`` may grow to ``late``: the same kind of thing, and nothing that is taken back."""
    if early is late:
        return True
    fields = fields_of(early)
    if fields is not None:
        later = fields_of(late) or {}
        kinds = isinstance(early, dict) if isinstance(late, dict) else isinstance(early, base(late))
        done = [*fields][:-1] if is_partial(early) or isinstance(early, dict) else [*fields]
        return (
            kinds
            and set(fields) <= set(later)
            and all(leads_to(value, later[name]) for name, value in fields.items())
            and all(fields[name] == later[name] for name in done)
        )
    if isinstance(early, list):
        items = [leads_to(one, other) for one, other in zip(early, late, strict=False)]
        return len(early) <= len(late) and all(items) and early[:-1] == late[: len(early[:-1])]
    if isinstance(early, str) and isinstance(late, str):
        return late.startswith(early)
    return early == late or (type(early) in (int, float) and type(late) in (int, float))


def base(value: Any) -> type:
    kind = type(value)
    return kind._partial_of if is_partial(value) else kind


def partials(schema: Any, pieces: list[str]) -> list[Any]:
    return list(StructuredParser(schema).transform(iter(pieces)))


def when_seen(schema: Any, text: str, look: Any) -> str:
    """The text that had come when ``look`` first saw something."""
    parser, sent = StructuredParser(schema), []

    def source() -> Any:
        for letter in text:
            sent.append(letter)
            yield letter

    for value in parser.transform(source()):
        if look(value):
            return "".join(sent)
    raise AssertionError("it was not seen")
