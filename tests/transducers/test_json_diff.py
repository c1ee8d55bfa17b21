"""A JSON Patch turns one value into the other, and is as small as the change."""

from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.transducers.json_diff import diff

KEYS = st.sampled_from(["a", "b", "a/b", "~", "", "日"])
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5]) | st.sampled_from(["", "x"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_the_patch_turns_the_old_value_into_the_new_one(old: Any, new: Any) -> None:
    patched = jsonpatch.apply_patch(old, diff(old, new))
    assert patched == new
    assert diff(patched, new) == []


@given(VALUES)
def test_equal_values_need_no_patch(value: Any) -> None:
    assert diff(value, value) == []


@pytest.mark.parametrize(
    ("old", "new", "operations"),
    [
        (None, {}, [{"op": "replace", "path": "", "value": {}}]),
        ([1], [10], [{"op": "replace", "path": "/0", "value": 10}]),
        ([1], [1, 2, 3], [{"op": "add", "path": "/1", "value": 2}, {"op": "add", "path": "/2", "value": 3}]),
        ([1, 2, 3], [1], [{"op": "remove", "path": "/2"}, {"op": "remove", "path": "/1"}]),
        ({"a/b~": 1}, {"a/b~": 12}, [{"op": "replace", "path": "/a~1b~0", "value": 12}]),
        ({"a": 1}, {"b": 1}, [{"op": "remove", "path": "/a"}, {"op": "add", "path": "/b", "value": 1}]),
        ([1], [1.0], [{"op": "replace", "path": "/0", "value": 1.0}]),
        ([1], [True], [{"op": "replace", "path": "/0", "value": True}]),
        ([float("nan")], [float("nan")], []),
        ({"a": []}, {"a": {}}, [{"op": "replace", "path": "/a", "value": {}}]),
    ],
)
def test_the_operations_are_these(old: Any, new: Any, operations: list[dict[str, Any]]) -> None:
    found = diff(old, new)
    assert repr(found) == repr(operations)


class Unlooked(dict[str, Any]):
    def __iter__(self) -> Any:
        raise AssertionError("looked into")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]  # dicts have no hash


def test_shared_subtrees_are_not_looked_into() -> None:
    shared = Unlooked(x=1)
    assert diff({"s": shared, "l": [shared, 1]}, {"s": shared, "l": [shared, 2]}) == [
        {"op": "replace", "path": "/l/1", "value": 2}
    ]


def test_lists_at_the_edge_are_compared_from_their_open_item_on() -> None:
    assert diff([Unlooked(), {"n": 1}], [Unlooked(), {"n": 2}, 3], edge=(1, "n")) == [
        {"op": "replace", "path": "/1/n", "value": 2},
        {"op": "add", "path": "/2", "value": 3},
    ]
