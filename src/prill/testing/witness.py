"""An observer that records its calls and checks their order."""

from __future__ import annotations

from typing import Any

from prill.callbacks.run import Observer, Run

_ENDS = ("end", "error", "cancel")


class Witness(Observer):
    """Remembers ``(what, run, value)`` for each call, in order: start, chunk, end, error, cancel, custom."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Run, Any]] = []

    def on_start(self, run: Run, input: Any) -> None:
        self.seen.append(("start", run, input))

    def on_chunk(self, run: Run, chunk: Any) -> None:
        self.seen.append(("chunk", run, chunk))

    def on_end(self, run: Run, output: Any) -> None:
        self.seen.append(("end", run, output))

    def on_error(self, run: Run, error: BaseException) -> None:
        self.seen.append(("error", run, error))

    def on_cancel(self, run: Run, partial: Any) -> None:
        self.seen.append(("cancel", run, partial))

    def on_custom(self, run: Run, name: str, data: Any) -> None:
        self.seen.append(("custom", run, (name, data)))

    def of(self, what: str) -> list[tuple[Run, Any]]:
        """The runs and values of one kind of call."""
        return [(run, value) for kind, run, value in self.seen if kind == what]

    def runs(self) -> list[Run]:
        """The runs, in the order in which they started."""
        return [run for run, _ in self.of("start")]

    def complaints(self) -> list[str]:
        """What is not in order: each run starts once, then ends once, within its parent."""
        found: list[str] = []
        open_runs: dict[Any, Run] = {}
        known: set[Any] = set()
        for what, run, _ in self.seen:
            if what == "start":
                if run.id in known:
                    found.append(f"{run.name} started twice")
                if run.parent is not None and run.parent.id not in open_runs:
                    found.append(f"{run.name} started outside of its parent")
                known.add(run.id)
                open_runs[run.id] = run
            elif run.id not in open_runs:
                found.append(f"{run.name} had its {what} while it was not running")
            elif what in _ENDS:
                del open_runs[run.id]
                found += [f"{child.name} outlived {run.name}" for child in open_runs.values() if child.parent is run]
        return found + [f"{run.name} never ended" for run in open_runs.values()]
