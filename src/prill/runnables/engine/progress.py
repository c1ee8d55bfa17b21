"""A progress bar, in a terminal and in a notebook."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module

from prill.errors import MissingDependencyError

Advance = Callable[[], None]


@contextlib.contextmanager
def show_progress(wanted: bool, total: int | None) -> Iterator[Advance | None]:
    """Show a bar while the ``with`` block runs, and give what moves it on; ``None`` where none is wanted."""
    if not wanted:
        yield None
        return
    try:
        rich = import_module("rich.progress")
    except ImportError as error:
        raise MissingDependencyError("progress=True needs the package rich: pip install 'prill[cli]'") from error
    columns = (
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
