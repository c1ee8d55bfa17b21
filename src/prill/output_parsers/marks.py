"""Marks on fields: when a value that streams in may be shown.

``Annotated[str, CompleteOnly]``, ``Annotated[str, RequiredFirst]``; instances do the same.
"""

from __future__ import annotations

from typing import Any


class CompleteOnly:
    """The field is shown once it is whole: no half number, no half text, no half list."""


class RequiredFirst:
    """The object around the field is shown once this field is whole, not before."""


def has_mark(marks: Any, kind: type) -> bool:
    """Return whether one of ``marks`` is ``kind``, or an instance of it."""
    return any(mark is kind or isinstance(mark, kind) for mark in marks)
