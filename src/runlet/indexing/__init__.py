"""Indexing: keep a store up to date with its sources, without doing again what has not changed."""

from runlet.indexing.api import IndexingResult, aindex, index
from runlet.indexing.document_index import DeleteResponse, DocumentIndex, UpsertResponse
from runlet.indexing.records import InMemoryRecordManager, RecordManager
from runlet.indexing.sqlite import SQLiteRecordManager

__all__ = [
    "DeleteResponse",
    "DocumentIndex",
    "InMemoryRecordManager",
    "IndexingResult",
    "RecordManager",
    "SQLiteRecordManager",
    "UpsertResponse",
    "aindex",
    "index",
]
