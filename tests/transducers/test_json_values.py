"""Views of open containers: nobody's view changes, nobody's copy is made twice."""

import copy
import json
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlet.transducers import json_values
from runlet.transducers.partial_json import PartialJSON

RECORDS = {"records": [{"id": i, "tags": ["a", "b"]} for i in range(150)]}
NESTED = {
    **{f"key {i}": i for i in range(80)},
    "open": [*range(80), {**{f"inner {i}": [i] for i in range(80)}, "deep": [[i] for i in range(90)]}],
}
FLAT = {f"key {i}": i * 1000 for i in range(200)}
DOCUMENTS = [json.dumps(document) for document in (RECORDS, NESTED, FLAT, list(range(300)))]


@pytest.fixture(params=[json_values.RECYCLE_FROM, 1, 3], autouse=True)
def recycle_from(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with containers used again from a small size on, so that all of them are."""
    monkeypatch.setattr(json_values, "RECYCLE_FROM", request.param)


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


@pytest.mark.parametrize("text", DOCUMENTS, ids=["records", "nested", "flat", "numbers"])
@pytest.mark.parametrize("kind", ["root", "innermost", "second"])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_what_a_consumer_keeps_does_not_change(text: str, kind: str, every: int) -> None:
    kept, copies = [], []
    for number, value in enumerate(views(text, 9)):
        if number % every == 0:
            kept.append(holds(kind, value))
            copies.append(json.dumps(kept[-1]))
    assert [json.dumps(value) for value in kept] == copies


@pytest.mark.parametrize("text", DOCUMENTS, ids=["records", "nested", "flat", "numbers"])
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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3), st.integers(1, 40), st.data())
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
