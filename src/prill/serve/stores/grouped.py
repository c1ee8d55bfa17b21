"""What stores in databases share: groups, readers beside the producer, and waiting."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prill.errors import RequestError, RunExistsError
from prill.io.event_loop import DetachedTasks
from prill.io.per_loop import PerLoop
from prill.serve.stores.base import Page, RunState, StoredRun
from prill.serve.stores.changes import Changes
from prill.serve.stores.groups import Append, Groups, Written
from prill.serve.stores.tail import Tail

GROUP_SECONDS = 0.005
"""How long events are collected to be written together, at most."""

REMEMBERED = 24 * 3600.0
"""For how many seconds a store knows that a run has been, after it is no longer kept."""

_STOP = "stop "


@dataclass(frozen=True, slots=True)
class Stored:
    """What a database has of a run.

    Args:
        frames: some of its frames.
        first: the number of the first of them.
        last: the number of the newest.
        kept_from: the number of the oldest.
        ended: whether the run has ended.
        lease_left: for how many seconds more the producer counts as alive.
    """

    frames: Sequence[bytes]
    first: int
    last: int
    kept_from: int
    ended: bool
    lease_left: float

    @property
    def state(self) -> RunState:
        if self.ended:
            return "ended"
        return "running" if self.lease_left > 0 else "lost"

    def has_news(self, after: int) -> bool:
        """Whether a reader that has the frames up to ``after`` has something to read, or nothing to wait for."""
        return self.last > after or self.state != "running"


class OnLoop:
    """The part of a store that belongs to one event loop."""

    def __init__(self, store: GroupedStore) -> None:
        self._store = store
        self.tails: dict[str, Tail] = {}
        self.changes = Changes()
        self.groups = Groups(self._write, GROUP_SECONDS)
        self.tasks = DetachedTasks()
        self.looking = False
        """Whether a task looks for changes that other processes make."""

    async def aclose(self) -> None:
        self.changes.notify_all()
        await self.groups.finish()
        await self.tasks.finish(cancel=True)

    async def _write(self, group: Sequence[Append]) -> Sequence[Written]:
        try:
            results = await self._store._write(group)
        except Exception as error:
            results = [error] * len(group)
        for item, written in zip(group, results, strict=True):
            self._note(item, written)
        return results

    def _note(self, item: Append, written: Written) -> None:
        tail = self.tails.get(item.run_id)
        if tail is None or tail.run.owner != item.owner or isinstance(written, RunExistsError):
            return
        if isinstance(written, Exception) or item.ended:
            del self.tails[item.run_id]  # what readers want now is in the database
            self.changes.notify(_STOP + item.run_id)
        else:
            tail.add(item.frames, written)
        self.changes.notify(item.run_id)

    def note_stop(self, run_id: str) -> None:
        """Let the producer know, if it is here."""
        if (tail := self.tails.get(run_id)) is not None:
            tail.stopping = True
            self.changes.notify(_STOP + run_id)

    @property
    def foreign(self) -> list[str]:
        """The runs that readers wait for, and that are not produced here."""
        return [key for key in self.changes.watched() if not key.startswith(_STOP) and key not in self.tails]


class GroupedStore:
    """The base of stores in databases.

    Frames of all runs are written in groups. Readers on the producer's event loop get them from memory, once they are
    stored; others read the database, and are woken by ``_watch``. Subclasses write the methods below.
    """

    shared = True

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._on_loop: PerLoop[OnLoop] = PerLoop(OnLoop.aclose)

    # The database

    async def _create(self, run: StoredRun, lease: float) -> bool:
        """Add the run; returns whether there was none of this id."""
        raise NotImplementedError

    async def _write(self, group: Sequence[Append]) -> Sequence[Written]:
        """Write a group of appends, each of them wholly or not at all."""
        raise NotImplementedError

    async def _renew(self, run_id: str, owner: str, lease: float) -> bool | None:
        """Renew a lease; returns whether the run is to be stopped, or ``None`` if it is not this owner's."""
        raise NotImplementedError

    async def _find(self, run_id: str) -> tuple[StoredRun, bool] | None:
        """A run, and whether it is still kept."""
        raise NotImplementedError

    async def _find_topic(self, topic: str) -> str | None:
        """The id of the newest run of a topic."""
        raise NotImplementedError

    async def _read(self, run_id: str, after: int, limit: int) -> Stored | None:
        """Frames behind ``after``, or those that are kept of them."""
        raise NotImplementedError

    async def _stop(self, run_id: str) -> bool:
        """Ask for a stop; returns whether the run is going on."""
        raise NotImplementedError

    async def _watch(self, here: OnLoop, run_id: str) -> None:
        """See to it that changes of a run are noticed which another process makes: the run that a reader waits for, or
        a stop, if ``run_id`` is empty.
        """
        raise NotImplementedError

    # The store

    async def _get(self) -> OnLoop:
        return await self._on_loop.get(lambda: OnLoop(self))

    async def create(self, run: StoredRun, lease: float) -> None:
        here = await self._get()
        lease_until = self._clock() + lease
        if not await self._create(run, lease):
            raise RunExistsError(f"there is a run {run.run_id} already")
        here.tails[run.run_id] = Tail(run, lease_until)

    async def append(
        self, run_id: str, owner: str, first: int, frames: Sequence[bytes], *, ended: bool = False
    ) -> None:
        here = await self._get()
        await here.groups.append(Append(run_id, owner, first, frames, ended))

    async def renew(self, run_id: str, owner: str, lease: float) -> bool:
        here = await self._get()
        lease_until = self._clock() + lease
        stopping = await self._renew(run_id, owner, lease)
        if stopping is None:
            raise refuse_producer(run_id)
        if (tail := here.tails.get(run_id)) is not None:
            tail.lease_until = lease_until
        return stopping

    async def find(self, run_id: str) -> StoredRun | None:
        found = await self._find(run_id)
        return found[0] if found is not None and found[1] else None

    async def find_topic(self, topic: str) -> StoredRun | None:
        run_id = await self._find_topic(topic)
        return await self.find(run_id) if run_id is not None else None

    async def find_expired(self, run_id: str) -> StoredRun | None:
        found = await self._find(run_id)
        return found[0] if found is not None and not found[1] else None

    async def read(self, run_id: str, after: int, limit: int = 256) -> Page | None:
        here = await self._get()
        tail = here.tails.get(run_id)
        if tail is not None and after + 1 >= tail.first:
            return tail.read(after, limit, self._clock())
        stored = await self._read(run_id, after, limit)
        if stored is None:
            return None
        return Page(stored.frames, stored.first, stored.last, stored.kept_from, stored.state)

    async def wait(self, run_id: str, after: int, seconds: float) -> None:
        here = await self._get()
        with here.changes.watching(run_id) as change:
            tail = here.tails.get(run_id)
            if tail is not None:
                left = tail.lease_until - self._clock()
                news = tail.last > after or left <= 0
            else:
                await self._watch(here, run_id)
                stored = await self._read(run_id, after, 0)
                news = stored is None or stored.has_news(after)
                left = stored.lease_left if stored is not None else 0.0
            if not news:
                with contextlib.suppress(TimeoutError):
                    await change.wait_alone(min(seconds, left + 0.001))

    async def stop(self, run_id: str) -> bool:
        here = await self._get()
        running = await self._stop(run_id)
        if running:
            here.note_stop(run_id)
        return running

    async def wait_stop(self, run_id: str, seconds: float) -> bool:
        here = await self._get()
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            tail = here.tails.get(run_id)
            if tail is not None and tail.stopping:
                return True
            with here.changes.watching(_STOP + run_id) as change, contextlib.suppress(TimeoutError):
                await self._watch(here, "")
                tail = here.tails.get(run_id)
                if tail is None or not tail.stopping:
                    await change.wait_alone(left)
            if tail is not None and run_id not in here.tails:  # it has ended
                return tail.stopping
        return False

    async def aclose(self) -> None:
        await self._on_loop.aclose()


def refuse_producer(run_id: str) -> RunExistsError:
    """The error for a producer that may not write to a run."""
    return RunExistsError(f"run {run_id} has ended, is no longer kept, or has another producer")


def refuse_unreachable() -> RequestError:
    """The error for a database that does not answer; what it says may hold addresses, and is logged only."""
    return RequestError("the store of runs cannot be reached", status=503, code="store_unavailable", retry_after=1)
