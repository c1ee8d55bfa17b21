"""Values against JSON schemas."""

from typing import Any

import pytest

from prill.output_parsers.json_schema_check import find_faults

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"type": ["integer", "null"]},
        "kind": {"enum": ["a", "b"]},
        "fixed": {"const": 1},
        "either": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]},
        "self": {"$ref": "#/$defs/node"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["id"]}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "x"},
        {"name": "x", "size": None, "kind": "b", "fixed": 1, "either": [1, 2.5]},
        {"name": "x", "size": 2.0, "either": "y", "self": {"id": 1, "next": {"id": 2}}},
    ],
)
def test_what_fits_has_no_fault(value: Any) -> None:
    assert list(find_faults(value, SCHEMA)) == []


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], ()),
        ({}, ("name",)),
        ({"name": 1}, ("name",)),
        ({"name": "x", "size": True}, ("size",)),
        ({"name": "x", "size": 1.5}, ("size",)),
        ({"name": "x", "kind": "c"}, ("kind",)),
        ({"name": "x", "fixed": 2}, ("fixed",)),
        ({"name": "x", "either": ["y"]}, ("either",)),
        ({"name": "x", "other": 1}, ("other",)),
        ({"name": "x", "self": {"id": 1, "next": {}}}, ("self", "next", "id")),
    ],
)
def test_a_fault_has_its_place(value: Any, place: tuple[str, ...]) -> None:
    assert [fault.place for fault in find_faults(value, SCHEMA)] == [place]
