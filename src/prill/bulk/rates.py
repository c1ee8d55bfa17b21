"""How a worker keeps to the limits: with the driver in its process, or by leases from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from prill.bulk.limits import Asked, Heard, Limits
from prill.callbacks.model_calls import Estimate
from prill.io import ExecutionMode, make_lock
from prill.rate_limiters import Permit


class Limiter(Protocol):
    """Lets calls of models pass in one worker."""

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        """Wait until a call may be made."""

    def note_headers(self, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Note the status and headers of an answer to a request that was sent so many seconds ago."""

    def report(self) -> Any:
        """What the driver has to know since the last report; ``None`` if there is nothing."""

    def lease(self, given: Any) -> None:
        """Take what the driver gives."""


class LocalLimiter:
    """The limits themselves, in the driver's process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        asked = self._limits.ask(*estimate())
        try:
            while asked not in self._limits.grant() and asked.granted is None:
                await io.sleep(self._limits.expect(asked))
        except BaseException:
            self._limits.withdraw(asked)
            raise
        return _LocalPermit(self._limits, asked)

    def note_headers(self, status: int, headers: Mapping[str, str], seconds: float) -> None:
        self._limits.note(Heard(status, headers, seconds))

    def report(self) -> None:
        return None

    def lease(self, given: Any) -> None:
        """Nothing is leased here."""


class _LocalPermit(Permit):
    def __init__(self, limits: Limits, asked: Asked) -> None:
        self._limits = limits
        self._asked = asked

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        self._limits.settle(self._asked, input_tokens, output_tokens)


class Seen(NamedTuple):
    """What a worker reports: calls that wait as ``(number, input tokens, output tokens)``, calls that have ended as
    ``(number, input tokens, output tokens)``, calls that wait no more, and what answers said."""

    wants: Sequence[tuple[int, int, int]]
    ended: Sequence[tuple[int, int | None, int | None]]
    left: Sequence[int]
    heard: Sequence[Heard]


class Lease(NamedTuple):
    """What the driver gives: the calls that may be made; ``free`` says that all may, until another lease."""

    numbers: Sequence[int] = ()
    free: bool = False


_FREE = Permit()


def _nothing() -> None: ...


_NAMES = ("retry-after", "retry-after-ms")
_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")


class LeasedLimiter:
    """Waits for leases of the driver, which come with the rows."""

    def __init__(self) -> None:
        self._lock = make_lock()
        self._numbers = 0
        self._granted: set[int] = set()
        self._free = False
        self.on_want: Callable[[], object] = _nothing
        """Called when a call waits for a lease."""
        self._clear()

    def _clear(self) -> None:
        self._wants: list[tuple[int, int, int]] = []
        self._ended: list[tuple[int, int | None, int | None]] = []
        self._left: list[int] = []
        self._heard: list[Heard] = []

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        if self._free:
            return _FREE
        wanted = estimate()
        with self._lock:
            self._numbers += 1
            number = self._numbers
            self._wants.append((number, *wanted))
        self.on_want()
        try:
            while number not in self._granted and not self._free:
                await io.sleep(0.01)
        except BaseException:
            self._left.append(number)
            raise
        finally:
            self._granted.discard(number)
        return _LeasedPermit(self, number)

    def note_headers(self, status: int, headers: Mapping[str, str], seconds: float) -> None:
        told = {name: value for name, value in headers.items() if name in _NAMES or name.startswith(_PREFIXES)}
        self._heard.append(Heard(status, told, seconds))

    def end(self, number: int, input_tokens: int | None, output_tokens: int | None) -> None:
        """Note that a call has ended."""
        self._ended.append((number, input_tokens, output_tokens))

    def report(self) -> Seen | None:
        with self._lock:
            if not (self._wants or self._ended or self._left or self._heard):
                return None
            seen = Seen(self._wants, self._ended, self._left, self._heard)
            self._clear()
        return seen

    def lease(self, given: Lease) -> None:
        self._free = given.free
        self._granted.update(given.numbers)


class _LeasedPermit(Permit):
    def __init__(self, limiter: LeasedLimiter, number: int) -> None:
        self._limiter = limiter
        self._number = number

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        self._limiter.end(self._number, input_tokens, output_tokens)


class Leases:
    """The driver's side of the leases: who of which worker waits, and what is in flight there."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._asked: dict[Any, dict[int, Asked]] = {}
        self._owner: dict[Asked, tuple[Any, int]] = {}
        self._given: dict[Any, list[int]] = {}
        self._free: dict[Any, bool] = {}

    def take(self, worker: Any, seen: Seen | None) -> None:
        """Take a worker's report."""
        asked = self._asked.setdefault(worker, {})
        if seen is not None:
            for heard in seen.heard:
                self._limits.note(heard)
            for number, read, written in seen.ended:
                if (one := asked.pop(number, None)) is not None:
                    self._limits.settle(one, read, written)
            for number, read, written in seen.wants:
                asked[number] = one = self._limits.ask(read, written)
                self._owner[one] = worker, number
            for number in seen.left:
                self._forget(asked.pop(number, None))
        self._grant()

    def _grant(self) -> None:
        for one in self._limits.grant():
            worker, number = self._owner.pop(one)
            self._given.setdefault(worker, []).append(number)

    def give(self, worker: Any) -> Lease | None:
        """The calls of a worker that may be made now; ``None`` if nothing is new."""
        self._grant()
        free, numbers = self._limits.free, self._given.pop(worker, ())
        if not numbers and self._free.get(worker) == free:
            return None
        self._free[worker] = free
        return Lease(numbers, free)

    def waits(self, worker: Any) -> bool:
        """Whether calls of a worker wait for a lease."""
        return any(one.granted is None for one in self._asked.get(worker, {}).values())

    def lose(self, worker: Any) -> None:
        """Forget a worker that was lost; what it had in flight may have been sent, and counts."""
        for one in self._asked.pop(worker, {}).values():
            if one.granted is None:
                self._forget(one)
            else:
                self._limits.settle(one, None, None)
        self._given.pop(worker, None)
        self._free.pop(worker, None)

    def _forget(self, one: Asked | None) -> None:
        if one is not None:
            self._owner.pop(one, None)
            self._limits.withdraw(one)
