"""What wrappers add to a token, and how long a long chain holds the first one back."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.kernel import answer
from bench.measure import Effort, Row, at_most, cpu, duration, in_loop, in_turn
from prill.language_models import FakeListChatModel, GenericFakeChatModel
from prill.runnables import Runnable, RunnablePassthrough

Wrap = Callable[[Runnable[Any, Any]], Runnable[Any, Any]]

WRAPS: dict[str, Wrap] = {
    "with_retry": lambda model: model.with_retry(),
    "with_fallbacks": lambda model: model.with_fallbacks([model]),
    "with_timeout": lambda model: model.with_timeout(first_chunk=60, between_chunks=60),
}


def _model(words: int) -> GenericFakeChatModel:
    text = answer(words)
    return GenericFakeChatModel(messages=iter(lambda: text, None))  # type: ignore[call-overload]  # never ends


def _sample(chain: Runnable[Any, Any], tokens: int, asyncio: bool) -> Callable[[], float]:
    def plain() -> None:
        for _ in chain.stream("x"):
            pass

    async def awaited() -> None:
        async for _ in chain.astream("x"):
            pass

    return (lambda: in_loop(awaited, tokens)) if asyncio else (lambda: cpu(plain, tokens))


def _wrapper(name: str, wrap: Wrap, effort: Effort, asyncio: bool) -> Row:
    words = effort.of(5000)
    model = _model(words)
    samples = [_sample(chain, 2 * words - 1, asyncio) for chain in (wrap(model), model)]
    wrapped, bare = in_turn(samples, effort.repeats)
    added = [(a - b) * 1e6 for a, b in zip(wrapped, bare, strict=True)]
    return Row(
        f"`{name}` around a streaming model, {'astream' if asyncio else 'stream'}",
        f"{duration(median(wrapped))} / token",
        f"{duration(median(bare))} (without it)",
        tuple(added),
        at_most(1.0),
        "the ratio column shows what it adds, in µs a token",
    )


def wrappers(effort: Effort) -> list[Row]:
    return [_wrapper(name, wrap, effort, colour) for name, wrap in WRAPS.items() for colour in (False, True)]


class _Stamped(FakeListChatModel):
    """Notes when it gives its first chunk."""

    async def _chunks(self, *args: Any, **kwargs: Any) -> Any:
        async for chunk in super()._chunks(*args, **kwargs):
            STAMPS.append(time.perf_counter())
            yield chunk


STAMPS: list[float] = []


def first_chunk(effort: Effort) -> Row:
    chain: Runnable[Any, Any] = _Stamped(responses=["ab"])
    for _ in range(99):
        chain = chain | RunnablePassthrough()

    def sample() -> float:
        STAMPS.clear()
        stream = chain.stream("x")
        next(stream)
        seconds = time.perf_counter() - STAMPS[0]
        del stream
        return seconds * 1e3

    taken = [sample() for _ in range(max(effort.repeats * 20, 1))]
    return Row(
        "first chunk of a chain of 100 streaming steps, after the model's",
        f"{median(taken):.3f} ms",
        "–",
        tuple(taken),
        at_most(1.0),
        "the ratio column shows milliseconds",
    )


ROWS = [wrappers, first_chunk]
