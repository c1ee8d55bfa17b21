"""Where in a chain of generators an error came from: on its way out it passes through the later ones."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any

from prill.runnables.engine.streams import Stream


def passed_through(stream: Stream[Any], frame: FrameType | None, error: BaseException) -> bool:
    """Whether the error came out of ``stream``; ``frame`` is its ``get_frame`` before it started.

    All readers of a shared stream raise the same error, and its traceback is that of the last. They have it as
    ``error``.
    """
    if frame is not None and frame in _frames_passed(error):
        return True
    return getattr(stream.source, "error", None) is error


def find_step(error: BaseException, frames: Sequence[FrameType | None]) -> int:
    """The index of the first of ``frames`` that the error passed through; the last index if it passed through none."""
    passed = _frames_passed(error)
    return next((index for index, frame in enumerate(frames) if frame in passed), len(frames) - 1)


def _frames_passed(error: BaseException) -> set[FrameType]:
    frames = set()
    traceback = error.__traceback__
    while traceback is not None:
        frames.add(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames
