"""Runs in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from itertools import islice

from prill.errors import RunExistsError
from prill.io.event_loop import Signal
from prill.serve.stores.base import Page, RunState, StoredRun

_EXPIRED_KEPT = 10_000


class _Kept:
    """A run with its frames; the oldest go where it has more than its bounds."""

    def __init__(self, run: StoredRun, lease_until: float) -> None:
        self.run = run
        self.frames: deque[bytes] = deque()
        self.kept_from = 1
        self.size = 0
        self.ended_at: float | None = None
        self.lease_until = lease_until
        self.stopping = False
        self.changed: list[Signal[None]] = []

    @property
    def last(self) -> int:
        return self.kept_from + len(self.frames) - 1

    def state(self, now: float) -> RunState:
        if self.ended_at is not None:
            return "ended"
        return "running" if now < self.lease_until else "lost"

    def notify(self) -> None:
        changed, self.changed = self.changed, []
        for each in changed:
            each.set(None)


class MemoryStore:
    """Keeps runs in memory: for one process, on one event loop.

    Args:
        max_frames: frames of one run that are kept; older ones are dropped, and a reader that needs them is told.
        max_bytes: bytes of one run's frames.
        max_total_bytes: bytes of all runs; where there are more, those that have ended go, the oldest first.
        max_runs: runs that are kept; the oldest of those that have ended go first.
        keep: seconds for which a run is kept after its end.
    """

    shared = False

    def __init__(
        self,
        *,
        max_frames: int = 20_000,
        max_bytes: int = 16 * 1024 * 1024,
        max_total_bytes: int = 256 * 1024 * 1024,
        max_runs: int = 10_000,
        keep: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._max_runs = max_runs
        self._total = 0
        self._keep = keep
        self._clock = clock
        self._runs: OrderedDict[str, _Kept] = OrderedDict()
        self._topics: dict[str, str] = {}
        self._expired: OrderedDict[str, StoredRun] = OrderedDict()

    async def create(self, run: StoredRun, lease: float) -> None:
        self._forget_old(room=1)
        if run.run_id in self._runs or run.run_id in self._expired:
            raise RunExistsError(f"there is a run {run.run_id} already")
        self._runs[run.run_id] = _Kept(run, self._clock() + lease)
        if run.topic:
            self._topics[run.topic] = run.run_id

    async def append(
        self, run_id: str, owner: str, first: int, frames: Sequence[bytes], *, ended: bool = False
    ) -> None:
        kept = self._of_owner(run_id, owner)
        if kept.ended_at is not None or first != kept.last + 1:
            raise RunExistsError(f"run {run_id} has ended, or has another producer")
        kept.frames.extend(frames)
        self._grow(kept, sum(map(len, frames)))
        while len(kept.frames) > self._max_frames or (kept.size > self._max_bytes and len(kept.frames) > 1):
            self._drop_first(kept)
        if ended:
            kept.ended_at = self._clock()
        if self._total > self._max_total_bytes:
            self._make_room(kept)
        kept.notify()

    async def renew(self, run_id: str, owner: str, lease: float) -> bool:
        kept = self._of_owner(run_id, owner)
        kept.lease_until = self._clock() + lease
        return kept.stopping

    async def find(self, run_id: str) -> StoredRun | None:
        self._forget_old()
        kept = self._runs.get(run_id)
        return kept.run if kept is not None else None

    async def find_topic(self, topic: str) -> StoredRun | None:
        return await self.find(self._topics.get(topic, ""))

    async def find_expired(self, run_id: str) -> StoredRun | None:
        self._forget_old()
        return self._expired.get(run_id)

    async def read(self, run_id: str, after: int, limit: int = 256) -> Page | None:
        kept = self._runs.get(run_id)
        if kept is None:
            return None
        first = max(after + 1, kept.kept_from)
        start = first - kept.kept_from
        frames = list(islice(kept.frames, start, start + limit))
        return Page(frames, first, kept.last, kept.kept_from, kept.state(self._clock()))

    async def wait(self, run_id: str, after: int, seconds: float) -> None:
        kept = self._runs.get(run_id)
        if kept is None or kept.last > after or kept.state(self._clock()) != "running":
            return
        await _wait_change(kept, min(seconds, max(kept.lease_until - self._clock(), 0.0) + 0.001))

    async def stop(self, run_id: str) -> bool:
        kept = self._runs.get(run_id)
        if kept is None or kept.state(self._clock()) != "running":
            return False
        kept.stopping = True
        kept.notify()
        return True

    async def wait_stop(self, run_id: str, seconds: float) -> bool:
        ends = self._clock() + seconds
        while (kept := self._runs.get(run_id)) is not None and not kept.stopping:
            left = ends - self._clock()
            if left <= 0 or kept.ended_at is not None:
                return False
            await _wait_change(kept, left)
        return kept is not None and kept.stopping

    async def aclose(self) -> None:
        for kept in self._runs.values():
            kept.notify()
        self._runs.clear()

    def _grow(self, kept: _Kept, size: int) -> None:
        kept.size += size
        self._total += size

    def _drop_first(self, kept: _Kept) -> None:
        self._grow(kept, -len(kept.frames.popleft()))
        kept.kept_from += 1

    def _make_room(self, kept: _Kept) -> None:
        """Keep all runs within their bytes: forget ended runs, then the oldest frames of this one."""
        for run_id, other in list(self._runs.items()):
            if self._total > self._max_total_bytes and other is not kept and other.ended_at is not None:
                self._forget(run_id)
        while self._total > self._max_total_bytes and len(kept.frames) > 1:
            self._drop_first(kept)

    def _forget(self, run_id: str) -> None:
        kept = self._runs.pop(run_id)
        self._total -= kept.size
        if kept.run.topic and self._topics.get(kept.run.topic) == run_id:
            del self._topics[kept.run.topic]
        self._expired[run_id] = kept.run
        if len(self._expired) > _EXPIRED_KEPT:
            self._expired.popitem(last=False)

    def _of_owner(self, run_id: str, owner: str) -> _Kept:
        kept = self._runs.get(run_id)
        if kept is None or kept.run.owner != owner:
            raise RunExistsError(f"run {run_id} has another producer, or is no longer kept")
        return kept

    def _forget_old(self, *, room: int = 0) -> None:
        now = self._clock()
        over = len(self._runs) + room - self._max_runs
        for run_id, kept in list(self._runs.items()):
            state = kept.state(now)
            old = kept.ended_at is not None and kept.ended_at + self._keep <= now
            lost = state == "lost" and kept.lease_until + self._keep <= now
            if not (old or lost or (over > 0 and state != "running")):
                continue
            over -= 1
            self._forget(run_id)


async def _wait_change(kept: _Kept, seconds: float) -> None:
    change: Signal[None] = Signal()
    kept.changed.append(change)
    try:
        await change.wait(seconds)
    except TimeoutError:
        return
    finally:
        if change in kept.changed:
            kept.changed.remove(change)
