"""What a test of a chain needs: a server that speaks like a provider, fails on demand, and sees what clients do.

Names are loaded when they are first used, so importing this package needs none of its optional packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.testing.check import check_runnable
    from prill.testing.faults import Faults
    from prill.testing.recordings import Recording, list_recordings, load_recording, recordings_folder
    from prill.testing.replay_server import ReplayServer
    from prill.testing.replies import Reply
    from prill.testing.seen_request import SeenRequest

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
    "Faults": "prill.testing.faults",
    "Recording": "prill.testing.recordings",
    "ReplayServer": "prill.testing.replay_server",
    "Reply": "prill.testing.replies",
    "SeenRequest": "prill.testing.seen_request",
    "check_runnable": "prill.testing.check",
    "list_recordings": "prill.testing.recordings",
    "load_recording": "prill.testing.recordings",
    "recordings_folder": "prill.testing.recordings",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
