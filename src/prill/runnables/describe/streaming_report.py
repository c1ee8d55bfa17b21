"""What streams in a chain, what waits, and why."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableBinding
from prill.runnables.branch import RunnableBranch
from prill.runnables.configurable import DynamicRunnable
from prill.runnables.describe.children import children_of
from prill.runnables.describe.types import inner_of
from prill.runnables.each import RunnableEach
from prill.runnables.fallbacks import RunnableWithFallbacks
from prill.runnables.function import RunnableLambda
from prill.runnables.generator import RunnableGenerator
from prill.runnables.history import RunnableWithMessageHistory
from prill.runnables.parallel import RunnableParallel
from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from prill.runnables.router import RouterRunnable
from prill.runnables.sequence import RunnableSequence

Verdict = Literal["streams", "buffers", "unknown"]


class Habit(NamedTuple):
    """How a step treats what comes to it in pieces, and whether what it puts out comes in pieces."""

    verdict: Verdict
    pieces: bool
    why: str
    advice: str = ""


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
        lines = [head, *(self._cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        made = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        made.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*made, "", self.summary])

    __repr__ = __str__

    def _cells(self, row: Row) -> tuple[str, ...]:
        output = "pieces" if row.pieces else "whole"
        return (row.step, row.verdict, output, row.why, row.advice)

    def __rich__(self) -> Any:
        from rich.console import Group  # noqa: PLC0415 - rich is there: it is calling
        from rich.table import Table  # noqa: PLC0415 - rich is there: it is calling
        from rich.text import Text  # noqa: PLC0415 - rich is there: it is calling

        table = Table("step", "input", "output", "why", "what to do")
        for row in self.rows:
            cells = [Text(cell) for cell in self._cells(row)]
            cells[1].stylize("red" if row.holds_back else "yellow" if row.verdict != "streams" else "green")
            table.add_row(*cells)
        return Group(table, Text(self.summary))


def explain(step: Runnable[Any, Any]) -> StreamingReport:
    """Look at ``step`` and all within it."""
    rows: list[Row] = []
    _look(step, (), False, rows)
    return StreamingReport(rows)


def _look(step: Runnable[Any, Any], path: tuple[str, ...], flowing: bool, rows: list[Row]) -> bool:
    """Add the rows of ``step``, to which pieces come if ``flowing``; says whether pieces leave it."""
    inner = _same_as(step)
    if inner is not None:
        return _look(inner, path, flowing, rows)
    if isinstance(step, RunnableSequence):
        for number, each in enumerate(step.steps, 1):
            flowing = _look(each, (*path, f"step {number} ({each.get_name()})"), flowing, rows)
        return flowing
    if isinstance(step, RunnableParallel | RunnableAssign):
        branches = step.steps__ if isinstance(step, RunnableParallel) else step.mapper.steps__
        went = [_look(each, (*path, f"{key!r} ({each.get_name()})"), flowing, rows) for key, each in branches.items()]
        return any(went) or (flowing and isinstance(step, RunnableAssign))
    habit = habit_of(step)
    path = path or (step.get_name(),)
    holds = flowing and habit.verdict == "buffers" and not habit.pieces
    at = len(rows)
    pieces = habit.pieces or (flowing and habit.verdict == "streams")
    rows.append(Row(path, habit.verdict, pieces, habit.why, habit.advice, holds))
    went = [_look(each, (*path, label), False, rows) for label, each in _chosen(step)]
    if went:
        rows[at] = rows[at]._replace(pieces=any(went), holds_back=flowing and not any(went))
        return any(went)
    return pieces


def _same_as(step: Runnable[Any, Any]) -> Runnable[Any, Any] | None:
    """What a step that adds nothing to it streams as: of a binding, retry, timeout, configurable."""
    if isinstance(step, RunnableBinding | DynamicRunnable):
        return inner_of(step)
    return None if isinstance(step, RunnableWithFallbacks) else inner_of(step)


def _chosen(step: Runnable[Any, Any]) -> Iterator[tuple[str, Runnable[Any, Any]]]:
    """The steps of which one is run on the whole input."""
    if isinstance(step, RunnableBranch):
        for number, (_, each) in enumerate(step.branches, 1):
            yield f"branch {number} ({each.get_name()})", each
        yield f"default ({step.default.get_name()})", step.default
    elif isinstance(step, RouterRunnable):
        yield from ((f"{key!r} ({each.get_name()})", each) for key, each in step.runnables.items())
    elif isinstance(step, RunnableWithFallbacks):
        yield from ((f"{at} ({each.get_name()})", each) for at, each in enumerate(step.runnables, 1))
    elif isinstance(step, RunnableWithMessageHistory):
        yield step.runnable.get_name(), step.runnable


def habit_of(step: Runnable[Any, Any]) -> Habit:
    """How a single step streams; a class says it itself with a method ``_habit`` that returns a ``Habit``."""
    own = getattr(step, "_habit", None)
    if own is not None:
        found: Habit = own()
        return found
    if step._overrides:
        return _habit_of_verbs(step)
    if isinstance(step, RunnableLambda):
        return _habit_of_function(step)
    return _habit_of_kind(step) or _habit_of_body(step)


def _habit_of_verbs(step: Runnable[Any, Any]) -> Habit:
    verbs = step._overrides
    if verbs & {"transform", "atransform"}:
        return Habit("streams", True, "it has a transform of its own, which is given the pieces")
    if verbs & {"stream", "astream"}:
        return Habit("buffers", True, "its stream is given the whole input", "define transform to work on pieces")
    return Habit("buffers", False, "it has invoke alone, which needs the whole input", "define transform, or stream")


def _habit_of_function(step: RunnableLambda[Any, Any]) -> Habit:
    if step._yields:
        return Habit("buffers", True, "the function is given the whole input; it yields its output in pieces")
    if isinstance(step.func, operator.itemgetter):
        advice = "use RunnablePick or .pick(…), which pass pieces on"
        return Habit("buffers", False, "itemgetter is a plain function, which is given the whole input", advice)
    if children_of(step):
        return Habit("buffers", True, "a function is given the whole input; a Runnable that it returns is streamed")
    return Habit(
        "buffers",
        False,
        "a plain function is given the whole input, and returns the whole output",
        "make it a generator: def f(chunks): for chunk in chunks: yield …",
    )


def _habit_of_kind(step: Any) -> Habit | None:
    kind = step._kind
    if kind == "prompt":
        return Habit("buffers", False, "a prompt needs all of its variables", "put nothing that streams before it")
    if kind in ("chat_model", "llm"):
        return _habit_of_model(step)
    if kind == "retriever":
        return Habit("buffers", False, "a retriever needs its whole query, and gives its documents at once")
    if kind == "tool":
        return Habit("buffers", False, "a tool needs all of its arguments")
    return None


def _habit_of_model(step: Any) -> Habit:
    disabled = getattr(step, "disable_streaming", False)
    if disabled is True:
        return Habit("buffers", False, "disable_streaming is on", "leave disable_streaming out")
    bodies = ("_chunks", "_stream", "_astream")
    if not any(getattr(type(step), name, None) is not None and _rewritten(type(step), name) for name in bodies):
        return Habit(
            "buffers", False, "the model has no _stream: it answers in one piece", "define _stream in its class"
        )
    why = "a model needs its whole prompt; it streams its answer"
    return Habit("buffers", True, why + (", unless tools are bound" if disabled == "tool_calling" else ""))


_BASES = ("BaseChatModel", "BaseLLM", "LLM", "SimpleChatModel")


def _rewritten(cls: type, name: str) -> bool:
    definer = next((kind for kind in cls.__mro__ if name in kind.__dict__), cls)
    return definer.__name__ not in _BASES


def _habit_of_body(step: Runnable[Any, Any]) -> Habit:
    if isinstance(step, RunnablePassthrough | RunnablePick):
        return Habit("streams", False, "it hands each piece on as it comes")
    if isinstance(step, RunnableGenerator):
        return Habit("streams", True, "a generator is given the pieces, and yields its own")
    if isinstance(step, RunnableBranch | RouterRunnable):
        return Habit("buffers", False, "the choice is made by the whole input; what is chosen streams as it does")
    if isinstance(step, RunnableWithFallbacks):
        return Habit("buffers", False, "the whole input is kept for the next try; the one that answers streams")
    if isinstance(step, RunnableEach):
        return Habit("buffers", False, "it runs on each item of the whole list, and gives all outputs at once")
    if isinstance(step, RunnableWithMessageHistory):
        return Habit(
            "buffers", False, "the whole input is put together with the history; what is within streams as it does"
        )
    if type(step)._flow is not Runnable._flow:
        return Habit("streams", False, "it works on the pieces as they come")
    if step._kind == "parser":
        advice = "derive it from BaseTransformOutputParser or BaseCumulativeTransformOutputParser"
        return Habit("buffers", False, "the parser's parse needs the whole text", advice)
    return Habit("unknown", False, "its class does not say")
