"""Providers' batches as an engine: half the price, hours to wait, for chains that call one model once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

from prill.bulk.caller import RowCaller, RowCalls, fail_row
from prill.bulk.engines.base import Job
from prill.bulk.engines.batch_apis import (
    ENDED,
    FAILED,
    RUNNING,
    TOO_MANY,
    AnthropicBatches,
    BatchAPI,
    OpenAIBatches,
    Result,
)
from prill.bulk.engines.batch_store import NEW, READ, SENT, BatchStore, Stored
from prill.bulk.ledger import Ledger
from prill.bulk.limits import Limits
from prill.bulk.outcomes import Outcome
from prill.bulk.rates import LocalLimiter
from prill.bulk.shipping import parts
from prill.bulk.worker import Reply, Sent
from prill.callbacks.model_calls import GOVERNOR, CallGovernor
from prill.errors import ConfigError, MalformedResponseError, ModelError, ModelInvalidRequestError, ModelTimeoutError
from prill.io import closing, get_asyncio_mode
from prill.language_models.base import BaseLanguageModel
from prill.providers.http.answers import WholeAnswer
from prill.providers.http.message import Headers, Request
from prill.runnables.engine.runs import start_asyncio_run

POLL = 30.0
"""Seconds between two looks at a batch."""

TRIES = 2
"""How often a row is submitted at most: one that expired, or was lost, is submitted once more."""

_APIS: dict[str, Callable[[Any], BatchAPI]] = {"openai": OpenAIBatches, "anthropic": AnthropicBatches}


def find_model(chain: Any, provider: str) -> Any:
    """The one model of a chain.

    Raises:
        ConfigError: there is none, or more than one, or it is not of this provider; the error names them.
    """
    found = [(place, part) for place, part in parts("the chain", chain) if isinstance(part, BaseLanguageModel)]
    if len(found) != 1:
        places = ", ".join(place for place, _ in found) or "it has none"
        raise ConfigError(
            f"engine='{provider}-batch' is for a chain with exactly one model, called once: {places}. Use "
            "engine='local'"
        )
    place, model = found[0]
    if getattr(model, "provider", None) != provider:
        raise ConfigError(
            f"{place} cannot be run by engine='{provider}-batch': it is a {type(model).__name__}, not a model of "
            f"{provider}"
        )
    return model


class BatchEngine:
    """A provider's batches.

    Args:
        provider: ``"openai"`` or ``"anthropic"``.
        ledger: what was submitted is kept there.
    """

    def __init__(self, provider: str, ledger: Ledger) -> None:
        self._provider = provider
        self._ledger = ledger

    async def start(self, job: Job, workers: int | None) -> Sequence[BatchChannel]:
        model = find_model(job.chain, self._provider)
        channel = BatchChannel(job, _APIS[self._provider](model), self._ledger)
        await channel.recover()
        return [channel]

    async def aclose(self) -> None:
        """Batches go on at the provider; the next run reads them."""


class _Waiting:
    """A row on its way: its number and input, and how often it was submitted."""

    def __init__(self, number: int, input: Any, tries: int) -> None:
        self.number = number
        self.input = input
        self.tries = tries


class BatchChannel:
    """Collects rows to batches, submits each once, and reads their results."""

    wants_keys = True

    def __init__(self, job: Job, api: BatchAPI, ledger: Ledger) -> None:
        self._job = job
        self._api = api
        self._ledger = ledger
        self._store = BatchStore(ledger)
        self._io = get_asyncio_mode()
        limiter = LocalLimiter(Limits())
        self._caller = RowCaller(job.chain, 1, None, limiter, job.config)
        self._limiter = limiter
        self._rows: dict[str, _Waiting] = {}
        self._queues: dict[str, list[tuple[str, bytes]]] = {}
        self._sizes: dict[str, int] = {}
        self._open: dict[str, Stored] = {}
        self._read: list[Stored] = []
        self._polled = 0.0
        self.capacity: int | None = 4 * api.most_rows

    async def recover(self) -> None:
        """Find out which batches of an earlier run are with the provider."""
        for batch in self._store.open_batches():
            if batch.state == NEW:
                id = await self._api.find(batch, self._store.known_ids())
                if id is None:  # its rows are submitted again, in another one
                    self._store.set(batch._replace(state=READ))
                    continue
                batch = batch._replace(id=id, state=SENT)
                self._store.set(batch)
            self._open[batch.name] = batch

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        """Take rows; submit what is full, or all if no more come; return the outcomes of batches that have ended."""
        for batch in self._read:  # what was read from them is in the ledger now
            self._store.set(batch._replace(state=READ))
        self._read.clear()
        outcomes: list[Outcome] = []
        for (number, input), key in zip(sent.rows, sent.keys, strict=True):
            outcomes += await self._accept(key.hex(), _Waiting(number, input, 0))
        for url in list(self._queues):
            if not sent.rows and self._queues[url]:
                await self._submit(url)
        if not sent.rows and time.monotonic() - self._polled >= POLL:
            self._polled = time.monotonic()
            for batch in list(self._open.values()):
                outcomes += await self._look(batch)
        if not outcomes and not sent.rows:
            await self._io.sleep(min(patience, POLL))
        return Reply(outcomes)

    async def replace(self) -> bool:
        return False

    async def cancel(self) -> Sequence[Outcome]:
        return []

    # Rows

    async def _accept(self, key: str, row: _Waiting) -> list[Outcome]:
        found = self._store.find_batch(key) if not row.tries else None
        if found is not None and found[0] in self._open:
            row.tries = found[1]
            self._rows[key] = row
            return []
        row.tries += 1
        capture = _Capture()
        token = GOVERNOR.set(capture)
        try:
            await self._job.chain._step(row.input, start_asyncio_run(self._job.config))
        except _Captured:
            pass
        except Exception as error:
            return [fail_row(row.number, error)]
        finally:
            GOVERNOR.reset(token)
        if capture.request is None:
            return [fail_row(row.number, ConfigError("the chain called no model for this row"))]
        self._rows[key] = row
        await self._queue(key, capture.request)
        return []

    async def _queue(self, key: str, request: Request) -> None:
        """Put a row into the batch that is being filled: one for each endpoint and model."""
        group = f"{request.body.get('model')} /v1{request.path.removeprefix('/v1')}"
        line = self._api.encode(key, request)
        queue = self._queues.setdefault(group, [])
        size = self._sizes.get(group, 0)
        if queue and (len(queue) >= self._api.most_rows or size + len(line) + 1 > self._api.most_bytes):
            await self._submit(group)
            size = 0
        self._queues[group].append((key, line))
        self._sizes[group] = size + len(line) + 1

    async def _submit(self, group: str) -> None:
        queue, self._queues[group], self._sizes[group] = self._queues[group], [], 0
        endpoint = group.rpartition(" ")[2]
        batch = Stored(f"{uuid4().hex} {endpoint}", None, None, len(queue), time.time(), NEW)
        lines = [line for _, line in queue]
        file = await self._api.upload(lines)
        batch = batch._replace(file=file)
        # On the disk first: whatever happens now, the batch is looked for before it is created again.
        self._store.add(batch, [(key, self._rows[key].tries) for key, _ in queue])
        await self._create(batch, lines)

    async def _create(self, batch: Stored, lines: Sequence[bytes]) -> None:
        for attempt in range(self._job.attempts):
            try:
                id: str | None = await self._api.create(batch, lines)
            except ModelError as error:
                if not error.retryable:
                    raise
                await self._io.sleep(min(0.5 * 2.0**attempt, 30.0))
                # The answer may have been lost, and the batch be there.
                id = await self._api.find(batch, self._store.known_ids())
                if id is None and attempt + 1 == self._job.attempts:
                    raise
            if id is not None:
                self._open[batch.name] = batch = batch._replace(id=id, state=SENT)
                self._store.set(batch)
                return

    # Results

    async def _look(self, batch: Stored) -> list[Outcome]:
        state, problem, described = await self._api.check(batch)
        if state == RUNNING:
            return []
        if state == TOO_MANY:
            if len(self._open) > 1:  # when another one has ended, there is room
                self._open[batch.name] = self._open.pop(batch.name)
            await self._create(batch._replace(id=None, state=NEW), [])
            return []
        del self._open[batch.name]
        keys = self._store.keys(batch.name)
        if state == FAILED:
            self._read.append(batch)
            error = ModelInvalidRequestError(f"the provider refused the batch: {problem}")
            return [fail_row(self._rows.pop(key).number, error) for key in keys if key in self._rows]
        assert state == ENDED
        outcomes: list[Outcome] = []
        async with closing(self._api.results(batch, described)) as results:
            async for result in results:
                keys.discard(result.key)
                outcomes += await self._decode(result)
        for key in keys:
            outcomes += await self._decode(Result(key, None, problem="the batch has no result for it"))
        self._read.append(batch)
        return outcomes

    async def _decode(self, result: Result) -> list[Outcome]:
        row = self._rows.pop(result.key, None)
        if row is None:  # it was done in an earlier run
            return []
        passes = result.status is None or result.status == 429 or result.status >= 500
        if passes and row.tries < TRIES:
            return await self._accept(result.key, row)
        if result.status is None:
            kind = ModelTimeoutError if "expired" in result.problem else MalformedResponseError
            return [fail_row(row.number, kind(f"the row was submitted {row.tries} times: {result.problem}"))]
        replay = _Replay(self._limiter, result)
        return [(await self._caller.call(row.number, row.input, replay))._replace(attempts=row.tries)]


class _Captured(BaseException):
    """The chain came to its model; no fallback catches it."""


class _Capture(CallGovernor):
    """Stops a chain where it calls its model, and keeps the request."""

    def __init__(self) -> None:
        self.request: Request | None = None

    def answer(self, request: Any) -> Any:
        self.request = request
        raise _Captured


class _Replay(RowCalls):
    """Answers the one call of a model with what the batch gave."""

    def __init__(self, limiter: LocalLimiter, result: Result) -> None:
        super().__init__(limiter)
        self._results: Iterator[Result] = iter([result])

    def answer(self, request: Any) -> Any:
        for result in self._results:
            return WholeAnswer(_Recorded(request, result), result.body)
        raise ConfigError("the chain calls a model a second time for this row: use engine='local'")


class _Recorded:
    """An answer that came in a batch."""

    def __init__(self, request: Request, result: Result) -> None:
        self.request = request
        self.status = result.status or 200
        self.headers: Headers = {"content-type": "application/json"}
        self.sent_at = time.monotonic()

    async def read(self, deadline: float | None) -> bytes:
        return b""

    async def aclose(self) -> None: ...
