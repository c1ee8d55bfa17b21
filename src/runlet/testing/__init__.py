"""What a test of a chain needs: a server that speaks like a provider, fails on demand, and sees what clients do.

Names are loaded when they are first used, so importing this package needs none of its optional packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

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
    "Faults": "runlet.testing.faults",
    "Recording": "runlet.testing.recordings",
    "ReplayServer": "runlet.testing.replay_server",
    "Reply": "runlet.testing.replies",
    "SeenRequest": "runlet.testing.seen_request",
    "check_runnable": "runlet.testing.check",
    "list_recordings": "runlet.testing.recordings",
    "load_recording": "runlet.testing.recordings",
    "recordings_folder": "runlet.testing.recordings",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
