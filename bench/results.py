"""What one run has measured, kept in ``docs/benchmarks.json``: the pages are written from it, in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.measure import Goal, Row

NAME = "benchmarks.json"


@dataclass(frozen=True)
class Results:
    """The rows of each theme, and how and on what they were measured."""

    themes: Mapping[str, Sequence[Row]]
    command: str
    minutes: float
    machine: str
    versions: str

    def save(self, folder: Path) -> None:
        """Write them into ``folder``."""
        (folder / NAME).write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Those that ``save`` has written."""
        told = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return cls(**{**told, "themes": {theme: list(map(_row, rows)) for theme, rows in told["themes"].items()}})


def _row(told: dict[str, Any]) -> Row:
    return Row(**{**told, "ratios": tuple(told["ratios"]), "goal": Goal(**told["goal"])})
