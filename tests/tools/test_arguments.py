"""Parameters of all kinds as arguments of tools: what a model is told, and how the function is called."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
import functools
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ValidationError

from prill.errors import ConfigError
from prill.tools import create_schema_from_function, tool
from prill.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from fractions import Fraction


def told(made: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = convert_to_openai_tool(made)["function"]["parameters"]
    json.dumps(parameters, allow_nan=False)
    return parameters


def invoked(made: Any, args: Any) -> Any:
    """What the tool gives, in both colours."""
    answer = made.invoke(args)
    assert asyncio.run(made.ainvoke(args)) == answer
    return answer


def test_positional_only_parameters_are_given_by_their_place() -> None:
    @tool
    def divide(a: int, b: int = 2, /, *, c: int = 0) -> float:
        """Divide."""
        return a / b + c

    assert list(told(divide)["properties"]) == ["a", "b", "c"]
    assert invoked(divide, {"b": 4, "a": 8}) == 2
    assert invoked(divide, {"a": 8, "c": 1}) == 5

    @tool
    def count(n: int, /) -> Any:
        """Count."""
        yield from range(n)

    assert list(count.stream({"n": 3})) == [0, 1, 2]


def test_arguments_that_nobody_named_go_where_the_function_takes_any() -> None:
    @tool
    def act(a: int, **more: int) -> Any:
        """Act."""
        return a, more

    assert told(act)["additionalProperties"] == {"type": "integer"}
    assert invoked(act, {"a": 1, "x": "2"}) == (1, {"x": 2})
    assert invoked(act, {"a": 1}) == (1, {})
    with pytest.raises(ValidationError):
        act.invoke({"a": 1, "x": "y"})


def test_where_a_function_takes_any_number_of_values_the_model_is_not_told() -> None:
    @tool
    def act(a: int, *rest: int) -> Any:
        """Act."""
        return a, rest

    assert list(told(act)["properties"]) == ["a"]
    assert invoked(act, {"a": 1, "rest": [2]}) == (1, ())


class Painter:
    times = 2

    def paint(this, colour: str) -> str:
        """Paint."""
        return colour * this.times

    @classmethod
    def all(cls, colour: str) -> str:
        """Paint all."""
        return colour * cls.times

    def __call__(self, colour: str) -> str:
        """Paint by calling."""
        return colour * self.times


@pytest.mark.parametrize("made_of", [Painter().paint, Painter.all, Painter().all, Painter()])
def test_the_first_parameter_of_a_method_is_no_argument(made_of: Any) -> None:
    made = tool(made_of)
    assert told(made)["properties"] == {"colour": {"type": "string"}}
    assert invoked(made, {"colour": "ab"}) == "abab"


def test_a_function_of_which_some_is_given_already_keeps_its_name_types_and_docstring() -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    made = tool(functools.partial(add, 1))
    assert (made.name, made.description) == ("add", "Add.")
    assert told(made)["properties"] == {"b": {"type": "integer"}}
    assert invoked(made, {"b": "2"}) == 3


class Kind(enum.Enum):
    RED = "red"
    TWO = 2


@dataclasses.dataclass
class Point:
    x: int
    names: list[str] = dataclasses.field(default_factory=list)


def test_arguments_of_all_types_are_told_and_checked() -> None:
    @tool
    def act(
        kind: Kind,
        mode: Literal["a", 1, None],
        at: Point,
        when: datetime.datetime = datetime.datetime(2024, 1, 1),
        why: Annotated[int, "the reason"] = 3,
    ) -> Any:
        """Act."""
        return kind, mode, at, when.year, why

    properties = told(act)["properties"]
    assert properties["kind"]["enum"] == ["red", 2]
    assert properties["when"]["default"] == "2024-01-01T00:00:00"
    assert properties["why"] == {"type": "integer", "description": "the reason", "default": 3}
    args = {"kind": 2, "mode": 1, "at": {"x": "5", "names": ["n"]}, "when": "2025-02-03T00:00:00Z"}
    assert invoked(act, args) == (Kind.TWO, 1, Point(5, ["n"]), 2025, 3)


def test_a_class_may_be_a_tool() -> None:
    made = tool(Point)
    assert told(made)["required"] == ["x"]
    assert invoked(made, {"x": 1}) == Point(1, [])


def test_defaults_that_json_does_not_know_are_not_told() -> None:
    @tool
    def act(a: Any = object, b: float = math.nan, c: float = math.inf, d: Any = frozenset({1}), e: int = 5) -> Any:
        """Act."""
        return a, b, c, d, e

    assert {name: each["default"] for name, each in told(act)["properties"].items() if "default" in each} in (
        {"e": 5},
        {"d": [1], "e": 5},
    )
    assert act.args["e"]["default"] == 5
    assert act.invoke({})[0] is object


def test_types_that_a_function_knows_from_around_it_are_known() -> None:
    class Inner(BaseModel):
        x: int

    @tool
    def act(inner: Inner, inners: list[Inner]) -> int:
        """Act."""
        return inner.x + sum(each.x for each in inners)

    assert told(act)["properties"]["inner"]["properties"] == {"x": {"type": "integer"}}
    assert invoked(act, {"inner": {"x": 1}, "inners": [{"x": 2}]}) == 3


def test_types_that_only_a_type_checker_knows_hide_no_others() -> None:
    @tool
    def act(a: Fraction, b: int = 1) -> Any:
        """Act."""
        return a, b

    assert told(act)["properties"] == {"a": {}, "b": {"type": "integer", "default": 1}}
    assert invoked(act, {"a": [1], "b": "2"}) == ([1], 2)
    assert create_schema_from_function("act", act.func).model_fields["b"].annotation is int  # type: ignore[arg-type]


class Opaque:
    pass


def test_an_argument_without_a_json_schema_is_checked_all_the_same() -> None:
    @tool
    def act(a: Opaque, b: Callable[[], int] = lambda: 1) -> Any:
        """Act."""
        return type(a).__name__, b()

    with pytest.raises(ConfigError, match="no JSON schema"):
        convert_to_openai_tool(act)
    assert invoked(act, {"a": Opaque()}) == ("Opaque", 1)
    assert invoked(act, Opaque()) == ("Opaque", 1)
    with pytest.raises(ValidationError) as raised:
        act.invoke({"a": 1, "zz": 2, 3: 4})
    assert "zz, 3: no argument of this tool; it takes a, b" in raised.value.__notes__[0]


def test_numbers_are_taken_as_large_as_they_come() -> None:
    @tool
    def act(n: int, f: float) -> Any:
        """Act."""
        return n, f

    assert invoked(act, {"n": 10**400, "f": 1e308}) == (10**400, 1e308)
    for wrong in ({"n": 1.5, "f": 1}, {"n": "9" * 5000, "f": 1}, {"n": math.nan, "f": 1}):
        with pytest.raises(ValidationError):
            act.invoke(wrong)


@pytest.mark.parametrize("given", [None, [], "x", {}, {"a": None}, {"type": "tool_call"}, {1: 2}])
def test_what_are_no_arguments_is_a_validation_error(given: Any) -> None:
    @tool
    def act(a: int) -> int:
        """Act."""
        return a

    with pytest.raises(ValidationError):
        act.invoke(given)
    call = {"type": "tool_call", "name": "act", "id": "1", "args": given}
    polite = act.model_copy(update={"handle_validation_error": True})
    assert polite.invoke(call).status == "error"
