"""Filters of metadata."""

from __future__ import annotations

import pytest

from prill.documents import Document
from prill.errors import ConfigError
from prill.vectorstores import filters

DOCUMENT = Document("text", metadata={"year": 2020, "kind": "book", "tags": {"a": 1}})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"year": 2020}, True),
        ({"year": 2021}, False),
        ({"year": [2019, 2020]}, True),
        ({"year": []}, False),
        ({"missing": None}, False),
        ({"missing": {"$gt": 1}}, False),
        ({"missing": {"$ne": 1}}, True),
        ({"year": {"$gte": 2020, "$lt": 2021}}, True),
        ({"year": {"$gt": 2020}}, False),
        ({"year": {"$lte": 2019}}, False),
        ({"kind": {"$gt": 3}}, False),
        ({"kind": {"$in": ["book"]}}, True),
        ({"kind": {"$nin": ["book"]}}, False),
        ({"kind": {"$eq": "book"}, "year": 1}, False),
        ({"tags": {"a": 1}}, True),
        ({"$or": [{"year": 1}, {"kind": "book"}]}, True),
        ({"$and": [{"year": 2020}, {"kind": "film"}]}, False),
        ({"$not": {"year": 1}}, True),
        (lambda document: document.page_content == "text", True),
    ],
)
def test_a_document_passes_or_not(wanted, found):
    assert filters.compile_filter(wanted)(DOCUMENT) is found


@pytest.mark.parametrize(
    "wanted",
    [
        {"year": {"$like": 1}},
        {"$xor": []},
        7,
        {"a": {"$gt": 1, "b": 2}},
        {"a": {"$in": 3}},
        {"a": {"$in": "text"}},
        {"$and": {"a": 1}},
        {"$or": 3},
        {3: 4},
        ["a"],
    ],
)
def test_what_cannot_be_understood_is_refused(wanted):
    with pytest.raises(ConfigError):
        filters.compile_filter(wanted)
