"""Values as plain JSON, and back: nothing is lost, nothing is run, and what cannot be stored is named."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from prill.agents.threads import StoredTypes, dump_value, load_value
from prill.documents import Document
from prill.errors import ConfigError, ThreadDataError, ThreadValueError
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from prill.messages.tool import invalid_tool_call, tool_call

MESSAGES = [
    HumanMessage("Hi", id="1", name="Ann"),
    HumanMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}, "look"]),
    SystemMessage("Be brief.", marked="by the program"),
    AIMessage(
        "",
        tool_calls=[tool_call(name="f", args={"a": [1, {"$": "tuple"}]}, id="c1")],
        invalid_tool_calls=[invalid_tool_call(name="g", args='{"b"', id="c2", error="cut")],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"audio": 1}},
        response_metadata={"model_name": "m", "logprobs": [math.inf]},
    ),
    AIMessage("", additional_kwargs={"tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}]}),
    ToolMessage("done", tool_call_id="c1", artifact={"rows": [(1, b"\0")]}, status="error", name="f"),
    ToolMessage("", tool_call_id="c1", artifact=[Document("text", metadata={"at": date(2024, 2, 29)}, id="d")]),
    FunctionMessage("1", name="f"),
    ChatMessage("Yes", role="judge"),
    RemoveMessage(id="1"),
]

VALUES = [
    *(None, True, 0, -(2**70), 1.5, -0.0, math.inf, "", "\0 \ud800 é 蛙", b"\xff"),
    *([], [[]], {}, {"$": 1}, {1: "a", None: "b", (1, 2): "c"}, {"lc": 1, "type": "constructor"}),
    *((), (1, (2,)), {1, 2}, frozenset({"a"}), Decimal("1.10"), UUID(int=5)),
    *(date(1, 1, 1), time(1, 2, 3, 4), timedelta(-1, 2, 3)),
    *(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 5)),
]


class Color(Enum):
    RED = "red"


class Answer(BaseModel):
    city: str
    asked: datetime | None = None


@dataclass
class Point:
    x: int
    of: Answer


def through_text(value: Any, **options: Any) -> Any:
    return load_value(json.loads(json.dumps(dump_value(value, **options))), **options)


def same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other) and repr(value) == repr(other)


@pytest.mark.parametrize("value", [*VALUES, *MESSAGES], ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal_and_of_its_type(value: Any) -> None:
    assert same(through_text(value), value)
    assert same(through_text({"k": [value]}), {"k": [value]})


def test_a_number_that_is_none_comes_back() -> None:
    assert math.isnan(through_text(math.nan))


NUMBERS = st.integers() | st.floats(allow_nan=False) | st.decimals(allow_nan=False)
SCALARS = NUMBERS | st.none() | st.booleans() | st.text() | st.binary() | st.timedeltas() | st.uuids()
ANYTHING = st.recursive(
    SCALARS | st.datetimes().map(lambda at: at.replace(fold=0)),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(["$", "v", "type"]), inner)
        | st.dictionaries(st.integers() | st.text(), inner)
    ),
    max_leaves=15,
)


@given(ANYTHING)
def test_any_value_comes_back(value: Any) -> None:
    assert same(through_text(value), value)


@given(st.text(), ANYTHING, st.dictionaries(st.text(min_size=1), ANYTHING))
def test_any_message_comes_back(text: str, artifact: Any, args: dict[str, Any]) -> None:
    call = tool_call(name="f", args=args, id=text)
    for message in (AIMessage(text, tool_calls=[call]), ToolMessage(text, tool_call_id=text, artifact=artifact)):
        assert same(through_text(message), message)


def test_calls_that_a_program_has_removed_do_not_come_back() -> None:
    message = AIMessage("", additional_kwargs={"tool_calls": [{"id": "x", "function": {"name": "f"}}]})
    assert message.tool_calls or message.invalid_tool_calls
    message.tool_calls, message.invalid_tool_calls = [], []
    back = through_text(message)
    assert (back.tool_calls, back.invalid_tool_calls) == ([], [])


def test_the_sum_of_chunks_is_stored_as_the_whole_message() -> None:
    whole = AIMessageChunk("He") + AIMessageChunk("llo", chunk_position="last")
    assert same(through_text(whole), AIMessage("Hello"))


def test_a_stored_message_takes_little_more_than_its_text() -> None:
    assert dump_value(HumanMessage("Hi")) == {"$": "human", "v": {"content": "Hi"}}


def test_a_subclass_of_a_plain_type_is_stored_as_that() -> None:
    assert dump_value([AIMessage("a").text, OrderedDict(a=1)]) == ["a", {"a": 1}]


Pair = namedtuple("Pair", "a b")


class OwnMessage(HumanMessage):
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [object()]}, r"state\['a'\]\[0\] is an object, which a thread cannot hold"),
        (ToolMessage("x", tool_call_id="1", artifact={"df": print}), r"state.artifact\['df'\] is a builtin_function"),
        (Color.RED, "state is a .*Color"),
        (Answer(city="Rome"), "Answer, which a thread cannot hold.*StoredTypes"),
        (Pair(1, 2), "Pair"),
        (OwnMessage("x"), "OwnMessage, a kind of message that would not come back as itself"),
        ({(object(),): 1}, "object"),
        (2**20_000, "bits"),
        (Decimal("1" * 6000), "5000 characters"),
        (bytearray(b""), "bytearray"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_stored_is_named_with_its_place(value: Any, said: str) -> None:
    with pytest.raises(ThreadValueError, match=said):
        dump_value(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ThreadValueError, match="contains itself"):
        dump_value(loop)


def test_the_deepest_value_that_is_written_is_read() -> None:
    value: Any = 1
    for _ in range(99):
        value = (value,)
    assert through_text(value) == value


def test_classes_of_the_program_come_back_if_it_names_them() -> None:
    types = StoredTypes(Answer, Point, Color, Pair)
    value = {
        "a": Answer(city="Rome", asked=datetime(2024, 1, 1)),
        "p": Point(1, Answer(city="Oslo")),
        "c": Color.RED,
        "t": Pair(1, 2),
    }
    assert same(through_text(value, types=types), value)


def test_a_class_that_is_not_named_is_refused_when_it_is_read() -> None:
    stored = dump_value(Answer(city="Rome"), types=StoredTypes(Answer))
    with pytest.raises(ThreadDataError, match="'Answer': name the class in StoredTypes"):
        load_value(stored)


def test_fields_that_no_longer_fit_their_class_are_named_without_their_values() -> None:
    stored = {"$": "object", "v": ["Answer", {"city": {"secret": 1}}]}
    with pytest.raises(ThreadDataError, match="does not fit the class Answer: city") as raised:
        load_value(stored, types=StoredTypes(Answer))
    assert "secret" not in str(raised.value)


def test_two_classes_of_one_name_are_refused() -> None:
    class Answer(BaseModel):
        pass

    with pytest.raises(ConfigError, match="Answer"):
        StoredTypes(Answer, globals()["Answer"])


DEEP: Any = []
for _ in range(5000):
    DEEP = [DEEP]

HOSTILE = [
    {"$": "os.system", "v": "id"},
    {"$": "object", "v": ["os.system", ["id"]]},
    {"$": "object", "v": "Answer"},
    {"$": "object", "v": [1, 2]},
    {"$": ["human"], "v": {}},
    {"$": "human"},
    {"$": "human", "v": {"content": "a"}, "x": 1},
    {"$": "human", "v": []},
    {"$": "human", "v": {"content": "a", "type": "ai"}},
    {"$": "human", "v": {"content": 5}},
    {"$": "ai", "v": {"content": "", "tool_calls": [{"name": "f", "args": "rm"}]}},
    {"$": "ai", "v": {"content": "", "additional_kwargs": []}},
    {"$": "tool", "v": {"content": "no id"}},
    {"$": "AIMessageChunk", "v": {"content": ""}},
    {"$": "human", "v": {"$": "dict", "v": [[1, 2]]}},
    {"$": "bytes", "v": "%%%"},
    {"$": "bytes", "v": 5},
    {"$": "decimal", "v": "1" * 100_000},
    {"$": "decimal", "v": "one"},
    {"$": "float", "v": "1_0"},
    {"$": "datetime", "v": "yesterday"},
    {"$": "timedelta", "v": [10**30, 0, 0]},
    {"$": "timedelta", "v": [1]},
    {"$": "uuid", "v": {}},
    {"$": "set", "v": [[1]]},
    {"$": "set", "v": "abc"},
    {"$": "tuple", "v": "abc"},
    {"$": "dict", "v": [[[], 1]]},
    {"$": "dict", "v": [[1, 1], [1, 2]]},
    {"$": "dict", "v": [[1, 2, 3]]},
    {"$": "document", "v": {"metadata": 5}},
    {"$": "document", "v": 5},
    DEEP,
    (1, 2),
]


@pytest.mark.parametrize("stored", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_data_gives_one_kind_of_error_that_names_the_place(stored: Any) -> None:
    with pytest.raises(ThreadDataError, match=r"record\['m'\]\[0\]") as raised:
        load_value({"m": [stored]})
    assert len(str(raised.value)) < 1000
