"""The limits and times of a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prill.errors import ConfigError

Shown = Literal["output", "steps"]
"""What streams of events and logs hold: the outermost run alone, or all its steps with their inputs and outputs."""

OnDisconnect = Literal["cancel", "continue"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits and times of a server; times are in seconds.

    Args:
        max_body: bytes of a request's body.
        max_batch: inputs of a ``/batch``.
        max_concurrency: runs of one batch at the same time; a request may ask for fewer.
        first_chunk_wait: how long the status waits for the first chunk. A failure before it has a status of its own.
        keep_alive: after how much silence a comment is sent, so that proxies keep the connection.
        send_timeout: how long a client may not read before it is dropped.
        grace: how long open streams may go on when the process is asked to end.
        show_errors: send the texts of exceptions; for development only, since they may hold secrets.
        concurrent_runs: runs at the same time for each principal; ``None`` means no limit.
        runs_per_minute: runs started in a minute for each principal; ``None`` means no limit.
        waiting_runs: requests of a principal that may wait for a place.
        wait_for_place: how long each of them waits before it is refused.
        lease: after how much silence of its producer a stored run counts as lost.
    """

    max_body: int = 4 * 1024 * 1024
    max_batch: int = 1000
    max_concurrency: int = 16
    first_chunk_wait: float = 5.0
    keep_alive: float = 15.0
    send_timeout: float = 30.0
    grace: float = 10.0
    show_errors: bool = False
    concurrent_runs: int | None = None
    runs_per_minute: int | None = None
    waiting_runs: int = 0
    wait_for_place: float = 10.0
    lease: float = 10.0

    def __post_init__(self) -> None:
        for name in ("max_body", "max_batch", "max_concurrency", "keep_alive", "send_timeout", "lease"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be more than 0, not {getattr(self, name)!r}")
