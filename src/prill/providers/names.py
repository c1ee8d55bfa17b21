"""Names that were meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that is most like ``name``; ``None`` if none is as like it as ``likeness`` (1 is the same)."""
    return next(iter(difflib.get_close_matches(str(name), list(known), n=1, cutoff=likeness)), None)
