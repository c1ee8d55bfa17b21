"""How many runs each principal may have at once, and how many it may start in a minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from prill.errors import RequestError
from prill.io.event_loop import Signal
from prill.serve.settings import Settings

_MINUTE = 60.0


class _Account:
    """What one principal has in use."""

    __slots__ = ("running", "starts", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.starts: deque[float] = deque()
        self.waiting: deque[Signal[None]] = deque()


class Permits:
    """Gives out places for runs: each is given back once."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._accounts: dict[str | None, _Account] = {}

    def running(self, principal: str | None) -> int:
        """How many runs the principal has now."""
        account = self._accounts.get(principal)
        return account.running if account is not None else 0

    async def take(self, principal: str | None) -> None:
        """Take a place for one run; the request waits in a bounded queue where all are taken.

        Raises:
            RequestError: 429 with ``retry_after``.
        """
        settings = self._settings
        if settings.concurrent_runs is None and settings.runs_per_minute is None:
            return
        account = self._accounts.setdefault(principal, _Account())
        self._count_start(account)
        if settings.concurrent_runs is not None and account.running >= settings.concurrent_runs:
            await self._wait(account)
            return  # the one who left has handed its place over
        account.running += 1

    def give_back(self, principal: str | None) -> None:
        """Give a place back, or hand it to the request that waits longest."""
        account = self._accounts.get(principal)
        if account is not None:
            self._pass_on(account)
            self._forget_idle(principal, account)

    def _count_start(self, account: _Account) -> None:
        most = self._settings.runs_per_minute
        if most is None:
            return
        now = self._clock()
        while account.starts and account.starts[0] <= now - _MINUTE:
            account.starts.popleft()
        if len(account.starts) >= most:
            wait = account.starts[0] + _MINUTE - now
            raise _refuse(f"more than {most} runs in a minute", "rate_limit_exceeded", wait)
        account.starts.append(now)

    async def _wait(self, account: _Account) -> None:
        settings = self._settings
        if len(account.waiting) >= settings.waiting_runs:
            raise _refuse(f"{settings.concurrent_runs} runs are going on", "too_many_runs", 1.0)
        turn: Signal[None] = Signal()
        account.waiting.append(turn)
        try:
            await turn.wait(settings.wait_for_place)
        except BaseException as error:
            if turn.is_set:  # the place was handed over in the same moment
                self._pass_on(account)
            else:
                account.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise _refuse("no run has ended in time", "too_many_runs", 1.0) from None
            raise

    def _pass_on(self, account: _Account) -> None:
        while account.waiting:
            next_one = account.waiting.popleft()
            if not next_one.is_set:
                next_one.set(None)
                return
        account.running -= 1

    def _forget_idle(self, principal: str | None, account: _Account) -> None:
        recent = account.starts and account.starts[-1] > self._clock() - _MINUTE
        if not account.running and not account.waiting and not recent:
            self._accounts.pop(principal, None)


def _refuse(text: str, code: str, wait: float) -> RequestError:
    return RequestError(f"too many requests: {text}", status=429, code=code, retry_after=max(wait, 1.0))
