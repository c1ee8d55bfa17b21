"""The live views that ``Runnable``'s verbs give: what to show, and what makes it of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from prill.callbacks.run import Observer
from prill.io.colour import Put
from prill.runnables.parts import part
from prill.tracers.events import event_view
from prill.tracers.log_stream import LogView, log_selection
from prill.tracers.select import Selection

part("views.selection")(Selection)
part("views.log_selection")(log_selection)


@part("views.events")
def events(version: str, selection: Selection, given: Any) -> Callable[[Put], Observer]:
    """A view as ``astream_events`` gives it, of a run that was ``given`` its input."""
    make = event_view(version)
    return lambda put: make(put, selection, given)


@part("views.log")
def log(selection: Selection, diff: bool, streamed_list: bool) -> Callable[[Put], Observer]:
    """A view as ``astream_log`` gives it."""
    return partial(LogView, selection=selection, diff=diff, streamed_list=streamed_list)
