"""The SQLite file of recorded runs: its table, and what is read from it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prill.errors import ConfigError
from prill.sqlite_file import SQLiteFile

COLUMNS = (
    *("id", "parent", "root", "name", "kind", "status", "start", "end", "first_chunk", "chunks", "model"),
    *("input_tokens", "output_tokens", "cost", "process", "tags", "metadata", "error", "usage", "request"),
    *("input", "output"),
)
"""Large values are last: SQLite reads a row from its start, and only as far as it has to."""

_TYPES = {"start": "REAL", "end": "REAL", "first_chunk": "REAL", "cost": "REAL", "process": "INTEGER"}
_TYPES |= dict.fromkeys(("chunks", "input_tokens", "output_tokens"), "INTEGER")

TABLES = f"""
CREATE TABLE IF NOT EXISTS runs (
  {", ".join(f'"{name}" {_TYPES.get(name, "TEXT")}' + (" PRIMARY KEY" if name == "id" else "") for name in COLUMNS)}
);
CREATE INDEX IF NOT EXISTS runs_by_root ON runs (root, start);
CREATE INDEX IF NOT EXISTS roots_by_start ON runs (start) WHERE parent IS NULL;
CREATE INDEX IF NOT EXISTS runs_by_model ON runs (model) WHERE model IS NOT NULL;
"""

INSERT = f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * len(COLUMNS))})"

_FACTS = [name for name in COLUMNS if name not in ("usage", "request", "input", "output", "metadata")]
_SHOWN_RUNS = 5_000
"""How many runs of one tree are shown."""
_LONGEST = 2_000_000
"""How many characters of a value are given to the page."""

_JSON = ("tags", "metadata", "usage", "request", "input", "output")

_FILTERS = {
    "name": "root IN (SELECT root FROM runs WHERE name LIKE ? ESCAPE '\\')",
    "tag": "root IN (SELECT runs.root FROM runs, json_each(runs.tags) WHERE json_each.value = ?)",
    "model": "root IN (SELECT root FROM runs WHERE model LIKE ? ESCAPE '\\')",
    "text": (
        "root IN (SELECT root FROM runs WHERE input LIKE ? ESCAPE '\\' OR output LIKE ? ESCAPE '\\' "
        "OR error LIKE ? ESCAPE '\\')"
    ),
    "since": "start >= ?",
    "until": "start < ?",
}
_CONTAINS = ("name", "model", "text")


class TraceFile:
    """Reads the runs that ``record`` wrote into a file.

    Raises ``ConfigError`` for a file that does not exist or is none of SQLite.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not Path(path).is_file():
            raise ConfigError(
                f"there is no file {os.fspath(path)!r}. Record runs into it first: with record(to={os.fspath(path)!r})"
            )
        self.path = os.path.abspath(path)
        self._file = SQLiteFile(path, TABLES)

    def list_roots(self, filters: Mapping[str, Any], limit: int = 100) -> list[dict[str, Any]]:
        """The newest root runs that meet all ``filters``, with the tokens and the cost of all runs within each.

        Args:
            filters: ``name``, ``model`` and ``text`` (part of it, in any run of the tree), ``tag``, ``status``,
                ``since`` and ``until`` (seconds since 1970; ``until`` is that of the last one to get the next ones).
            limit: how many.
        """
        conditions: list[str] = ["parent IS NULL"]
        values: list[Any] = []
        for name, given in filters.items():
            if name in _FILTERS and given not in (None, ""):
                value = f"%{_escape(str(given))}%" if name in _CONTAINS else given
                conditions.append(_FILTERS[name])
                values += [value] * _FILTERS[name].count("?")
        status = filters.get("status")
        if status:
            conditions.append("status = ?")
            values.append("running" if status == "interrupted" else status)
        found = self._rows(_FACTS, f"{' AND '.join(conditions)} ORDER BY start DESC LIMIT {int(limit)}", *values)
        return self.with_totals([each for each in found if not status or each["status"] == status])

    def with_totals(self, roots: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Root runs with the tokens and the cost of all runs within each, and ``runs``, their number."""
        marks = ", ".join("?" * len(roots))
        rows = self._file.read(
            "SELECT root, count(*), sum(input_tokens), sum(output_tokens), sum(cost), group_concat(DISTINCT model) "
            f"FROM runs WHERE root IN ({marks}) GROUP BY root",
            *(each["id"] for each in roots),
        )
        totals = {row[0]: row[1:] for row in rows}
        names = ("runs", "input_tokens", "output_tokens", "cost", "models")
        return [{**each, **dict(zip(names, totals[each["id"]], strict=True))} for each in roots]

    def read_tree(self, root: str) -> list[dict[str, Any]]:
        """All runs of a tree without their values, in the order in which they started."""
        return self._rows(_FACTS, f"root = ? ORDER BY start LIMIT {_SHOWN_RUNS}", root)

    def read_run(self, id: str) -> dict[str, Any] | None:
        """One run with its values; a value of more than two million characters is text, and ``cut`` its size."""
        found = self._rows(COLUMNS, "id = ?", id)
        return found[0] if found else None

    def list_names(self) -> dict[str, list[str]]:
        """The tags and the models that occur, for a choice."""
        tags = self._file.read(
            "SELECT DISTINCT value FROM runs, json_each(runs.tags) WHERE value NOT LIKE 'seq:step:%' "
            "AND value NOT LIKE 'map:key:%' ORDER BY 1 LIMIT 200"
        )
        models = self._file.read("SELECT DISTINCT model FROM runs WHERE model IS NOT NULL ORDER BY 1 LIMIT 200")
        return {"tags": [str(row[0]) for row in tags], "models": [row[0] for row in models]}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rows(self, names: Sequence[str], where: str, *values: Any) -> list[dict[str, Any]]:
        columns = ", ".join(f'"{name}"' for name in names)
        rows = self._file.read(f"SELECT {columns} FROM runs WHERE {where}", *values)
        return [_make_facts(dict(zip(names, row, strict=True))) for row in rows]


def _make_facts(row: dict[str, Any]) -> dict[str, Any]:
    cut: dict[str, int] = {}
    for name in _JSON:
        text = row.get(name)
        if text is None:
            continue
        if len(text) > _LONGEST:
            cut[name] = len(text)
            row[name] = text[:_LONGEST]
        else:
            with contextlib.suppress(ValueError):
                row[name] = json.loads(text)
    if row["status"] == "running" and not _is_alive(row["process"]):
        row["status"] = "interrupted"
    return {**row, "cut": cut} if cut else row


def _is_alive(process: int | None) -> bool:
    try:
        os.kill(process or 0, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # another user's
    return bool(process)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
