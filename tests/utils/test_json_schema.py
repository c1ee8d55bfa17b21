"""JSON schemas whose references are put in their places."""

import langchain_core.utils.json_schema as peer
import pytest

from prill.utils.json_schema import dereference_refs


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"e": {"$ref": "#/$defs/400"}}, "$defs": {400: {"type": "string"}}},
        {"properties": {"n": {"$ref": "#/$defs/S", "description": "x"}}, "$defs": {"S": "string"}},
    ],
    ids=["a number as the key", "text beside a reference"],
)
def test_unusual_references_are_read_as_the_peer_reads_them(schema):
    assert dereference_refs(schema) == peer.dereference_refs(schema)
