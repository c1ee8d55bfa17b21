"""``langchain_core.utils._merge`` and ``utils.uuid``: merging of pieces, and ids that sort by time."""

from __future__ import annotations

import os
import time
from typing import Any
from uuid import UUID

from prill.transducers.merge import merge_dicts

__all__ = ["merge_dicts", "merge_lists", "merge_obj", "uuid7"]


def merge_lists(left: list[Any] | None, *others: list[Any] | None) -> list[Any] | None:
    """A list lengthened by others; ``None`` where there are none."""
    given = [each for each in (left, *others) if each is not None]
    if not given:
        return None
    merged: list[Any] = merge_dicts(*({"all": each} for each in given))["all"]
    return merged


def merge_obj(left: Any, right: Any) -> Any:
    """Two values of one kind as one."""
    if left is None or right is None:
        return right if left is None else left
    if type(left) is not type(right):
        raise TypeError(f"cannot merge {type(left).__name__} and {type(right).__name__}: they are of different kinds")
    if isinstance(left, str | dict | list):
        return merge_dicts({"value": left}, {"value": right})["value"]
    if left == right:
        return left
    raise ValueError(f"cannot merge {left!r:.80} and {right!r:.80}")


def uuid7(nanoseconds: int | None = None) -> UUID:
    """An id whose first 48 bits are the time in milliseconds: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7."""
    now = time.time_ns() if nanoseconds is None else nanoseconds
    number = (now // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 7 << 76
    return UUID(int=number & ~(0b11 << 62) | 0b10 << 62)
