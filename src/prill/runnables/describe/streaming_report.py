"""What streams in a chain, what waits, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from prill.runnables.base import Runnable
from prill.runnables.structure import Part, Streaming

Verdict = Literal["streams", "buffers", "unknown"]


class Row(NamedTuple):
    """A step: ``verdict`` is ``streams`` if it works on pieces as they come, ``buffers`` if it waits for the whole.

    ``pieces`` says whether its own output comes in pieces, ``holds_back`` whether it makes one value of a stream.
    """

    path: tuple[str, ...]
    verdict: Verdict
    pieces: bool
    why: str
    advice: str
    holds_back: bool = False

    @property
    def step(self) -> str:
        """The path as text."""
        return " > ".join(self.path)


@dataclass
class StreamingReport:
    """What ``explain_streaming`` found, as ``rows`` in the order of the steps. Print it to read it."""

    rows: list[Row] = field(default_factory=list)

    @property
    def first_buffering(self) -> Row | None:
        """The first step that waits for its whole input; ``None`` if all stream."""
        return next((row for row in self.rows if row.verdict == "buffers"), None)

    @property
    def held_back_by(self) -> Row | None:
        """The first step that makes one value of a stream that had come in pieces; ``None`` if nothing does."""
        return next((row for row in self.rows if row.holds_back), None)

    @property
    def summary(self) -> str:
        """The answer in a sentence or two."""
        held, first = self.held_back_by, self.first_buffering
        if held is not None:
            return f"The stream is held back by {held.step}: {held.why}."
        text = "Nothing holds the stream back."
        if first is not None:
            text += f" The first step that buffers is {first.step}: {first.why}."
        return text

    def __str__(self) -> str:
        head = ("step", "input", "output", "why", "what to do")
        lines = [head, *(self._format_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        made = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        made.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*made, "", self.summary])

    __repr__ = __str__

    def _format_cells(self, row: Row) -> tuple[str, ...]:
        output = "pieces" if row.pieces else "whole"
        return (row.step, row.verdict, output, row.why, row.advice)

    def __rich__(self) -> Any:
        from rich.console import Group  # noqa: PLC0415 - rich is there: it is calling
        from rich.table import Table  # noqa: PLC0415 - rich is there: it is calling
        from rich.text import Text  # noqa: PLC0415 - rich is there: it is calling

        table = Table("step", "input", "output", "why", "what to do")
        for row in self.rows:
            cells = [Text(cell) for cell in self._format_cells(row)]
            cells[1].stylize("red" if row.holds_back else "yellow" if row.verdict != "streams" else "green")
            table.add_row(*cells)
        return Group(table, Text(self.summary))


def explain(step: Runnable[Any, Any]) -> StreamingReport:
    """Look at ``step`` and all within it."""
    rows: list[Row] = []
    _add_report_rows(step, (), False, rows)
    return StreamingReport(rows)


def _add_report_rows(step: Runnable[Any, Any], path: tuple[str, ...], flowing: bool, rows: list[Row]) -> bool:
    """Add the rows of ``step``, whose input comes in chunks if ``flowing``; return whether its output does."""
    structure = step._structure()
    if structure.kind == "wrapper":
        return _add_report_rows(structure.parts[0].step, path, flowing, rows)
    if structure.kind == "sequence":
        for part in structure.parts:
            flowing = _add_report_rows(part.step, (*path, _make_step_title(part)), flowing, rows)
        return flowing
    if structure.kind == "parallel":
        went = [_add_report_rows(part.step, (*path, _make_step_title(part)), flowing, rows) for part in structure.parts]
        return any(went) or (flowing and structure.keeps_input)
    found = get_streaming(step)
    path = path or (step.get_name(),)
    holds = flowing and found.verdict == "buffers" and not found.chunks
    at = len(rows)
    pieces = found.chunks or (flowing and found.verdict == "streams")
    rows.append(Row(path, found.verdict, pieces, found.why, found.advice, holds))
    went = [_add_report_rows(part.step, (*path, _make_step_title(part)), False, rows) for part in structure.parts]
    if went:
        rows[at] = rows[at]._replace(pieces=any(went), holds_back=flowing and not any(went))
        return any(went)
    return pieces


def _make_step_title(part: Part) -> str:
    name: str = part.step.get_name()
    return f"{part.label} ({name})" if part.label else name


def get_streaming(step: Runnable[Any, Any]) -> Streaming:
    """How a single step streams: by the verbs that a user's class overrides, or as the class reports."""
    order = type(step).__mro__
    reported = next(index for index, kind in enumerate(order) if "_describe_streaming" in kind.__dict__)
    if any(verb in kind.__dict__ for kind in order[:reported] for verb in step._overrides):
        return _streaming_of_verbs(step._overrides)
    return step._describe_streaming()


def _streaming_of_verbs(verbs: frozenset[str]) -> Streaming:
    if verbs & {"transform", "atransform"}:
        return Streaming("streams", True, "it defines transform, which is given the chunks")
    if verbs & {"stream", "astream"}:
        return Streaming("buffers", True, "its stream is given the whole input", "define transform to work on chunks")
    return Streaming(
        "buffers", False, "it defines only invoke, which needs the whole input", "define transform or stream"
    )


def default_streaming(step: Runnable[Any, Any]) -> Streaming:
    """How a step streams whose class does not report it: by whether it has a body that works on chunks."""
    if type(step)._flow is not Runnable._flow:
        return Streaming("streams", False, "it works on the chunks as they arrive")
    return Streaming("unknown", False, "its class does not say")
