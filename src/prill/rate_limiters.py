"""Rate limiters: a model is asked only as often as its provider allows."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode, make_lock
from prill.io.process import process_number

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "Permit", "TokenRateLimiter"]

Estimate = Callable[[], tuple[int, int]]
"""How many tokens a request is expected to take: of input, and of output."""


class Permit:
    """The leave to ask once; here of a limiter that does not count tokens."""

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Tell what the answer took, when it has ended in whichever way; ``None`` where nobody knows."""


class BaseRateLimiter(ABC):
    """Says when a model may be asked; one object may be shared by many models, threads and event loops.

    Your own is a subclass with ``acquire`` and ``aacquire``. A model waits before each request, not for answers out of
    its cache.
    """

    @abstractmethod
    def acquire(self, *, blocking: bool = True) -> bool:
        """Wait until one more request may be made; with ``blocking=False`` say at once whether it may."""

    @abstractmethod
    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Wait until one more request may be made; with ``blocking=False`` say at once whether it may."""

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        """Wait until a request that takes ``estimate()`` tokens may be made."""
        if io.blocking:
            self.acquire(blocking=True)
        else:
            await self.aacquire(blocking=True)
        return _UNCOUNTED

    def __deepcopy__(self, memo: object) -> BaseRateLimiter:
        return self  # a copy of a model keeps to the same limit

    # Pickled, a limiter is its limits alone: in another process the same numbers count for that process. One limit over
    # many processes is RedisRateLimiter, or the limits of a bulk run.


_UNCOUNTED = Permit()


class InMemoryRateLimiter(BaseRateLimiter):
    """Allows ``requests_per_second``, and after a pause up to ``max_bucket_size`` at once.

    Starts empty; waiters check again at least every ``check_every_n_seconds``.
    """

    def __init__(
        self, *, requests_per_second: float = 1, check_every_n_seconds: float = 0.1, max_bucket_size: float = 1
    ) -> None:
        _require_positive("requests_per_second", requests_per_second)
        _require_positive("check_every_n_seconds", check_every_n_seconds)
        if max_bucket_size < 1:
            raise ConfigError(f"max_bucket_size must be at least 1, not {max_bucket_size!r}")
        self.requests_per_second = requests_per_second
        self.check_every_n_seconds = check_every_n_seconds
        self.max_bucket_size = max_bucket_size
        self._lock = make_lock()
        self._available = 0.0
        self._last: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        limits = self.requests_per_second, self.check_every_n_seconds, self.max_bucket_size
        return _rebuild, (type(self), dict(zip(_BUCKET, limits, strict=True)))

    def acquire(self, *, blocking: bool = True) -> bool:
        return drive(self._acquire(BLOCKING, blocking))

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return await self._acquire(get_asyncio_mode(), blocking)

    async def _acquire(self, io: ExecutionMode, blocking: bool) -> bool:
        while (missing := self._take()) > 0:
            if not blocking:
                return False
            await io.sleep(min(missing / self.requests_per_second, self.check_every_n_seconds))
        return True

    def _take(self) -> float:
        """Take one request out of the bucket; where there is none, how much is missing."""
        with self._lock:
            now = time.monotonic()
            passed = 0.0 if self._last is None else now - self._last
            self._available = min(self._available + passed * self.requests_per_second, self.max_bucket_size)
            self._last = now
            if self._available < 1:
                return 1 - self._available
            self._available -= 1
            return 0


class TokenRateLimiter(BaseRateLimiter):
    """Keeps to a provider's requests and tokens per minute, in all models that share it.

        limiter = TokenRateLimiter(requests_per_minute=500, tokens_per_minute=30_000)
        model = ChatOpenAI(rate_limiter=limiter)

    Before a request, the tokens that it may take are reserved: an estimate of its input, which learns from the usage
    that providers report, and ``max_tokens`` for the answer (``expected_output_tokens`` where a model sets none).
    When the answer is there, what it took takes the place of the reservation. In any ``seconds`` (60; the limits are
    for that time) no more is used than the limits allow, however the provider cuts its minutes. Requests are let
    through in the order in which they came.

    It is our own, because what there is does not fit: ``limits`` does not wait, ``aiolimiter`` has one colour, and
    ``pyrate-limiter`` cannot take back what was reserved and not used.

    Raises ``ConfigError`` for a request whose input alone is over ``tokens_per_minute``: it could never be made.
    """

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        expected_output_tokens: int = 512,
        seconds: float = 60.0,
    ) -> None:
        if requests_per_minute is None and tokens_per_minute is None:
            raise ConfigError("a TokenRateLimiter needs a limit: requests_per_minute, tokens_per_minute, or both")
        for name, limit in (("requests_per_minute", requests_per_minute), ("tokens_per_minute", tokens_per_minute)):
            if limit is not None:
                _require_positive(name, limit)
        _require_positive("seconds", seconds)
        self.requests_per_minute = requests_per_minute
        self.tokens_per_minute = tokens_per_minute
        self.expected_output_tokens = expected_output_tokens
        self.seconds = seconds
        self._clock = time.monotonic
        self._lock = make_lock()
        self._process = process_number()
        self._requests = _Window(requests_per_minute, seconds)
        self._tokens = _Window(tokens_per_minute, seconds)
        self._queue: deque[_Request] = deque()
        self._numbers = 0
        self._estimated = self._reported = 1

    def __reduce__(self) -> tuple[Any, ...]:
        limits = self.requests_per_minute, self.tokens_per_minute, self.expected_output_tokens, self.seconds
        return _rebuild, (type(self), dict(zip(_WINDOW, limits, strict=True)))

    def acquire(self, *, blocking: bool = True) -> bool:
        return drive(self._acquire(BLOCKING, blocking))

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return await self._acquire(get_asyncio_mode(), blocking)

    async def _acquire(self, io: ExecutionMode, blocking: bool) -> bool:
        request = self._request(0, 0)
        if not blocking and not self._granted(request):
            self._withdraw(request)
            return False
        await self._wait(io, request)
        request.settle(0, 0)
        return True

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        input_tokens, output_tokens = estimate() if self.tokens_per_minute is not None else (0, 0)
        request = self._request(input_tokens, output_tokens or self.expected_output_tokens)
        await self._wait(io, request)
        return request

    def _request(self, estimated: int, output_tokens: int) -> _Request:
        input_tokens = round(estimated * max(self._reported / self._estimated, 1.0))
        limit = self.tokens_per_minute
        if limit is not None and estimated > limit:
            raise ConfigError(
                f"the input takes about {estimated} tokens, more than tokens_per_minute={limit}: it could never be "
                "sent. Shorten it (trim_messages), or raise the limit if the provider's is higher"
            )
        with self._lock:
            if self._process != process_number():
                self._forget_parent()
            self._numbers += 1
            request = _Request(self, self._numbers, estimated, self._tokens.clamp(input_tokens + output_tokens))
            self._queue.append(request)
        return request

    def _forget_parent(self) -> None:
        """Drop the requests of the process that this one was forked from: here they would never end."""
        self._process = process_number()
        self._queue.clear()
        self._requests.held = self._tokens.held = 0

    async def _wait(self, io: ExecutionMode, request: _Request) -> None:
        try:
            while not self._granted(request):
                await io.sleep(self._pause(request))
        except BaseException:
            self._withdraw(request)
            raise

    def _granted(self, request: _Request) -> bool:
        """Let those through who are first and whom there is room for; whether ``request`` is among them."""
        with self._lock:
            now = self._clock()
            while self._queue:
                first = self._queue[0]
                if not (self._requests.fits(1, now) and self._tokens.fits(first.reserved, now)):
                    break
                self._requests.held += 1
                self._tokens.held += first.reserved
                first.began = now
                self._queue.popleft()
        return request.began is not None

    def _pause(self, request: _Request) -> float:
        # A waiter that wakes admits all others that fit, so those at the end of a long queue need not check often.
        with self._lock:
            ahead = request.number - self._queue[0].number if self._queue else 0
        look = max(0.001, self.seconds / 600)
        return min(look * (1 + ahead / 10), 0.25)

    def _withdraw(self, request: _Request) -> None:
        with self._lock:
            if request.process != process_number():
                return
            if request.began is None:
                self._queue.remove(request)
                return
            self._requests.held -= 1
            self._tokens.held -= request.reserved

    def _settle(self, request: _Request, input_tokens: int | None, output_tokens: int | None) -> None:
        with self._lock:
            if request.began is None or request.process != process_number():
                return
            now = self._clock()
            # The provider counts a request, and what it reads, when it comes: surely before a tenth of the time.
            counted = min(now, request.began + self.seconds / 10)
            self._requests.held -= 1
            self._requests.use(1, counted)
            self._tokens.held -= request.reserved
            self._tokens.use(request.estimated if input_tokens is None else input_tokens, counted)
            self._tokens.use(output_tokens or 0, now)
            if input_tokens and request.estimated:
                self._estimated += request.estimated
                self._reported += input_tokens
            request.began = None


class _Request(Permit):
    """One request's place in the queue, then what is reserved for it."""

    __slots__ = ("_limiter", "began", "estimated", "number", "process", "reserved")

    def __init__(self, limiter: TokenRateLimiter, number: int, estimated: int, reserved: int) -> None:
        self._limiter = limiter
        self.number = number
        self.estimated = estimated
        self.reserved = reserved
        self.began: float | None = None
        self.process = process_number()

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        self._limiter._settle(self, input_tokens, output_tokens)


