"""What a test of a chain needs: a server that speaks like a provider, fails on demand, and sees what clients do.

Names are loaded when they are first used, so importing this package needs none of its optional packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.testing.check import check_runnable as check_runnable
    from prill.testing.faults import Faults as Faults
    from prill.testing.recording import Recording as Recording
    from prill.testing.replay_server import ReplayServer as ReplayServer
    from prill.testing.replies import Reply as Reply
    from prill.testing.seen_request import SeenRequest as SeenRequest
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "check": "check_runnable",
            "faults": "Faults",
            "recording": "Recording",
            "replay_server": "ReplayServer",
            "replies": "Reply",
            "seen_request": "SeenRequest",
        },
    )
