"""What a test of a chain needs: a server that speaks like a provider, fails on demand, and sees what clients do.

Names are loaded when they are first used, so importing this package needs none of its optional packages.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runlet.testing.check import check_runnable
    from runlet.testing.faults import Faults
    from runlet.testing.recordings import Recording, list_recordings, load_recording, recordings_folder
    from runlet.testing.replay_server import ReplayServer
    from runlet.testing.replies import Reply
    from runlet.testing.seen_request import SeenRequest

__all__ = [
    "Faults",
    "Recording",
    "ReplayServer",
    "Reply",
    "SeenRequest",
    "check_runnable",
    "list_recordings",
    "load_recording",
    "recordings_folder",
]

_HOMES = {
    "Faults": "faults",
    "Recording": "recordings",
    "ReplayServer": "replay_server",
    "Reply": "replies",
    "SeenRequest": "seen_request",
    "check_runnable": "check",
    "list_recordings": "recordings",
    "load_recording": "recordings",
    "recordings_folder": "recordings",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
