"""Values as JSON: a documented form, or an error that names the place, the same in every verb."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.serve.chains import ask, events
from tests.serve.serving import Served, serving

from prill.documents import Document
from prill.errors import RequestError, SerializationError
from prill.messages import HumanMessage
from prill.prompt_values import ChatPromptValueConcrete
from prill.runnables import RunnableLambda
from prill.serve import App
from prill.serve.objects import decode_objects, encode_objects, guess_objects
from prill.serve.wire import decode_body, encode, to_plain


class Colour(Enum):
    RED = "red"


class Point(BaseModel):
    x: int
    at: datetime


@dataclass
class Pair:
    one: Any
    other: Any


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

FORMS: dict[str, tuple[Any, Any]] = {
    "text": ("é\n中\u2028", "é\n中\u2028"),
    "NaN": ({"a": math.nan}, {"a": "NaN"}),
    "infinities": ([math.inf, -math.inf], ["Infinity", "-Infinity"]),
    "tuple": ((1, "a"), [1, "a"]),
    "set": ({1}, [1]),
    "bytes": (b"\xff\xfe", "__4="),
    "datetime": (NOON, "2026-01-02T12:00:00Z"),
    "date": (date(2026, 1, 2), "2026-01-02"),
    "timedelta": (timedelta(seconds=90), "PT1M30S"),
    "decimal": (Decimal("1.10"), "1.10"),
    "uuid": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "path": (PurePosixPath("/a/b"), "/a/b"),
    "enum": (Colour.RED, "red"),
    "model": (Point(x=1, at=NOON), {"x": 1, "at": "2026-01-02T12:00:00Z"}),
    "dataclass": (Pair(1, [NOON]), {"one": 1, "other": ["2026-01-02T12:00:00Z"]}),
    "exception": (ValueError("no"), "ValueError: no"),
    "keys": ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    "message": (HumanMessage("hi"), {"type": "human", "content": "hi"}),
    "document": (Document("d", metadata={"a": 1}), {"type": "Document", "page_content": "d"}),
    "prompt": (ChatPromptValueConcrete(messages=[HumanMessage("hi")]), {"messages": [{"type": "human"}]}),
}


def contains(given: Any, expected: Any) -> bool:
    """Whether ``given`` is ``expected``, perhaps with more keys."""
    if isinstance(expected, dict) and isinstance(given, dict):
        return all(key in given and contains(given[key], item) for key, item in expected.items())
    if isinstance(expected, list) and isinstance(given, list):
        return len(given) == len(expected) and all(map(contains, given, expected))
    return bool(given == expected)


@pytest.mark.parametrize("name", FORMS)
def test_a_value_has_its_documented_form(name: str) -> None:
    value, expected = FORMS[name]
    given = json.loads(encode(value))
    assert contains(given, expected), given
    assert to_plain(value) == given


class Odd:
    pass


LOOP: list[Any] = []
LOOP.append(LOOP)

FAULTS: dict[str, tuple[Any, str]] = {
    "itself": (Odd(), "output"),
    "in a list": ({"docs": [1, 2, 3, {"meta": Odd()}]}, "output.docs[3].meta"),
    "in a model": ([Document("d", metadata={"a": Odd()})], "output[0].metadata.a"),
    "in a dataclass": (Pair(1, {"x": [Odd()]}), "output.other.x[0]"),
    "a function": ({"f": len}, "output.f"),
    "half a surrogate pair": (["\ud800"], "output[0]"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_has_no_form_is_an_error_that_names_its_place(name: str) -> None:
    value, place = FAULTS[name]
    for write in (encode, to_plain, encode_objects):
        with pytest.raises(SerializationError) as refused:
            write(value)
        assert refused.value.place == place
        assert place in refused.value.message


def test_a_value_that_holds_itself_is_an_error_and_does_not_hang() -> None:
    with pytest.raises(SerializationError):
        encode(LOOP)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App()
    app.add("/values", RunnableLambda(lambda name: FORMS[name][0]), show="steps")
    app.add("/faults", RunnableLambda(lambda name: FAULTS[name][0]))
    with serving(app) as served:
        yield served


@pytest.mark.parametrize("name", [name for name in FORMS if name != "exception"])
def test_every_verb_writes_a_value_in_the_same_form(server: Served, name: str) -> None:
    expected = json.loads(encode(FORMS[name][0]))
    assert ask(server.port, "/values/invoke", {"input": name}).json["output"] == expected
    assert ask(server.port, "/values/batch", {"inputs": [name]}).json["output"] == [expected]
    streamed = events(ask(server.port, "/values/stream", {"input": name}).text)
    assert [data for kind, data in streamed if kind == "data"] == [expected]
    found = [data for kind, data in events(ask(server.port, "/values/stream_events", {"input": name}).text) if data]
    assert found[-1]["data"]["output"] == expected
    log = [
        op
        for _, data in events(ask(server.port, "/values/stream_log", {"input": name}).text)
        if data
        for op in data["ops"]
    ]
    assert log[-1]["value"] == expected


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "half a surrogate pair"])
def test_every_verb_names_the_place_of_what_has_no_form(server: Served, name: str) -> None:
    place = FAULTS[name][1]
    invoked = ask(server.port, "/faults/invoke", {"input": name})
    assert (invoked.status, invoked.json["error"]["code"]) == (500, "not_serializable")
    assert place in invoked.json["error"]["message"]
    for verb in ("stream", "stream_events", "stream_log"):
        kind, data = events(ask(server.port, f"/faults/{verb}", {"input": name}).text)[-1]
        assert (kind, data["code"]) == ("error", "not_serializable")


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(), st.sampled_from(["lc", "type", "id"])), inner)
    ),
    max_leaves=10,
)


@given(plain)
def test_plain_data_survives_there_and_back(value: Any) -> None:
    assert decode_body(encode(value)) == value
    assert decode_objects(json.loads(encode_objects(value))) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    status = 200
    try:
        encode(decode_body(body))
    except RequestError as refused:
        status = refused.status
    assert status in (200, 422)


def test_what_is_inside_of_an_object_has_its_plain_form() -> None:
    document = Document("d", metadata={"at": NOON, "points": [Point(x=1, at=NOON)]})
    (found,) = decode_objects(json.loads(encode_objects([document])))
    assert found.metadata == {"at": "2026-01-02T12:00:00Z", "points": [{"x": 1, "at": "2026-01-02T12:00:00Z"}]}


def test_only_what_looks_wholly_like_a_message_is_taken_for_one() -> None:
    assert guess_objects({"type": "human", "content": "hi"}) == HumanMessage("hi")
    for other in (
        {"type": "human", "content": "hi", "mine": 1},
        {"type": "human"},
        {"type": ["human"]},
        {"content": "x"},
    ):
        assert guess_objects(other) == other
    nested = {"docs": [{"type": "Document", "page_content": "d", "metadata": {}}]}
    assert guess_objects(nested) == {"docs": [Document("d")]}
