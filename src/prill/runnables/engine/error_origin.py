"""Where in a chain of generators an error came from: it passes through the later ones on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any


def frame_of(stream: Any) -> FrameType | None:
    """The frame in which a stream's generator runs; ``None`` for what is no generator."""
    return getattr(stream, "ag_frame", None)


def came_from(stream: Any, frame: FrameType | None, error: BaseException) -> bool:
    """Whether the error came from a stream that was given; ``frame`` is its ``frame_of`` before it began.

    Several readers of one stream raise the same error, and the traceback is that of the last: they know it themselves.
    """
    if frame is not None and first_passed(error, [frame]) is not None:
        return True
    return getattr(stream, "error", None) is error


def first_passed(error: BaseException, frames: Sequence[FrameType | None]) -> int | None:
    """The index of the first of ``frames`` that the error passed through, ``None`` if it was none of them."""
    passed = set()
    traceback = error.__traceback__
    while traceback is not None:
        passed.add(traceback.tb_frame)
        traceback = traceback.tb_next
    return next((index for index, frame in enumerate(frames) if frame in passed), None)
