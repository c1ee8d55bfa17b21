"""Chains that use every way of doing several things at once, and what disturbs them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from lock_order import check_no_lock_held

from prill.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from prill.errors import Cancelled, StreamTimeout
from prill.runnables import CancelToken, Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough

EXPECTED = (Cancelled, StreamTimeout)
"""How a disturbed run may end."""


def add_one(number: int) -> int:
    check_no_lock_held()
    return number + 1


def pause(number: int) -> int:
    check_no_lock_held()
    if number % 7 == 0:
        time.sleep(0.0005)
    return number


def letters(inputs: Iterator[Any]) -> Iterator[str]:
    for value in inputs:
        for _ in range(6):
            check_no_lock_held()
            yield str(value)[:3]


def flaky(rng: random.Random) -> Callable[[int], int]:
    def fail_sometimes(number: int) -> int:
        if rng.random() < 0.2:
            raise ConnectionError("again")
        return number

    return fail_sometimes


class Watching(BaseCallbackHandler):
    """A plain handler; it is foreign code."""

    def on_chain_start(self, *facts: Any, **more: Any) -> None:
        check_no_lock_held()

    on_chain_end = on_chain_error = on_chain_start


class AsyncWatching(AsyncCallbackHandler):
    """An async handler, which blocking code needs an event loop for."""

    async def on_chain_start(self, *facts: Any, **more: Any) -> None:
        check_no_lock_held()

    async def on_chain_end(self, *facts: Any, **more: Any) -> None:
        check_no_lock_held()


def branches() -> Runnable[Any, Any]:
    return RunnableParallel(a=RunnablePassthrough(), b=add_one, c=pause)


def wide() -> Runnable[Any, Any]:
    """Four functions that take next to no time, so that threads meet in what is around them."""
    return RunnableParallel(a=lambda x: x, b=lambda x: x, c=lambda x: x, d=lambda x: x)


def nested() -> Runnable[Any, Any]:
    inner = branches() | RunnableLambda(lambda found: found["b"])
    return RunnableParallel(one=inner, two=inner, three=add_one)


def retried(rng: random.Random) -> Runnable[Any, Any]:
    chain = RunnableLambda(flaky(rng)).with_retry(
        stop_after_attempt=20, exponential_jitter_params={"initial": 0.0005, "max": 0.001}
    )
    return (chain | branches()).with_timeout(total=600)


def mapped() -> Runnable[Any, Any]:
    return RunnableLambda(lambda number: list(range(number % 5))) | branches().map()


def streamed() -> Runnable[Any, Any]:
    return RunnablePassthrough() | {"a": letters, "b": letters, "c": RunnableParallel(d=letters, e=add_one)}


def blocked() -> Runnable[Any, Any]:
    """A chain in which a branch sleeps until it is interrupted."""
    refused = RunnableLambda(_refuse).with_retry(
        stop_after_attempt=2, exponential_jitter_params={"initial": 3600, "max": 3600, "jitter": 0}
    )
    return RunnableParallel(a=add_one, b=refused, c=letters)


def _refuse(number: int) -> int:
    raise ConnectionError("again")


def cancel_later(token: CancelToken, rng: random.Random) -> threading.Thread:
    thread = threading.Timer(rng.random() * 0.004, token.cancel)
    thread.start()
    return thread
