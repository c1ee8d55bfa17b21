"""What a Runnable reports about itself: the Runnables that it is made of, and how it streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple


class Part(NamedTuple):
    """A Runnable inside another one.

    ``label`` is its place there, as reports and error paths show it; ``condition`` says when it runs, as graphs show
    it: ``None`` for always.
    """

    step: Any
    label: str = ""
    condition: str | None = None


class Structure(NamedTuple):
    """How a Runnable is made of ``parts``.

    - ``step``: it works by itself.
    - ``wrapper``: it has the input, the output and the streaming of its only part.
    - ``sequence``: each part is given the output of the one before.
    - ``parallel``: all parts are given the input; with ``keeps_input`` the input is part of the output.
    - ``choice``: one of the parts is run, chosen by the whole input.
    """

    kind: Literal["step", "wrapper", "sequence", "parallel", "choice"] = "step"
    parts: Sequence[Part] = ()
    keeps_input: bool = False


class Streaming(NamedTuple):
    """How a step treats an input that arrives in chunks.

    ``verdict`` is ``streams`` if it works on the chunks as they arrive, ``buffers`` if it waits for the whole input.
    ``chunks`` says whether its output comes in chunks even if its input does not; ``why`` and ``advice`` are sentences.
    """

    verdict: Literal["streams", "buffers", "unknown"]
    chunks: bool
    why: str
    advice: str = ""