class _Window:
    """The amounts that count against a limit: used in the last ``seconds``, or reserved for requests in flight."""

    def __init__(self, limit: int | None, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._used: list[tuple[float, int]] = []
        self._total = 0
        self.held = 0

    def clamp(self, amount: int) -> int:
        """The largest possible reservation: the allowed length of an answer may exceed the limit of a minute."""
        return amount if self._limit is None else min(amount, self._limit)

    def fits(self, amount: int, now: float) -> bool:
        while self._used and self._used[0][0] <= now - self._seconds:
            self._total -= heappop(self._used)[1]
        return self._limit is None or self.held + self._total + amount <= self._limit

    def use(self, amount: int, when: float) -> None:
        if self._limit is not None and amount:
            heappush(self._used, (when, amount))
            self._total += amount


_BUCKET = ("requests_per_second", "check_every_n_seconds", "max_bucket_size")
_WINDOW = ("requests_per_minute", "tokens_per_minute", "expected_output_tokens", "seconds")


def _rebuild(kind: Callable[..., BaseRateLimiter], limits: dict[str, Any]) -> BaseRateLimiter:
    return kind(**limits)


def _require_positive(name: str, value: Any) -> None:
    if not isinstance(value, int | float) or value <= 0:
        raise ConfigError(f"{name} must be a number above 0, not {value!r}")
