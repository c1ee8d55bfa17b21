from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers import requires

from forking import passes_in_child
from prill.errors import Cancelled, ConfigError
from prill.io import BLOCKING, CancelToken, Scope, drive
from prill.io.scope import scoped
from prill.language_models import BaseChatModel, FakeListChatModel
from prill.messages import AIMessage, BaseMessage
from prill.outputs import ChatGeneration, ChatResult
from prill.rate_limiters import BaseRateLimiter, InMemoryRateLimiter, TokenRateLimiter, Window

FAST = {"requests_per_second": 200, "check_every_n_seconds": 0.01}


def test_a_bucket_begins_empty_fills_in_time_and_holds_so_much() -> None:
    limiter = InMemoryRateLimiter(requests_per_second=5, max_bucket_size=3)
    assert not limiter.acquire(blocking=False)
    time.sleep(0.7)
    assert [limiter.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]


def test_waiting_takes_as_long_as_the_rate_says_in_both_colours() -> None:
    limiter = InMemoryRateLimiter(**FAST)
    start = time.monotonic()
    assert all(limiter.acquire() for _ in range(5))

    async def acquire() -> list[bool]:
        return await asyncio.gather(*(limiter.aacquire() for _ in range(5)))

    assert all(asyncio.run(acquire()))
    # Not less; how much more is up to the machine.
    assert time.monotonic() - start >= 9 / 200


@pytest.mark.parametrize(
    "settings",
    [{"requests_per_second": 0}, {"check_every_n_seconds": -1}, {"max_bucket_size": 0.5}, {"requests_per_second": "a"}],
)
def test_a_rate_at_which_nothing_could_pass_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        InMemoryRateLimiter(**settings)


def limiters() -> list[BaseRateLimiter]:
    full = TokenRateLimiter(requests_per_minute=1)
    assert full.acquire()
    return [InMemoryRateLimiter(requests_per_second=0.001), full]


@pytest.mark.parametrize("which", [0, 1])
def test_waiting_can_be_cancelled_in_both_colours(which: int) -> None:
    limiter = limiters()[which]

    async def waiting() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limiter.aacquire(), 0.02)

    asyncio.run(waiting())
    scope = Scope()
    threading.Timer(0.02, scope.cancel).start()
    with pytest.raises(Cancelled):
        scoped(limiter.acquire, scope)
    assert not getattr(limiter, "_queue", None), "nobody waits any more"


@pytest.mark.parametrize("which", [0, 1])
def test_a_run_that_waits_for_its_limiter_is_stopped_by_its_token(which: int) -> None:
    token = CancelToken()
    threading.Timer(0.02, token.cancel).start()
    with pytest.raises(Cancelled):
        FakeListChatModel(responses=["a"], rate_limiter=limiters()[which]).invoke("x", {"cancel": token})


# Tokens


@pytest.mark.parametrize(
    "settings", [{}, {"requests_per_minute": 0}, {"tokens_per_minute": -5}, {"tokens_per_minute": 5, "seconds": 0}]
)
def test_a_limiter_without_a_limit_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigError):
        TokenRateLimiter(**settings)


def admit(limiter: TokenRateLimiter, input_tokens: int, output_tokens: int) -> Any:
    return drive(limiter.admit(BLOCKING, lambda: (input_tokens, output_tokens)))


def room(limiter: TokenRateLimiter, tokens: int) -> bool:
    return limiter._tokens.fits(tokens, time.monotonic())


def test_tokens_are_reserved_and_given_back_when_the_answer_took_less() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=100)
    permit = admit(limiter, 10, 50)
    assert room(limiter, 40)
    assert not room(limiter, 41)
    permit.settle(10, 5)
    assert room(limiter, 85)
    assert not room(limiter, 86)
    permit.settle(10, 5)
    assert room(limiter, 85), "an answer is settled once"


def test_what_nobody_told_is_estimated() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=1000, expected_output_tokens=300)
    permit = admit(limiter, 10, 0)
    assert room(limiter, 690)
    assert not room(limiter, 691)
    permit.settle(None, None)
    assert room(limiter, 990)
    assert not room(limiter, 991)


def test_estimates_learn_from_what_the_provider_counts() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=10_000)
    admit(limiter, 100, 1).settle(300, 1)
    admit(limiter, 100, 100)
    assert limiter._tokens.held == pytest.approx(400, abs=5)


def test_an_answer_that_may_be_longer_than_a_minute_allows_waits_until_it_is_alone() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=100)
    admit(limiter, 10, 100_000).settle(10, 5)
    permit = limiter._request(10, 100_000)
    assert not limiter._granted(permit)
    limiter._withdraw(permit)


def test_an_input_that_could_never_be_sent_is_refused() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=100)
    with pytest.raises(ConfigError, match="about 101 tokens, more than tokens_per_minute=100"):
        admit(limiter, 101, 0)
    assert not limiter._queue


def test_requests_are_let_through_in_the_order_in_which_they_came() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=100)
    admit(limiter, 40, 10).settle(40, 10)
    large, small = limiter._request(70, 0), limiter._request(5, 0)
    assert not limiter._granted(small), "there is room for it, but it is not its turn"
    limiter._withdraw(large)
    assert limiter._granted(small)


