"""Plays an answer into a connection, on time and with its faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from prill.testing.faults import Faults, edit_events
from prill.testing.http_thread import Exchange
from prill.testing.seen_request import SeenRequest


@dataclass(frozen=True)
class Answer:
    """An answer ready to be sent: ``events`` joined are its body, ``batch`` of them go into one write."""

    status: int
    headers: Mapping[str, str]
    events: Sequence[bytes]
    streaming: bool
    faults: Faults
    error_event: bytes = b""
    keepalive: bytes = b""
    garbage: bytes = b""
    batch: int = 1


class _Cut(Exception):
    """The fault's point is reached: break the connection here."""


class Playback:
    """One answer on its way."""

    def __init__(self, answer: Answer, exchange: Exchange, seen: SeenRequest) -> None:
        self._answer = answer
        self._faults = answer.faults
        self._exchange = exchange
        self._seen = seen
        self._due = 0.0

    async def run(self) -> None:
        """Send it all; raises ``ConnectionLost`` when the client leaves before the end."""
        faults, answer = self._faults, self._answer
        if faults.first_delay:
            await self._exchange.pause(faults.first_delay)
        events = edit_events(list(answer.events), faults, answer.error_event, answer.garbage)
        self._seen.status = answer.status
        await self._exchange.start(answer.status, _headers(answer, sum(map(len, events))))
        try:
            await self._body(events[: faults.cut_after_events])
        except _Cut:
            await self._exchange.cut(reset=faults.reset)

    async def _body(self, events: list[bytes]) -> None:
        faults = self._faults
        cuts = faults.cut_after_events is not None
        stall_at = faults.stall_at if faults.stall_at is not None else len(events) + 1
        if faults.first_event_delay:
            await self._exchange.pause(faults.first_event_delay)
        await self._play(events[:stall_at], ends=len(events) < stall_at and not cuts)
        if stall_at <= len(events):
            await self._stall()
            await self._play(events[stall_at:], ends=not cuts)
        if cuts:
            raise _Cut

    async def _play(self, events: list[bytes], *, ends: bool) -> None:
        """Send ``events``, and the end of the body together with the last of them.

        Both in one write, so that a client which leaves after the last event cannot be taken for one which left early.
        """
        left = len(events)
        for data in _batches(events, self._answer.batch):
            left -= self._answer.batch
            await self._wait_turn()
            await self._send(data, last=ends and left <= 0)
        if ends and not events:
            await self._exchange.write(b"", last=True)

    async def _wait_turn(self) -> None:
        """Keep the pace by the clock: a late event does not delay the ones after it."""
        pace = self._faults.pace
        if not pace:
            return
        now = monotonic()
        if self._due > now:
            await self._exchange.pause(self._due - now)
        # A client that read slowly is not sent a burst afterwards.
        self._due = max(self._due, now - pace) + pace

    async def _send(self, data: bytes, *, last: bool) -> None:
        limit = self._faults.cut_after
        room = len(data) if limit is None else limit - self._seen.bytes_sent
        cut = room < len(data) or (last and limit is not None)
        data = data[:room]
        size = self._faults.split or len(data) or 1
        if not data and last and not cut:  # a body of nothing has an end too
            await self._write(data, last=True)
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            await self._write(piece, last=last and not cut and at + size >= len(data))
        if cut:
            raise _Cut

    async def _write(self, data: bytes, *, last: bool = False) -> None:
        await self._exchange.write(data, last=last)
        self._seen.writes += 1
        self._seen.bytes_sent += len(data)

    async def _stall(self) -> None:
        ends = None if self._faults.stall_for is None else monotonic() + self._faults.stall_for
        every = self._faults.keepalive
        while ends is None or (left := ends - monotonic()) > 0:
            if every is None:
                await self._exchange.pause(None if ends is None else left)
            else:
                await self._exchange.pause(every if ends is None else min(every, left))
                await self._write(self._answer.keepalive)


def _batches(events: list[bytes], size: int) -> Iterator[bytes]:
    if size == 1:
        return iter(events)
    return (b"".join(events[at : at + size]) for at in range(0, len(events), size))


def _headers(answer: Answer, size: int) -> list[tuple[bytes, bytes]]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if not answer.streaming:
        headers["content-length"] = str(size)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
