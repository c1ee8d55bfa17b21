"""What the ledger knows of providers' batches: which rows were submitted in which, so that none is submitted twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from prill.bulk.ledger import Ledger

_TABLES = """
CREATE TABLE IF NOT EXISTS batch (name TEXT PRIMARY KEY, id TEXT, file TEXT, rows INTEGER, at REAL, state TEXT);
CREATE TABLE IF NOT EXISTS batch_row (key TEXT PRIMARY KEY, batch TEXT NOT NULL, tries INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_batch ON batch_row (batch);
"""

NEW, SENT, READ = "new", "sent", "read"
"""Not known to be with the provider; with the provider; its results were read."""


class Stored(NamedTuple):
    """A batch: our name, the provider's id once it is known, the file that was uploaded for it."""

    name: str
    id: str | None
    file: str | None
    rows: int
    at: float
    state: str


class BatchStore:
    """Batches of a checkpoint. Everything is on the disk before the provider is asked for anything."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        ledger.add_tables(_TABLES)

    def open_batches(self) -> list[Stored]:
        """The batches whose results were not read yet."""
        found = self._ledger.query("SELECT name, id, file, rows, at, state FROM batch WHERE state != 'read'")
        return [Stored(*row) for row in found]

    def find_batch(self, key: str) -> tuple[str, int] | None:
        """The batch that a row was submitted in last, and how often it was."""
        found = self._ledger.query("SELECT batch, tries FROM batch_row WHERE key = ?", key)
        return found[0] if found else None

    def keys(self, batch: str) -> set[str]:
        """The rows whose last batch this is."""
        return {key for (key,) in self._ledger.query("SELECT key FROM batch_row WHERE batch = ?", batch)}

    def known_ids(self) -> set[str]:
        """The provider's ids of all batches."""
        return {id for (id,) in self._ledger.query("SELECT id FROM batch WHERE id IS NOT NULL")}

    def add(self, batch: Stored, keys: Iterable[tuple[str, int]]) -> None:
        """Write a batch that is about to be created, with its rows and the number of their tries."""
        self._ledger.write_all(
            {
                "INSERT INTO batch VALUES (?,?,?,?,?,?)": [batch],
                "INSERT OR REPLACE INTO batch_row VALUES (?,?,?)": [(key, batch.name, tries) for key, tries in keys],
            }
        )

    def set(self, batch: Stored) -> None:
        """Write what is known of a batch now."""
        self._ledger.write_all({"INSERT OR REPLACE INTO batch VALUES (?,?,?,?,?,?)": [batch]})
