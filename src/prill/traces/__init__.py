"""Recorded runs: a SQLite file that they are written to, and the page that shows it.

- ``recorder`` observes runs, ``snapshot`` makes JSON of their values, and ``writer`` writes them in a thread.
- ``file`` has the table and reads it; ``comparing`` and ``replaying`` are what the page offers to do with runs.
- ``app`` and the folder ``page``: the page of ``prill traces``.

Importing this package loads neither SQLite nor a web framework until a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.traces.file import TraceFile as TraceFile
    from prill.traces.recorder import RunRecorder as RunRecorder, record as record
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(__name__, {"file": "TraceFile", "recorder": "RunRecorder record"})
