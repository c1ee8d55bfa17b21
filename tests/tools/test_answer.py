"""What a model reads of a tool's output, whatever that is."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
from typing import Any

import pytest
from pydantic import BaseModel

from prill.errors import ConfigError, ToolException
from prill.messages import HumanMessage
from prill.tools import tool


class Row(BaseModel):
    x: int = 1
    day: datetime.date = datetime.date(2024, 1, 2)


@dataclasses.dataclass
class Point:
    x: int = 1
    row: Row = dataclasses.field(default_factory=Row)


def answer(output: Any) -> Any:
    @tool
    def act() -> Any:
        """Act."""
        return output

    return act.invoke({"type": "tool_call", "name": "act", "args": {}, "id": "1"}).content


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ("text", "text"),
        ("", ""),
        (None, "null"),
        (1.5, "1.5"),
        ([], "[]"),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        ((1, 2), "[1, 2]"),
        ({1: 2}, '{"1": 2}'),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (decimal.Decimal("1.5"), "1.5"),
        ([{"type": "text", "text": "a"}], [{"type": "text", "text": "a"}]),
        (["a", "b"], ["a", "b"]),
        (HumanMessage("x"), str(HumanMessage("x"))),
    ],
)
def test_texts_and_blocks_are_read_as_they_are_and_other_things_as_json(output: Any, content: Any) -> None:
    assert answer(output) == content


@pytest.mark.parametrize(
    ("output", "content"),
    [
        (Row(), {"x": 1, "day": "2024-01-02"}),
        ([Row(x=2)], [{"x": 2, "day": "2024-01-02"}]),
        ({"a": Point()}, {"a": {"x": 1, "row": {"x": 1, "day": "2024-01-02"}}}),
        ({"days": [datetime.date(2024, 1, 2)]}, {"days": ["2024-01-02"]}),
        ({1, 2}, [1, 2]),
    ],
)
def test_models_and_dataclasses_are_read_as_json_wherever_they_stand(output: Any, content: Any) -> None:
    assert json.loads(answer(output)) == content


def test_what_json_does_not_know_is_read_as_python_shows_it() -> None:
    assert answer({"a": math.nan}) == '{"a": NaN}'
    assert answer(b"\xff") == repr(b"\xff")
    ring: list[Any] = []
    ring.append(ring)
    assert answer(ring) == "[[...]]"
    assert answer({(1, 2): object}).startswith("{")


def test_what_cannot_be_written_at_all_is_an_error_that_names_the_tool() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for output in (10**5000, deep):
        with pytest.raises(ConfigError, match="the output of the tool act cannot be converted to text"):
            answer(output)
    while deep:  # level by level: to let go of all at once would need the stack, too
        deep = deep[0]


@pytest.mark.parametrize("args", [(), ("text",), ({"a": 1},), ("a", 2), (None,)])
def test_an_exception_of_a_tool_may_hold_anything(args: tuple[Any, ...]) -> None:
    @tool
    def act() -> str:
        """Act."""
        raise ToolException(*args)

    with pytest.raises(ToolException) as raised:
        act.invoke({})
    assert raised.value.args == args
    assert isinstance(str(raised.value), str)
    polite = act.model_copy(update={"handle_tool_error": True})
    message = polite.invoke({"type": "tool_call", "name": "act", "args": {}, "id": "1"})
    assert message.status == "error"
    assert message.content == (str(args[0]) if args and args[0] is not None else "the tool failed (ToolException)")
