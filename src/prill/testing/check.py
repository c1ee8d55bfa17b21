"""Does a Runnable keep the promises that every Runnable makes?"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import operator
import pickle
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal
from weakref import WeakSet

from prill.callbacks.config import RunnableConfig, merge_configs
from prill.runnables import Runnable
from prill.runnables.engine.chunks import join
from prill.testing.witness import Witness

ColourName = Literal["blocking", "asyncio"]

_UNKNOWN: Any = object()
_POOLS = ("prill-pool", "prill-worker", "prill-clock", "prill-portal", "asyncio_")
"""Threads that are shared by all runs and stay."""

_TICKS = (0, 1, 2, 3, 5, 8, 13)
"""After how many turns of the event loop a run is cancelled."""


def check_runnable(
    runnable: Runnable[Any, Any],
    input: Any,
    *,
    expected: Any = _UNKNOWN,
    pieces: Sequence[Any] | None = None,
    config: RunnableConfig | None = None,
    compare: Callable[[Any, Any], bool] = operator.eq,
    cumulative: bool | None = None,
    colours: Sequence[ColourName] = ("blocking", "asyncio"),
) -> None:
    """Run ``runnable`` through every verb in both colours, and raise ``AssertionError`` where it breaks a promise.

    The promises: ``invoke``, ``batch``, ``batch_as_completed``, the joined ``stream``, ``transform`` and their asyncio
    forms all give the same output; being watched changes nothing, and each run is seen to start once and to end once;
    a stream that is left after its first chunk, and a task that is cancelled anywhere, leave no thread, no task and no
    open generator behind; what can be pickled still works afterwards.

    - ``expected``: the output; left out, whatever the first ``invoke`` gives.
    - ``pieces``: the input in pieces, for ``transform``; left out, the input in one piece.
    - ``config``: goes with each call.
    - ``compare``: ``compare(output, expected)`` says whether they are the same, for outputs that vary:
      ``compare=lambda one, other: type(one) is type(other)``.
    - ``cumulative``: whether each chunk of a stream replaces the one before, as the growing value of a JSON parser
      does. Left out, it is so if the last chunk is the output and the sum of the chunks is not.
    - ``colours``: ``("asyncio",)`` for what only exists there.

    It runs the Runnable some thirty times, so give it a fake model. It needs no test framework:

    >>> from prill.runnables import RunnableLambda
    >>> check_runnable(RunnableLambda(len) | str, "four", expected="4")
    """
    check = _Check(runnable, input, pieces or [input], config, compare, cumulative)
    check.expected = expected
    if "blocking" in colours:
        check.blocking()
    if "asyncio" in colours:
        _run_in_loop(check.asyncio)
    check.pickled(colours)


class _Check:
    def __init__(
        self,
        runnable: Runnable[Any, Any],
        input: Any,
        pieces: Sequence[Any],
        config: RunnableConfig | None,
        compare: Callable[[Any, Any], bool],
        cumulative: bool | None,
    ) -> None:
        self.runnable = runnable
        self.input = input
        self.pieces = pieces
        self.config = config
        self.compare = compare
        self.cumulative = cumulative
        self.expected: Any = _UNKNOWN

    # What is compared

    def same(self, verb: str, output: Any) -> None:
        if self.expected is _UNKNOWN:
            self.expected = output
        if not self.compare(output, self.expected):
            raise self.broken(f"{verb} gave {output!r:.300}, but {self.expected!r:.300} was expected")

    def same_batch(self, verb: str, outputs: list[Any]) -> None:
        if len(outputs) != 3:
            raise self.broken(f"{verb} gave {len(outputs)} outputs for 3 inputs: {outputs!r:.300}")
        for output in outputs:
            self.same(verb, output)

    def same_pairs(self, verb: str, pairs: list[tuple[int, Any]]) -> None:
        if sorted(index for index, _ in pairs) != [0, 1, 2]:
            raise self.broken(f"{verb} gave the indices {[index for index, _ in pairs]} for 3 inputs")
        self.same_batch(verb, [output for _, output in pairs])

    def same_chunks(self, verb: str, chunks: list[Any]) -> None:
        if not chunks:
            if not self.compare(None, self.expected):
                raise self.broken(f"{verb} put out no chunk, but {self.expected!r:.300} was expected")
            return
        if hasattr(chunks[-1], "stream_value"):  # an update, which knows what it has made of the value
            self.same(f"{verb} (the value after its last chunk)", chunks[-1].stream_value)
            return
        cumulative = self.cumulative
        if cumulative is None:
            cumulative = self.compare(chunks[-1], self.expected) and not self.compare(join(chunks), self.expected)
        if cumulative:
            self.same(f"{verb} (its last chunk)", chunks[-1])
        else:
            self.same(f"{verb} (its {len(chunks)} chunks joined)", join(chunks))

    def broken(self, what: str) -> AssertionError:
        return AssertionError(f"{self.runnable.get_name()}: {what}")

    def watched(self) -> tuple[Witness, RunnableConfig]:
        witness = Witness()
        return witness, merge_configs(self.config, {"callbacks": [witness]})

    def well_formed(self, verb: str, witness: Witness) -> None:
        if complaints := witness.complaints():
            raise self.broken(f"watched, {verb} reported to its observer: {'; '.join(complaints)}")

    # The two colours: the same list of verbs, each called as its colour is.

    def blocking(self) -> None:
        part, config, three = self.runnable, self.config, [self.input] * 3
        with self.nothing_left("a blocking verb"):
            self.same("invoke", part.invoke(self.input, config))
            self.same_batch("batch", part.batch(three, config))
            self.same_pairs("batch_as_completed", list(part.batch_as_completed(three, config)))
            self.same_chunks("stream", list(part.stream(self.input, config)))
            self.same_chunks("transform", list(part.transform(iter(self.pieces), config)))
        witness, watching = self.watched()
        self.same("watched invoke", part.invoke(self.input, watching))
        self.well_formed("invoke", witness)
        witness, watching = self.watched()
        self.same_chunks("watched stream", list(part.stream(self.input, watching)))
        self.well_formed("stream", witness)
        for make in (self.leave_early, self.leave_watched):
            with self.nothing_left("stream, left after its first chunk,"):
                make()

    def leave_early(self) -> None:
        stream: Any = _closable(self.runnable.stream(self.input, self.config))
        next(stream, None)
        stream.close()

    def leave_watched(self) -> None:
        witness, watching = self.watched()
        stream: Any = _closable(self.runnable.stream(self.input, watching))
        next(stream, None)
        stream.close()
        self.well_formed("stream, left after its first chunk,", witness)

    async def asyncio(self) -> None:
        part, config, three = self.runnable, self.config, [self.input] * 3
        with self.nothing_left("an asyncio verb"):
            self.same("ainvoke", await part.ainvoke(self.input, config))
            self.same_batch("abatch", await part.abatch(three, config))
            self.same_pairs("abatch_as_completed", await _listed(part.abatch_as_completed(three, config)))
            self.same_chunks("astream", await _listed(part.astream(self.input, config)))
            self.same_chunks("atransform", await _listed(part.atransform(_each(self.pieces), config)))
        witness, watching = self.watched()
        self.same("watched ainvoke", await part.ainvoke(self.input, watching))
        self.well_formed("ainvoke", witness)
        witness, watching = self.watched()
        self.same_chunks("watched astream", await _listed(part.astream(self.input, watching)))
        self.well_formed("astream", witness)
        for watch in (False, True):
            witness, watching = self.watched()
            with self.nothing_left("astream, left after its first chunk,"):
                stream: Any = part.astream(self.input, watching if watch else config)
                await anext(stream, None)
                await stream.aclose()
            self.well_formed("astream, left after its first chunk,", witness)
        for ticks in _TICKS:
            witness, watching = self.watched()
            with self.nothing_left("astream, cancelled,"):
                await _cancelled(_listed(part.astream(self.input, watching)), ticks)
            self.well_formed("astream, cancelled,", witness)
            with self.nothing_left("ainvoke, cancelled,"):
                await _cancelled(part.ainvoke(self.input, config), ticks)

    def pickled(self, colours: Sequence[ColourName]) -> None:
        try:
            data = pickle.dumps(self.runnable)
        except Exception:  # what holds a lambda or a client cannot be pickled, and need not be
            return
        copy = pickle.loads(data)
        if "blocking" in colours:
            self.same("invoke, after pickling,", copy.invoke(self.input, self.config))
        else:
            self.same("ainvoke, after pickling,", _run_in_loop(lambda: copy.ainvoke(self.input, self.config)))

    @contextlib.contextmanager
    def nothing_left(self, verb: str) -> Iterator[None]:
        """No thread, task or open generator outlives the body."""
        threads, tasks = _threads(), _tasks()
        with _generators() as started:
            yield
            if left := _tasks() - tasks:
                raise self.broken(f"{verb} left tasks running: {[task.get_coro() for task in left]}")
            for thread in _threads() - threads:
                thread.join(2)
                if thread.is_alive():
                    raise self.broken(f"{verb} left a thread running: {thread.name}")
            if _open(started):
                gc.collect()  # what is in a circle closes when it is found; that takes long, so it comes last
            if names := _open(started):
                raise self.broken(f"{verb} left generators open: {', '.join(names)}")


def _closable(stream: Iterator[Any]) -> Iterator[Any]:
    """An iterator that can be closed, of whatever ``stream`` is."""
    return stream if hasattr(stream, "close") else (chunk for chunk in stream)


async def _listed(stream: AsyncIterator[Any]) -> list[Any]:
    return [chunk async for chunk in stream]


async def _each(items: Sequence[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _cancelled(body: Awaitable[Any], ticks: int) -> None:
    """Run ``body`` for some turns of the event loop, then cancel it and wait for its end."""
    task = asyncio.ensure_future(body)
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(_POOLS)}


def _tasks() -> set[asyncio.Task[Any]]:
    try:
        return asyncio.all_tasks()
    except RuntimeError:  # no loop is running
        return set()


def _open(generators: WeakSet[Any]) -> list[str]:
    # What belongs to the loop is closed with the loop.
    open_ones = (each.__qualname__ for each in generators if each.ag_frame is not None)
    return sorted(name for name in open_ones if name != "PerLoop._close_with_loop")


@contextlib.contextmanager
def _generators() -> Iterator[WeakSet[Any]]:
    """The async generators that are started in this thread meanwhile."""
    started: WeakSet[Any] = WeakSet()
    first, last = sys.get_asyncgen_hooks()

    def note(generator: Any) -> None:
        started.add(generator)
        if first is not None:
            first(generator)

    sys.set_asyncgen_hooks(note, last)
    try:
        yield started
    finally:
        sys.set_asyncgen_hooks(first, last)


def _run_in_loop(make: Callable[[], Awaitable[Any]]) -> Any:
    """Run in an event loop of its own, in a thread of its own: the caller may have one running."""

    async def main() -> Any:
        return await make()

    outcome: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(main()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="check_runnable")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]