def test_who_is_let_through_and_cancelled_at_once_gives_its_room_back() -> None:
    limiter = TokenRateLimiter(tokens_per_minute=100)
    request = limiter._request(10, 80)
    assert limiter._granted(request)
    limiter._withdraw(request)
    assert room(limiter, 100)


def test_requests_alone_are_counted_without_estimating() -> None:
    limiter = TokenRateLimiter(requests_per_minute=2)
    model = FakeListChatModel(responses=["a"], rate_limiter=limiter)
    model.invoke("x")
    model.invoke("x")
    assert not limiter.acquire(blocking=False)
    assert not asyncio.run(limiter.aacquire(blocking=False))


def test_a_copied_model_keeps_to_the_same_limit() -> None:
    limiter = TokenRateLimiter(requests_per_minute=2)
    assert copy.deepcopy(FakeListChatModel(responses=["a"], rate_limiter=limiter)).rate_limiter is limiter


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 40)), max_size=40), st.integers(40, 100))
def test_no_span_of_time_holds_more_than_the_limit(requests: list[tuple[float, int]], limit: int) -> None:
    window, now = Window(limit, 1.0), 0.0
    used: list[tuple[float, int]] = []
    for pause, amount in requests:
        now += pause
        if window.fits(amount, now):
            window.use(amount, now)
            used.append((now, amount))
    for start, _ in used:
        assert sum(amount for when, amount in used if start <= when < start + 1.0) <= limit


class Simulated(asyncio.SelectorEventLoop):
    """An event loop in whose time nothing takes longer than it says: where all wait, the clock is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        select = self._selector.select  # type: ignore[attr-defined]  # asyncio's own

        def put_forward(timeout: float | None) -> Any:
            events = select(0)
            if not events and timeout:
                self.now += timeout
            return events

        self._selector.select = put_forward  # type: ignore[attr-defined]  # as above

    def time(self) -> float:
        return self.now


class Server:
    """A provider that counts the tokens of any 60 seconds, and refuses what is over its limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = self.used = 0
        self._lock = threading.Lock()
        self._counted: deque[tuple[float, int]] = deque()

    def take(self, tokens: int, now: float, seconds: float = 60) -> None:
        with self._lock:
            while self._counted and self._counted[0][0] <= now - seconds:
                self._counted.popleft()
            if sum(each for _, each in self._counted) + tokens > self.limit:
                self.refused += 1
                return
            self._counted.append((now, tokens))
            self.used += tokens


class Served(BaseChatModel):
    """Asks a server, which counts what it reads when it comes and what it writes at the end."""

    server: Server
    max_tokens: int = 300

    @property
    def _llm_type(self) -> str:
        return "served"

    def _sizes(self, messages: list[BaseMessage]) -> tuple[int, int, float]:
        size = len(messages[0].text)
        return size // 3, 50 + size % 187, 0.3 + size % 41 / 10

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        read, wrote, takes = self._sizes(messages)
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(takes / 10)
        self.server.take(read, clock())
        await asyncio.sleep(takes)
        self.server.take(wrote, clock())
        return _answer(read, wrote)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        read, wrote, takes = self._sizes(messages)
        time.sleep(takes / 2000)
        self.server.take(read + wrote, time.monotonic(), seconds=1.0)
        return _answer(read, wrote)


def _answer(read: int, wrote: int) -> ChatResult:
    usage: Any = {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}
    return ChatResult(generations=[ChatGeneration(message=AIMessage("a", usage_metadata=usage))])


QUESTIONS = ["x" * (200 + 31 * number % 1201) for number in range(500)]


@pytest.mark.parametrize("width", [8, 40, 500])
def test_in_500_calls_a_server_never_refuses_and_its_limit_is_used(width: int) -> None:
    server = Server(limit=40_000)
    limiter = TokenRateLimiter(tokens_per_minute=server.limit)
    model = Served(server=server, rate_limiter=limiter)
    with asyncio.Runner(loop_factory=Simulated, debug=False) as runner:  # many thousands of turns
        loop: Any = runner.get_loop()
        limiter._clock = began_at = loop.time
        began = began_at()
        runner.run(model.abatch(QUESTIONS, {"max_concurrency": width}))
        minutes = (loop.time() - began) / 60
    assert server.refused == 0
    # A minute's worth may be used at the start, so the time until then is not the limiter's to fill.
    assert server.used >= 0.85 * server.limit * max(minutes, 1)


def test_threads_that_share_a_limiter_are_never_refused() -> None:
    server = Server(limit=30_000)
    model = Served(server=server, rate_limiter=TokenRateLimiter(tokens_per_minute=server.limit, seconds=1.0))
    model.batch(QUESTIONS[:140], {"max_concurrency": 12})
    assert server.refused == 0
    assert server.used > 1.5 * server.limit, "more than the limit allows at once"


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_requests_of_the_parent_do_not_hold_up_a_forked_child():
    limiter = TokenRateLimiter(requests_per_minute=2)
    permits = [drive(limiter.admit(BLOCKING, lambda: (1, 1))) for _ in range(2)]

    def work():
        assert limiter.acquire(blocking=False)
        permits[0].settle(1, 1)
        assert limiter.acquire(blocking=False)
        assert not limiter.acquire(blocking=False)

    assert passes_in_child(work)
    assert not limiter.acquire(blocking=False)
