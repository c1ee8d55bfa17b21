"""The form of events: what it recognises is what parsing would have said, and nothing else is recognised."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.transducers.event_template import EventTemplate


def event(text: str, *, before: str = "", **more: Any) -> str:
    return f"{before}data: {json.dumps({'id': 1, 'delta': {'text': text}, **more}, ensure_ascii=False)}"


def learned(*events: str, padding: tuple[str, ...] = ()) -> EventTemplate:
    form = EventTemplate(*padding)
    for each in events:
        payload = json.loads(each.partition("data: ")[2])
        assert form.learn(each, payload, payload["delta"], "text")
    return form


def test_an_event_that_differs_in_its_text_alone_is_recognised() -> None:
    assert learned(event("Hel")).texts([event("lo"), event(" 日本 😀")]) == ["lo", " 日本 😀"]


def test_the_first_event_that_is_unlike_ends_the_texts() -> None:
    assert learned(event("a")).texts([event("b"), event("c", more=1), event("d")]) == ["b"]


def test_texts_are_read_from_a_place_on() -> None:
    assert learned(event("a")).texts([event("b"), event("c"), event("d")], 1) == ["c", "d"]


def test_a_form_that_has_learned_nothing_recognises_nothing() -> None:
    assert EventTemplate().texts([event("a"), "", "data: "]) == []


@given(text=st.text())
def test_whatever_the_text_is_it_is_right_or_left_to_the_parser(text: str) -> None:
    assert learned(event("a")).texts([event(text)]) in ([text], [])


@pytest.mark.parametrize("text", ['say "hi"', "a\nb\tc", "\\", "C:\\temp", "\b\f\r", "/"])
def test_escapes_of_one_letter_are_recognised(text: str) -> None:
    assert learned(event("a")).texts([event(text)]) == [text]


@pytest.mark.parametrize(
    "other",
    [
        event("a").replace('"a"', '"\\u00e9"'),  # with another four digits it would be half a character
        event("a").replace('"a"', '"\\x"'),
        event("a").replace('"a"', '"a\x00"'),
        event("a").replace('"a"', '"a\nb"'),
        event("a").replace('"a"', '""'),
        event("a").replace('"a"', "1"),
        event("a").replace('"a"', '"a'),
        event("a")[:-1],
        event("a") + "}",
        event("a") + "\ndata: more",
        event("a", before="event: other\n"),
        event("a", before=": comment\n"),
        'data: ["}}',
    ],
)
def test_what_is_written_otherwise_is_left_to_the_parser(other: str) -> None:
    assert learned(event("b")).texts([other]) == []


def test_an_event_that_has_a_type_is_recognised_with_that_type() -> None:
    form = learned(event("a", before="event: delta\n"))
    assert form.texts([event("b", before="event: delta\n")]) == ["b"]
    assert form.texts([event("b", before="event: error\n")]) == []


def test_spaces_before_the_last_brace_make_no_difference() -> None:
    form = learned(event("a"))
    assert form.texts([event("b")[:-1] + " " * count + "}" for count in range(20)]) == ["b"] * 20
    assert learned(event("a")[:-1] + "  }").texts([event("b")]) == ["b"]


def test_padding_makes_no_difference_where_it_comes_last() -> None:
    compact = [
        json.dumps({"delta": {"text": "a"}, "pad": pad}, separators=(",", ":")) for pad in ("x", "yy", "", '"', "é")
    ]
    form = learned(f"data: {compact[0]}", padding=("pad", "p"))
    assert form.texts([f"data: {each}" for each in compact[1:]]) == ["a", "a"]


def test_the_end_of_another_event_is_not_mistaken_for_this_ones() -> None:
    """What stands after the text may say what it belongs to: both have the same beginning."""
    one, other = event("a", index=1), event("b", index=2)
    form = learned(one, other)
    assert form.texts([event("c", index=2)]) == ["c"]
    assert form.texts([event("c", index=1)]) == []


@pytest.mark.parametrize(
    "written",
    [
        'data: {"text": "a", "delta": {"text": "a"}}',
        'data: {"delta": {"text": "a"}, "text": "a"}',
        'data: {"note": "\\"text\\": \\"a", "delta": {"text": "a"}}',
    ],
)
def test_the_text_is_found_among_others_of_its_name(written: str) -> None:
    form = learned(written)
    changed = written.replace('"delta": {"text": "a"', '"delta": {"text": "b"')
    assert form.texts([changed]) == ["b"]


@pytest.mark.parametrize(
    "written",
    [
        'data: {"delta": {"text": "a", "text": "a"}}',  # the last of them counts
        'data: {"delta": {"text": "\\u0061"}}',
        'data: {"delta": {"text" : "a"}}',
        'data: {"delta":\ndata: {"text": "a"}}',
        'id: 1\ndata: {"delta": {"text": "a"}}',
        ": comment",
    ],
)
def test_an_event_of_no_such_form_is_not_learned_wrongly(written: str) -> None:
    form = EventTemplate()
    payload = {"delta": {"text": "a"}}
    form.learn(written, payload, payload["delta"], "text")
    first_changed = written.replace('"a"', '"b"', 1)
    for text in form.texts([first_changed]):
        assert json.loads(first_changed.partition("data: ")[2])["delta"]["text"] == text


def test_the_payload_is_left_as_it_was() -> None:
    payload = {"delta": {"text": "a"}}
    EventTemplate().learn('data: {"delta": {"text": "a"}}', payload, payload["delta"], "text")
    assert payload == {"delta": {"text": "a"}}


def test_a_stream_that_counts_its_events_is_given_up() -> None:
    form = EventTemplate()
    tries = []
    for number in range(20):
        payload = {"number": number, "delta": {"text": "a"}}
        tries.append(form.learn(f"data: {json.dumps(payload)}", payload, payload["delta"], "text"))
        assert form.texts([f"data: {json.dumps({**payload, 'number': number + 1})}"]) == []
    assert tries[0]
    assert not any(tries[-5:])
