"""When the calls of models in a bulk run are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prill.callbacks.model_calls import Estimate
from prill.io import ExecutionMode
from prill.rate_limiters import Permit


class Limiter:
    """Lets calls of models pass in one worker; this one lets all pass at once."""

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        """Wait until a call may be made."""
        return _FREE

    def note_headers(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the status and headers of an answer."""

    def report(self) -> Any:
        """What the driver has to know since the last report; ``None`` if there is nothing."""
        return None

    def lease(self, given: Any) -> None:
        """Take what the driver gives."""


_FREE = Permit()
