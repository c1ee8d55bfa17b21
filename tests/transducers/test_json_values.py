"""Views of open containers: nobody's view changes, nobody's copy is made twice."""

import copy
import json
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.transducers import json_scanner, json_values
from prill.transducers.json_values import LongString
from prill.transducers.partial_json import PartialJSON

RECORDS = {"records": [{"id": i, "tags": ["a", "b"]} for i in range(150)]}
NESTED = {
    **{f"key {i}": i for i in range(80)},
    "open": [*range(80), {**{f"inner {i}": [i] for i in range(80)}, "deep": [[i] for i in range(90)]}],
}
FLAT = {f"key {i}": i * 1000 for i in range(200)}
LETTERS = {"first": "x" * 300, "more": [{"text": "abc\n" * 200 + "日" * 100 + "😀é" * 100}], "key" * 100: ["z" * 400]}
DOCUMENTS = [json.dumps(document) for document in (RECORDS, NESTED, FLAT, list(range(300)), LETTERS)]
NAMES = ["records", "nested", "flat", "numbers", "letters"]


@pytest.fixture(params=[json_values.RECYCLE_FROM, 1, 3], autouse=True)
def recycle_from(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with containers and strings used again from a small size on, so that all of them are."""
    monkeypatch.setattr(json_values, "RECYCLE_FROM", request.param)
    monkeypatch.setattr(json_scanner, "LONG_FROM", request.param)


def views(text: str, size: int = 4) -> Any:
    parser = PartialJSON()
    for i in range(0, len(text), size):
        if parser.feed(text[i : i + size]):
            yield parser.value
    assert parser.finish() == json.loads(text)


def innermost(value: Any) -> list[Any]:
    """The containers down to where the text is open."""
    found = []
    while isinstance(value, (dict, list)):
        found.append(value)
        children = list(value.values()) if isinstance(value, dict) else value
        value = children[-1] if children else None
    return found


def holds(kind: str, value: Any) -> Any:
    containers = innermost(value)
    if kind == "root":
        return value
    if kind == "innermost":
        return containers[-1]
    if kind == "second":
        return containers[min(1, len(containers) - 1)]
    if kind == "iterator":
        container = containers[min(1, len(containers) - 1)]
        return iter(container.items() if isinstance(container, dict) else container)
    return lambda: containers[-1]


@pytest.mark.parametrize("text", DOCUMENTS, ids=NAMES)
@pytest.mark.parametrize("kind", ["root", "innermost", "second"])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_what_a_consumer_keeps_does_not_change(text: str, kind: str, every: int) -> None:
    kept, copies = [], []
    for number, value in enumerate(views(text, 9)):
        if number % every == 0:
            kept.append(holds(kind, value))
            copies.append(json.dumps(kept[-1]))
    assert [json.dumps(value) for value in kept] == copies


@pytest.mark.parametrize("text", DOCUMENTS, ids=NAMES)
def test_an_iterator_or_a_closure_keeps_its_container_as_it_was(text: str) -> None:
    kept = []
    for value in views(text, 23):
        container = innermost(value)[min(1, len(innermost(value)) - 1)]
        kept.append(
            (holds("iterator", value), len(container), holds("closure", value), json.dumps(innermost(value)[-1]))
        )
        del container
    for iterator, length, closure, text_then in kept:
        assert len(list(iterator)) == length
        assert json.dumps(closure()) == text_then


@settings(max_examples=25)
@given(st.integers(0, 4), st.integers(1, 40), st.data())
def test_a_window_of_values_of_any_length_stays_right(which: int, size: int, draw: st.DataObject) -> None:
    text = DOCUMENTS[which]
    window: list[tuple[Any, str]] = []
    length = draw.draw(st.integers(0, 8))
    holding = draw.draw(st.sampled_from(["root", "innermost", "second"]))
    for value in views(text, size):
        held = holds(holding, value)
        window.append((held, json.dumps(held)))
        if len(window) > length:
            first, then = window.pop(0)
            assert json.dumps(first) == then


def test_a_consumer_that_looks_and_lets_go_gets_big_lists_without_copies() -> None:
    lists = set()
    value: Any = None
    for value in views(json.dumps(list(range(1000)))):
        if len(value) > 100:
            lists.add(id(value))
    assert len(lists) <= 4


@pytest.mark.parametrize("held", [0, 1, 5, 100])
def test_strings_that_a_consumer_holds_stay_as_they_were(held: int) -> None:
    window: deque[tuple[str, int]] = deque(maxlen=held)
    text = "".join(f"{number} é日😀 " for number in range(400))
    for value in views(json.dumps({"text": text}, ensure_ascii=False), 3):
        window.append((value.get("text", ""), len(value.get("text", ""))))
        assert all(string == text[:length] for string, length in window)
        assert len({string: 1 for string, _ in window}) <= max(1, held)  # a string that was a key is left alone


def test_a_consumer_that_looks_and_lets_go_makes_few_copies_of_a_long_string(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    remember = LongString._remember
    monkeypatch.setattr(LongString, "_remember", lambda self, text: made.append(text[:1]) or remember(self, text))
    last: Any = None
    for value in views(json.dumps({"text": "x" * 20_000}), 10):
        last = value  # the one before is held while the next one is made
    assert len(last["text"]) == 20_000
    assert 1 <= len(made) <= 4


def test_a_view_that_its_consumer_changed_in_length_is_not_used_again() -> None:
    parser = PartialJSON()
    text = json.dumps(list(range(500)))
    for i in range(0, len(text), 5):
        if parser.feed(text[i : i + 5]):
            parser.value.extend(["mine", "mine", "mine"])
    assert parser.finish()[:500] == list(range(500))


def test_deep_copies_and_comparisons_see_plain_values() -> None:
    for value in views(DOCUMENTS[1], 50):
        assert copy.deepcopy(value) == value == json.loads(json.dumps(value))


def test_no_view_is_used_again_where_reference_counts_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_ALONE", -1)
    pool = deque([json_values._View([], 0, 0)])
    assert json_values._find_unused(pool) is None
