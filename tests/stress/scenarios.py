"""One stress test in a process of its own: ``python scenarios.py NAME SECONDS SEED``.

Threads are switched at nearly every line. A scenario that makes no progress for ``PRILL_STRESS_STALL`` seconds (60)
dumps all stacks and ends the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import lock_order

if __name__ == "__main__" and sys.argv[1] == "locks":
    lock_order.watch_locks()  # before Prill makes any

from work import (
    EXPECTED,
    AsyncWatching,
    Watching,
    blocked,
    branches,
    cancel_later,
    mapped,
    nested,
    retried,
    streamed,
    wide,
)

from prill.callbacks import AsyncCallbackHandler
from prill.io import Limit, interruptible
from prill.runnables import CancelToken, RunnableLambda, RunnablePassthrough
from prill.stores import SQLiteByteStore

STALL_SECONDS = float(os.environ.get("PRILL_STRESS_STALL", "60"))

Round = Callable[[random.Random], None]


def together(rounds: list[Round], seconds: float, seed: int, watched: bool = True) -> None:
    """Run each of ``rounds`` again and again in a thread of its own."""
    ends = time.monotonic() + seconds
    failures: list[BaseException] = []

    def work(number: int, round: Round) -> None:
        rng = random.Random(seed * 100 + number)
        try:
            while time.monotonic() < ends and not failures:
                round(rng)
                if watched:
                    progress()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in enumerate(rounds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def progress() -> None:
    faulthandler.dump_traceback_later(STALL_SECONDS, exit=True)


def wide_batches(rng: random.Random) -> None:
    """Many small groups in a group, all of which share one limit."""
    for _ in range(20):
        assert len(wide().batch(range(40), {"max_concurrency": rng.randrange(2, 17)})) == 40


def batches(rng: random.Random) -> None:
    """Nested groups with one limit for all levels, at every width."""
    chain = rng.choice([branches, nested, mapped, lambda: retried(rng)])()
    inputs = list(range(rng.randrange(2, 40)))
    config = {"max_concurrency": rng.randrange(1, 17), "callbacks": rng.choice([[], [Watching()]])}
    if rng.random() < 0.3:
        found = sorted(index for index, _ in chain.batch_as_completed(iter(inputs), config))
        assert found == inputs
    else:
        assert len(chain.batch(inputs, config)) == len(inputs)


def timeouts(rng: random.Random) -> None:
    """Timers fire whatever else the process does."""
    woken = threading.Event()

    def wait(number: int) -> None:
        with interruptible(woken.set):
            assert woken.wait(STALL_SECONDS), "the timeout did not fire"

    with suppress(*EXPECTED):
        RunnableLambda(wait).with_timeout(total=rng.random() * 0.003).invoke(1)


def abandoned(rng: random.Random) -> None:
    """Streams that are left at any point, closed or not, and cancelled from another thread."""
    token = CancelToken()
    config = {"cancel": token, "max_concurrency": rng.randrange(1, 17), "callbacks": rng.choice([[], [Watching()]])}
    chain = rng.choice([streamed, blocked, lambda: streamed().with_timeout(first_chunk=0.002)])()
    stream = chain.stream_events(1, config) if rng.random() < 0.3 else chain.stream(1, config)
    stops = rng.randrange(0, 12)
    timer = cancel_later(token, rng)
    with suppress(*EXPECTED, ConnectionError):
        for count, _ in enumerate(stream):
            if count >= stops:
                break
    if rng.random() < 0.5:
        stream.close()
    elif rng.random() < 0.5:
        cycle: list[Any] = [stream]
        cycle.append(cycle)  # the garbage collector closes it, in any thread
    timer.join()


def limits(rng: random.Random) -> None:
    """Places of nested limits that several threads ask for, free and withdraw; none is lost."""
    outer = Limit(rng.randrange(1, 5))
    limit = Limit(rng.randrange(1, 5), outer)
    helpers: list[threading.Thread] = []

    def help_once() -> bool:
        helper = threading.Thread(target=limit.release)
        helper.start()
        helpers.append(helper)
        return True

    def work() -> None:
        requests = [limit.ask(help_once) for _ in range(5)]
        rng.shuffle(requests)
        for withdraw in requests:
            withdraw()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for helper in helpers:  # the list grows while they end: each starts the next before its own end
        helper.join()
    assert (limit._free_places, outer._free_places) == (limit.width - 1, outer.width - 1)


def hooks(rng: random.Random) -> None:
    """Async hooks that call blocking verbs, which have async hooks."""

    class Calling(AsyncCallbackHandler):
        def __init__(self, depth: int) -> None:
            self.depth = depth

        async def on_chain_end(self, *facts: Any, **more: Any) -> None:
            inner = [Calling(self.depth - 1)] if self.depth else [AsyncWatching()]
            rng.choice([branches, nested])().invoke(1, {"callbacks": inner})

    config = {"callbacks": [Calling(rng.randrange(0, 3))], "max_concurrency": rng.randrange(1, 17)}
    chain = RunnableLambda(lambda number: number)
    rng.choice([lambda: chain.invoke(1, config), lambda: chain.batch([1, 2, 3], config), lambda: loop_hooks(config)])()


def loop_hooks(config: dict[str, Any]) -> None:
    """The same from a worker thread of an event loop."""
    asyncio.run(RunnableLambda(lambda number: RunnablePassthrough().invoke(number, config)).ainvoke(1))


def full_pool(rng: random.Random) -> None:
    """More plain functions than a loop has threads, each of which waits for one more on the same loop."""

    class Asking(AsyncCallbackHandler):
        async def on_chain_start(self, *facts: Any, **more: Any) -> None:
            await RunnableLambda(lambda number: number).ainvoke(1)

    part = RunnableLambda(lambda number: RunnablePassthrough().invoke(number, {"callbacks": [Asking()]}))
    asyncio.run(part.abatch(list(range(100))))


def loop(rng: random.Random) -> None:
    """An event loop with everything at once, left and cancelled at any point."""

    async def one(number: int) -> None:
        chain = rng.choice([branches, nested, streamed, blocked])()
        config = {"max_concurrency": rng.randrange(1, 17), "callbacks": rng.choice([[], [AsyncWatching()]])}
        if rng.random() < 0.4:
            stream = chain.astream_events(1, config, version="v2") if number % 2 else chain.astream(1, config)
            stops = rng.randrange(0, 10)
            count = 0
            async for _ in stream:
                count += 1
                if count > stops:
                    break
            if rng.random() < 0.7:
                await stream.aclose()
        else:
            await chain.abatch([1, 2, 3], config)

    async def main() -> None:
        tasks = [asyncio.create_task(one(number)) for number in range(6)]
        for task in tasks:
            if rng.random() < 0.5:
                asyncio.get_running_loop().call_later(rng.random() * 0.01, task.cancel)
        _, pending = await asyncio.wait(tasks, timeout=0.05)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def garbage(rng: random.Random) -> None:
    """Objects that make the collector run often, in any thread."""
    for _ in range(200):
        cycle: list[Any] = []
        cycle.append(cycle)


def signals(seconds: float, seed: int) -> None:
    """A signal handler that cancels, in the main thread, which holds locks and waits."""
    rng = random.Random(seed)
    tokens: list[CancelToken] = []

    def interrupt(*facts: Any) -> None:
        for token in tokens:
            token.cancel()

    signal.signal(signal.SIGALRM, interrupt)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        tokens[:] = [CancelToken()]
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + rng.random() * 0.002)
        with suppress(*EXPECTED, ConnectionError):
            rng.choice([blocked, streamed])().invoke(1, {"cancel": tokens[0]})
        signal.setitimer(signal.ITIMER_REAL, 0)
        progress()


class Interrupt(BaseException):
    """Raised between any two lines of the main thread, as Ctrl-C does."""


def interrupts(seconds: float, seed: int) -> None:
    """A signal handler that raises in the main thread, while it starts threads and waits for them."""
    rng = random.Random(seed)

    def run_chain() -> None:
        chain = rng.choice([branches, streamed, wide])()
        rng.choice([chain.invoke, lambda number: list(chain.stream(number))])(1)

    def interrupt(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is run_chain.__code__:
                raise Interrupt
            frame = frame.f_back

    signal.signal(signal.SIGALRM, interrupt)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + rng.random() * 0.003)
        # The locks of ``threading.Event``, for which ``Thread.start`` waits, do not bear an interrupt.
        with suppress(Interrupt, RuntimeError, *EXPECTED):
            run_chain()
        signal.setitimer(signal.ITIMER_REAL, 0)
        progress()


class Forks:
    """A process that is forked while its threads are busy; each child does everything once more."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.ends = time.monotonic() + seconds
        self.rng = random.Random(seed)
        self.folder = tempfile.TemporaryDirectory()
        self.store = SQLiteByteStore(os.path.join(self.folder.name, "store.db"))
        self.memory = SQLiteByteStore(":memory:")
        self.memory.mset([("kept", b"in memory")])
        self.token = CancelToken()

    def run(self) -> None:
        # Python itself hangs in a child that imports a module which the parent was importing at the fork.
        self.work_in_child()
        for _ in range(20):
            self.busy(self.rng)
        threading.Thread(target=together, args=([self.busy] * 3, 10**6, 1, False), daemon=True).start()
        while time.monotonic() < self.ends:
            time.sleep(self.rng.random() * 0.01)
            self.fork()
            progress()
        sys.stdout.flush()
        os._exit(0)  # the busy threads go on

    def busy(self, rng: random.Random) -> None:
        batches(rng)
        self.store.mset([("key", b"parent")])
        self.memory.mget(["kept"])
        branches().invoke(1, {"callbacks": [AsyncWatching()], "cancel": self.token})
        timeouts(rng)

    def fork(self) -> None:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                # Not ``dump_traceback_later``, which waits for its thread in the parent.
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                faulthandler.register(signal.SIGALRM, chain=True)
                signal.alarm(int(STALL_SECONDS / 2))
                self.work_in_child()
                code = 0
            finally:
                sys.excepthook(*sys.exc_info()) if code else None  # type: ignore[arg-type]
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert status == 0, f"a child failed: {status}"

    def work_in_child(self) -> None:
        # They meet only if they run at once.
        meeting = threading.Barrier(3, timeout=STALL_SECONDS / 3)
        RunnableLambda(lambda number: meeting.wait()).batch([1, 2, 3])
        branches().batch([1, 2], {"callbacks": [AsyncWatching()], "cancel": self.token, "max_concurrency": 4})
        assert len(list(streamed().stream(1))) > 0
        timeouts(self.rng)
        self.store.mset([("key", b"child")])
        assert self.memory.mget(["kept"]) == [b"in memory"]
        asyncio.run(branches().ainvoke(1))


def locks(seconds: float, seed: int) -> None:
    """All of it with recorded locks."""
    gc.disable()  # a finalizer may take a lock under any other
    together([wide_batches, batches, timeouts, abandoned, limits, hooks, loop], seconds, seed)
    lock_order.check_order()


SCENARIOS: dict[str, Callable[[float, int], None]] = {
    "batches": lambda seconds, seed: together([wide_batches, batches, batches, timeouts], seconds, seed),
    "streams": lambda seconds, seed: together([abandoned] * 3 + [garbage, timeouts], seconds, seed),
    "limits": lambda seconds, seed: together([limits] * 2, seconds, seed),
    "hooks": lambda seconds, seed: together([hooks] * 2, seconds, seed),
    "pools": lambda seconds, seed: together([full_pool], seconds, seed),
    "loops": lambda seconds, seed: together([loop] * 3, seconds, seed),
    "signals": signals,
    "interrupts": interrupts,
    "forks": lambda seconds, seed: Forks(seconds, seed).run(),
    "locks": locks,
}


def main() -> None:
    name, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    faulthandler.enable()
    progress()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(200)
    SCENARIOS[name](seconds, seed)
    gc.collect()
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
