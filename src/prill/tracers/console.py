"""Runs as a tree in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prill.callbacks.run import MaybeAwaitable, Run
from prill.errors import MissingDependencyError
from prill.tracers.tree import Recorder, TracedRun

_COLOURS = {
    "chat_model": "magenta",
    "llm": "magenta",
    "prompt": "cyan",
    "parser": "blue",
    "tool": "yellow",
    "retriever": "green",
}
_SIGNS = {"ok": "[green]✓[/]", "error": "[bold red]✗[/]", "cancelled": "[yellow]■[/]", "running": "[cyan]…[/]"}
# The line of time is drawn where a terminal has room for it.
_BARS = ((110, 28), (90, 14))
_NUMBERS = 48


class ConsoleCallbackHandler(Recorder):
    """Shows runs as a tree: step, time, time to the first chunk, chunks per second, tokens, errors.

    In a terminal the tree is drawn while the run goes on; elsewhere it is printed when the run has ended. ``console``
    is a ``rich.console.Console``. Needs ``rich``: ``pip install 'prill[cli]'``.
    """

    def __init__(self, console: Any = None, **kwargs: Any) -> None:
        self._rich = load_rich()
        self.console = console if console is not None else self._rich.console.Console(stderr=False)
        self._roots: list[TracedRun] = []
        self._live: Any = None

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if traced.parent_run_id is None:
            self._roots.append(traced)
            if self._live is None and self.console.is_terminal:
                self._live = self._rich.live.Live(
                    console=self.console, get_renderable=self._draw, refresh_per_second=8, transient=True
                )
                self._live.start()
        return None

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if traced.parent_run_id is None:
            self._roots = [root for root in self._roots if root is not traced]
            if not self._roots and self._live is not None:
                self._live.stop()
                self._live = None
            self.console.print(run_table([traced], self.console.width))
        return None

    def _draw(self) -> Any:
        return run_table(list(self._roots), self.console.width)


def run_table(roots: Sequence[TracedRun], width: int) -> Any:
    """The trees of ``roots`` as a ``rich`` renderable, with a time line."""
    rich = load_rich()
    bar = next((cells for least, cells in _BARS if width >= least), 0)
    table = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("step", no_wrap=True, overflow="ellipsis")
    for title in ("time", "first chunk", "chunks/s", "tokens"):
        table.add_column(title, justify="right", no_wrap=True)
    if bar:
        table.add_column("", no_wrap=True, width=bar)
    errors = []
    for root in roots:
        total = root.duration
        for guide, run in _lines(root, "", ""):
            cells = _row(rich, guide, run, max(width - _NUMBERS - bar, 16))
            table.add_row(*cells, *([_bar(rich, run, root.started, total, bar)] if bar else []))
            if run.error is not None and not _reported_by_child(run):
                errors.append(rich.text.Text.assemble((f"✗ {run.name}  ", "bold red"), (run.error, "red")))
    return rich.console.Group(table, *errors)


def _lines(run: TracedRun, guide: str, below: str) -> Iterator[tuple[str, TracedRun]]:
    yield guide, run
    children = list(run.child_runs)
    for child in children:
        last = child is children[-1]
        yield from _lines(child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))


def _reported_by_child(run: TracedRun) -> bool:
    return any(child.error == run.error for child in run.child_runs)


def _row(rich: Any, guide: str, run: TracedRun, room: int) -> list[Any]:
    step = rich.text.Text()
    step.append(guide, style="bright_black")
    step.append_text(rich.text.Text.from_markup(_SIGNS[run.status] + " "))
    step.append(run.name, style=_COLOURS.get(run.kind, "bold" if run.parent_run_id is None else ""))
    step.truncate(room, overflow="ellipsis")
    first = run.time_to_first_chunk if run.streamed else None
    speed = run.chunks_per_second
    return [
        step,
        seconds(run.duration),
        "" if first is None else f"[dim]{seconds(first)}[/]",
        "" if speed is None else f"{speed:,.0f}",
        _tokens(run),
    ]


def _tokens(run: TracedRun) -> str:
    if not run.usage:
        return ""
    return f"{run.usage['input_tokens']:,} [dim]→[/] {run.usage['output_tokens']:,}"


def _bar(rich: Any, run: TracedRun, origin: float, total: float, cells: int) -> Any:
    """When the run was: thin until its first chunk, thick from there on."""
    scale = cells / total if total > 0 else 0.0
    first_cell = min(int((run.started - origin) * scale), cells - 1)
    end = min(max(first_cell + 1, round((run.started - origin + run.duration) * scale)), cells)
    first = run.time_to_first_chunk if run.streamed else None
    waited = end if first is None else max(first_cell, min(end - 1, int((run.started - origin + first) * scale)))
    style = "red" if run.status == "error" else _COLOURS.get(run.kind, "white")
    bar = rich.text.Text(" " * first_cell)
    if first is None:
        bar.append("━" * (end - first_cell), style=style)
    else:
        bar.append("─" * (waited - first_cell), style=f"dim {style}")
        bar.append("━" * (end - waited), style=style)
    return bar


def seconds(time: float) -> str:
    """A time as people write it, in three digits or so: ``640 µs``, ``12.3 ms``, ``4.56 s``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if time >= size:
            value = time / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{time * 1e6:.0f} µs"


def load_rich() -> Any:
    """The modules of ``rich`` that are drawn with."""
    try:
        import rich.console  # noqa: PLC0415 - rich is optional
        import rich.live  # noqa: PLC0415 - as above
        import rich.table  # noqa: PLC0415 - as above
        import rich.text  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingDependencyError("drawing runs in the terminal needs rich: pip install 'prill[cli]'") from error
    return rich
