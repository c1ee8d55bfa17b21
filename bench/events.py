"""Streams that are watched."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bench.kernel import ASKED, answer, make_chain, ours, peers
from bench.measure import Effort, Goal, Row, Sample, at_least, in_loop, versus


def _watched(lib: SimpleNamespace, watch: Callable[[Any], Any], words: int) -> Sample:
    chain, tokens = make_chain(lib, answer(words)), 2 * words - 1

    async def work() -> None:
        async for _ in watch(chain):
            pass

    return lambda: in_loop(work, tokens)


def _row(what: str, watch: Callable[[Any], Any], goal: Goal, effort: Effort, words: int = 1500) -> Row:
    words = effort.of(words)
    return versus(what, _watched(ours(), watch, words), _watched(peers(), watch, words), goal, effort, unit="token")


def events_v2(effort: Effort) -> Row:
    def watch(chain: Any) -> Any:
        return chain.astream_events(ASKED, version="v2")

    return _row("astream_events v2, three events a token", watch, at_least(25), effort)


def events_v1(effort: Effort) -> Row:
    def watch(chain: Any) -> Any:
        return chain.astream_events(ASKED, version="v1")

    # Short, because the peer's cost for a token grows with their number.
    return _row("astream_events v1", watch, at_least(100), effort, words=500)


def log(effort: Effort) -> Row | None:
    def watch(chain: Any) -> Any:
        return chain.astream_log(ASKED)

    if not hasattr(ours().RunnableLambda, "astream_log"):
        return None
    return _row("astream_log", watch, at_least(40), effort, words=500)


def handler(effort: Effort) -> Row:
    words = effort.of(1500)

    def sample(lib: SimpleNamespace) -> Sample:
        config = {"callbacks": [lib.BaseCallbackHandler()]}
        return _watched(lib, lambda chain: chain.astream(ASKED, config), words)

    return versus(
        "astream with a handler that does nothing", sample(ours()), sample(peers()), at_least(20), effort, unit="token"
    )


ROWS = [events_v2, events_v1, log, handler]
