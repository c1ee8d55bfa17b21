"""A SQLite file of recorded runs: written in groups, read by the trace viewer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prill.sqlite_file import SQLiteFile

_COLUMNS = {
    **{"id": "TEXT PRIMARY KEY", "root": "TEXT", "parent": "TEXT", "name": "TEXT", "kind": "TEXT", "status": "TEXT"},
    **{"started": "REAL", "seconds": "REAL", "first_chunk": "REAL", "chunks": "INTEGER", "pid": "INTEGER"},
    **{"tags": "TEXT", "metadata": "TEXT", "model": "TEXT", "input_tokens": "INTEGER", "output_tokens": "INTEGER"},
    **{"cached_tokens": "INTEGER", "error": "TEXT", "inputs": "TEXT", "outputs": "TEXT", "arguments": "TEXT"},
}
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS runs ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())});"
    "CREATE INDEX IF NOT EXISTS runs_by_root ON runs (root);"
    "CREATE INDEX IF NOT EXISTS runs_by_time ON runs (parent, started);"
)
_JSON = ("tags", "metadata", "inputs", "outputs", "arguments")
_WRITE = f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * len(_COLUMNS))})"
_LISTED = (
    "r.id, r.name, r.status, r.started, r.seconds, r.tags, r.pid, r.error, count(*), sum(s.input_tokens), "
    "sum(s.output_tokens), group_concat(DISTINCT s.model)"
)

_SUMS = ("input_tokens", "output_tokens", "models")


class RunFile:
    """The runs in a file. Threads and processes may write it at once.

    Args:
        path: the file; it is made where it does not exist.

    Raises:
        ConfigError: it cannot be opened, or holds something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file = SQLiteFile(path, _TABLES)

    def write(self, runs: Iterable[Mapping[str, Any]]) -> None:
        """Write runs, all or none; one that is there already is replaced."""
        self._file.write(_WRITE, [tuple(run.get(name) for name in _COLUMNS) for run in runs])

    def prune(self, keep: int) -> None:
        """Delete the oldest trees of runs, so that ``keep`` are left."""
        old = "SELECT id FROM runs WHERE parent IS NULL ORDER BY started DESC LIMIT -1 OFFSET ?"
        self._file.write(f"DELETE FROM runs WHERE root IN ({old})", [(keep,)])

    def list_roots(
        self,
        *,
        text: str = "",
        name: str = "",
        tag: str = "",
        status: str = "",
        model: str = "",
        since: float = 0.0,
        limit: int = 100,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """The outermost runs, the newest first.

        Args:
            text: letters in an input, an output or an error of any run of the tree.
            name, model: letters in the name, or in the name of a model of the tree.
            tag, status: a whole tag; ``ok``, ``error``, ``cancelled`` or ``running``.
            since: seconds since 1970: runs that started later.
            limit, offset: how many, and how many newer ones to leave out.
        """
        inside = "EXISTS (SELECT 1 FROM runs t WHERE t.root = r.id AND {})"
        filters: Sequence[tuple[str, str, tuple[Any, ...]]] = (
            (name, "instr(lower(r.name), lower(?))", (name,)),
            (tag, "EXISTS (SELECT 1 FROM json_each(r.tags) j WHERE j.value = ?)", (tag,)),
            (status, "r.status = ?", (status,)),
            (model, inside.format("instr(lower(t.model), lower(?))"), (model,)),
            (
                text,
                inside.format("instr(lower(ifnull(t.inputs,'') || ifnull(t.outputs,'') || ifnull(t.error,'')), ?)"),
                (json.dumps(text.lower(), ensure_ascii=False)[1:-1],),
            ),
        )
        asked = [(clause, values) for given, clause, values in filters if given]
        where = " AND ".join(["r.parent IS NULL", "r.started >= ?", *(clause for clause, _ in asked)])
        query = (
            f"SELECT {_LISTED} FROM (SELECT * FROM runs r WHERE {where} ORDER BY r.started DESC LIMIT ? OFFSET ?) r "
            "JOIN runs s ON s.root = r.id GROUP BY r.id ORDER BY r.started DESC"
        )
        values = [since, *(value for _, each in asked for value in each), limit, offset]
        names = [
            "id",
            "name",
            "status",
            "started",
            "seconds",
            "tags",
            "pid",
            "error",
            "runs",
            "input_tokens",
            "output_tokens",
            "models",
        ]
        return [_readable(dict(zip(names, row, strict=True))) for row in self._file.read(query, *values)]

    def read_tree(self, root: str) -> list[dict[str, Any]]:
        """All runs of a tree, in the order in which they started."""
        rows = self._file.read("SELECT * FROM runs WHERE root = ? ORDER BY started, rowid", root)
        return [_readable(dict(zip(_COLUMNS, row, strict=True))) for row in rows]

    def read_run(self, id: str) -> dict[str, Any] | None:
        """One run; ``None`` where there is none of this id."""
        rows = self._file.read("SELECT * FROM runs WHERE id = ?", id)
        return _readable(dict(zip(_COLUMNS, rows[0], strict=True))) if rows else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _readable(run: dict[str, Any]) -> dict[str, Any]:
    """A row with its JSON read; a run whose process has ended before it is ``lost``."""
    for name in _JSON:
        if run.get(name) is not None:
            run[name] = json.loads(run[name])
    if run["status"] == "running" and not _is_alive(run["pid"]):
        run["status"] = "lost"
    return run


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # a signal would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
