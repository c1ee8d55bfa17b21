"""Partials are never changed after they were handed out, though big lists and objects in them are used again."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import pytest
from pydantic import BaseModel, Field

from prill.output_parsers import StructuredParser
from prill.transducers import json_values


class Row(BaseModel):
    a: int
    tags: list[str] = []


class Table(BaseModel):
    rows: list[Row]
    by_name: dict[str, Row] = Field(default_factory=dict)
    deep: list[list[list[int]]] = []


ROWS = [{"a": number, "tags": ["x", "yz"]} for number in range(12)]
TEXT = json.dumps({"rows": ROWS, "by_name": {f"r{row['a']}": row for row in ROWS}, "deep": [[[1, 22]] * 4] * 4})


@pytest.fixture(params=[1, 3, json_values.RECYCLE_FROM], autouse=True)
def recycle_from(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with containers used again from a small size on, so that all of them are."""
    monkeypatch.setattr(json_values, "RECYCLE_FROM", request.param)


def parts(table: Any) -> list[Any]:
    """The whole, and things inside of it that a consumer may keep alone."""
    rows = getattr(table, "rows", [])
    return [table, rows, rows[-1] if rows else None, getattr(table, "by_name", None), getattr(table, "deep", None)]


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("length", [0, 2, 1000])
def test_what_a_consumer_keeps_does_not_change(size: int, which: int, length: int) -> None:
    window: deque[tuple[Any, str]] = deque(maxlen=length)
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    table: Any = None
    for number, table in enumerate(StructuredParser(Table).transform(iter(pieces))):
        kept = parts(table)[which]
        window.append((kept, repr(kept)))
        if number % 7 == 0 or length < 10:
            assert all(repr(value) == text for value, text in window)
    assert all(repr(value) == text for value, text in window)
    assert table == Table.model_validate_json(TEXT)
