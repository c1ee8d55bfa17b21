"""Runs that go on without their client: a producer writes their frames to a store, readers read them there."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request

from prill.errors import RequestError, RunExistsError
from prill.io import closing, get_asyncio_mode
from prill.io.event_loop import Companion, Interruption, Signal
from prill.serve.encoders.base import Encoder
from prill.serve.exchange import STOPPED
from prill.serve.facts import Fact, Failure, RunEnded, RunFailed, RunStopped, precedes_output
from prill.serve.frame_writer import FrameWriter
from prill.serve.stores.base import RunStore, StoredRun

_GROUP = 128
_LOOK_AGAIN = 60.0
_UNSTORED = "unstored"

LOST = Failure(502, "run_lost", "StreamInterrupted", "the process that produced this run has died", retryable=True)


def make_owner() -> str:
    """A name for a producer that no other has."""
    return uuid.uuid4().hex


class Producer:
    """Runs a stream of facts to its end and stores its frames, whoever reads them.

    ``first`` is set when the run has put out something, to ``None``, or has failed before that, to its error.

    Args:
        store: where to.
        run: the run, which has been created in the store.
        lease: seconds after which the run is lost if this process dies.
        encoder: translates the facts.
        describe: says what clients are told of an error.
    """

    def __init__(
        self,
        store: RunStore,
        run: StoredRun,
        lease: float,
        encoder: Encoder,
        describe: Callable[[BaseException], Failure],
    ) -> None:
        self._store = store
        self._run = run
        self._lease = lease
        self._encoder = encoder
        self._describe = describe
        self._writer = FrameWriter(store, run, lambda: self.work.interrupt(_UNSTORED))
        self.first: Signal[Exception | None] = Signal()
        self.work = Interruption()

    async def run(self, facts: AsyncIterator[Fact]) -> None:
        """Produce until the facts end, the run is stopped, or another producer has it."""
        end: Fact = RunEnded()
        try:
            with self.work:
                async with Companion(self._keep_lease()):
                    end = await self._store_facts(facts)
            if self.work.reason is not None:
                end = RunStopped(self.work.reason)
            await self._writer.finish([*self._encoder.feed(end), *self._encoder.finish()])
        finally:
            self.first.set(None)

    async def _store_facts(self, facts: AsyncIterator[Fact]) -> Fact:
        try:
            async with closing(facts):
                async for fact in facts:
                    if isinstance(fact, RunEnded | RunFailed | RunStopped):
                        return fact
                    if frames := self._encoder.feed(fact):
                        await self._writer.put(frames)
                    if not self.first.is_set and not precedes_output(fact):
                        self.first.set(None)
        except RunExistsError:
            raise
        except Exception as error:
            self.first.set(error)
            return RunFailed(self._describe(error))
        return RunEnded()

    async def _keep_lease(self) -> None:
        store, run = self._store, self._run
        while True:
            try:
                stopped = await store.wait_stop(run.run_id, self._lease / 3)
                if stopped or await store.renew(run.run_id, run.owner, self._lease):
                    self.work.interrupt(STOPPED)
                    return
            except RunExistsError:
                self.work.interrupt(_UNSTORED)
                return
            except RequestError:  # the store may answer again before the lease is over
                await get_asyncio_mode().sleep(self._lease / 10)


async def read_stored(store: RunStore, run_id: str, after: int) -> AsyncIterator[bytes | Fact]:
    """The frames of a stored run behind number ``after``, and those to come; a lost run ends with a ``RunFailed``.

    Raises:
        RequestError: 410, frames that follow ``after`` are no longer kept.
    """
    while True:
        page = await store.read(run_id, after, _GROUP)
        if page is None or page.first > after + 1:
            raise RequestError("a part of this run is no longer kept", status=410, code="run_gone", run_id=run_id)
        for frame in page.frames:
            yield frame
        after += len(page.frames)
        if page.frames and (after < page.last or page.state != "running"):
            continue
        if page.state == "lost":
            yield RunFailed(LOST)
        if page.state != "running":
            return
        await store.wait(run_id, after, _LOOK_AGAIN)


def read_cursor(request: Request, run_id: str) -> int:
    """The number of the last frame that a client has: ``<run>:<number>``, or the number alone; 0 without a cursor.

    Raises:
        RequestError: 400, it is malformed, or of another run.
    """
    given = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    run, _, number = given.rpartition(":")
    if run not in ("", run_id) or not (number.isascii() and number.isdigit() and len(number) < 16):
        raise RequestError("the cursor is not the id of an event of this run", status=400, code="invalid_cursor")
    return int(number)
