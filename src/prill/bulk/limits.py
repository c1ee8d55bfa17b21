"""One limit over all workers: who may call a model now."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from prill.bulk.pace import Pace
from prill.io import make_lock
from prill.rate_limiters import Window

MINUTE = 60.0
ARRIVAL = 0.1
"""The part of the time of a limit within which a request has surely come to the provider."""
_ANSWER = 512
"""Tokens that an answer is expected to have where the model sets no ``max_tokens``."""


class Asked:
    """A call that waits, then is in flight: its estimate of tokens, and when it was let through."""

    __slots__ = ("estimated", "granted", "number", "reserved")

    def __init__(self, number: int, estimated: int, reserved: int) -> None:
        self.number = number
        self.estimated = estimated
        self.reserved = reserved
        self.granted: float | None = None


class Heard(NamedTuple):
    """What an answer says about limits."""

    status: int
    headers: Mapping[str, str]
    seconds: float = 0.0
    """How long ago the request was sent."""


class Limits:
    """Lets calls through in the order in which they came, as the limits and the provider allow.

    Limits are for any ``seconds`` (60), however the provider cuts its minutes. A call that is in flight counts, and
    its tokens are reserved until it is known what it took. Limits that the provider's headers name are kept where none
    was given.

    Args:
        requests, tokens: in ``seconds``; ``None`` for no limit.
        adaptive: whether a refusal (429) changes the pace. Its ``retry-after`` is obeyed in any case.
    """

    def __init__(
        self,
        requests: int | None = None,
        tokens: int | None = None,
        *,
        adaptive: bool = True,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._seconds = seconds = MINUTE if seconds is None else seconds
        self._given = requests, tokens
        self._requests, self._tokens = Window(requests, seconds), Window(tokens, seconds)
        self._limits = [requests, tokens]
        self._adaptive = adaptive
        self._pace = Pace(clock())
        self._queue: deque[Asked] = deque()
        self._numbers = 0
        self._estimates = self._reports = 1
        self._lock = make_lock()
        self.refused = 0
        """How many requests were refused for their rate."""

    @property
    def free(self) -> bool:
        """Whether nothing limits calls, as far as it is known."""
        return self._limits == [None, None] and self._pace.rate is None and self._pace.held_until <= self._clock()

    def ask(self, input_tokens: int, output_tokens: int) -> Asked:
        """Queue a call that takes about so many tokens; 0 of output stands for an unknown number."""
        with self._lock:
            scaled = round(input_tokens * max(self._reports / self._estimates, 1.0))
            self._numbers += 1
            asked = Asked(self._numbers, input_tokens, self._tokens.clamp(scaled + (output_tokens or _ANSWER)))
            self._queue.append(asked)
        return asked

    def grant(self) -> list[Asked]:
        """Let through those who are first and whom there is room for; returns them."""
        granted = []
        with self._lock:
            now = self._clock()
            while self._queue:
                first = self._queue[0]
                fits = self._requests.fits(1, now) and self._tokens.fits(first.reserved, now)
                if not fits or self._pace.wait(now) > 0:
                    break
                self._queue.popleft()
                self._requests.held += 1
                self._tokens.held += first.reserved
                self._pace.send(now)
                first.granted = now
                granted.append(first)
        return granted

    def expect(self, asked: Asked) -> float:
        """Seconds after which it is worth while to look again whether a call may be made."""
        with self._lock:
            now = self._clock()
            ahead = asked.number - self._queue[0].number if self._queue else 0
            rate = self._pace.rate
            paced = ahead / rate if rate else 0.0
            limit = self._limits[0]
            windowed = self._seconds / limit * ahead if limit else 0.0
            held = self._pace.held_until - now
            soonest = max(self._pace.wait(now), paced, min(windowed, self._seconds / 20))
        # Not all at once behind a pause.
        return min(max(soonest, self._seconds / 6000), max(0.25, held))

    def withdraw(self, asked: Asked) -> None:
        """Take back a call that is not made."""
        with self._lock:
            if asked.granted is not None:
                self._requests.held -= 1
                self._tokens.held -= asked.reserved
                asked.granted = None
            elif asked in self._queue:
                self._queue.remove(asked)

    def settle(self, asked: Asked, input_tokens: int | None, output_tokens: int | None) -> None:
        """Note what a call took; ``None`` where nobody knows."""
        with self._lock:
            if asked.granted is None:
                return
            now = self._clock()
            # The provider counts a request, and what it reads, when it comes.
            counted = min(now, asked.granted + self._seconds * ARRIVAL)
            self._requests.held -= 1
            self._tokens.held -= asked.reserved
            self._requests.use(1, counted)
            self._tokens.use(asked.estimated if input_tokens is None else input_tokens, counted)
            self._tokens.use(output_tokens or 0, now)
            if input_tokens and asked.estimated:
                self._estimates += asked.estimated
                self._reports += input_tokens
            asked.granted = None

    def note(self, heard: Heard) -> None:
        """Learn from the status and the headers of an answer."""
        with self._lock:
            now = self._clock()
            retry_after = read_retry_after(heard.headers)
            if heard.status in (429, 529):
                self.refused += 1
                if self._adaptive:
                    self._pace.refuse(now, retry_after, now - heard.seconds)
                elif retry_after is not None:
                    self._pace.hold(now + min(retry_after, MINUTE))
                return
            if retry_after is not None and heard.status >= 500:
                self._pace.hold(now + min(retry_after, MINUTE))
            elif heard.status < 400:
                self._pace.accept(now)
            for number, what in enumerate(("requests", "tokens")):
                self._learn(number, *read_limit(heard.headers, what), now)

    def _learn(self, number: int, limit: int | None, remaining: int | None, reset: float | None, now: float) -> None:
        if limit is None:
            return
        if self._given[number] is None and self._limits[number] != limit:
            self._limits[number] = limit
            (self._requests, self._tokens)[number].limit = limit
        if remaining == 0 and self._adaptive:
            self._pace.hold(now + min(reset or 1.0, max(1.0, self._seconds / limit)))


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``retry-after-ms`` or ``retry-after`` asks to wait, as a number or a date."""
    given = headers.get("retry-after-ms")
    try:
        if given is not None:
            return float(given) / 1000
        given = headers.get("retry-after")
        return None if given is None else max(0.0, float(given))
    except ValueError:
        return None


def read_limit(headers: Mapping[str, str], what: str) -> tuple[int | None, int | None, float | None]:
    """A provider's limit, what remains of it, and the seconds until it is whole again.

    All ``None`` where the headers do not say it, or say what cannot be: some send -1 or 0 for a limit they do not know.
    The headers are those of [OpenAI](https://platform.openai.com/docs/guides/rate-limits) and
    [Anthropic](https://docs.anthropic.com/en/api/rate-limits).
    """
    for name in (f"x-ratelimit-{{}}-{what}", f"anthropic-ratelimit-{what}-{{}}"):
        limit = _number(headers.get(name.format("limit")))
        if limit is not None and limit > 0:
            remaining = _number(headers.get(name.format("remaining")))
            reset = _read_reset(headers.get(name.format("reset")) or "")
            return limit, remaining if remaining is not None and remaining >= 0 else None, reset
    return None, None, None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text.strip()) else None


_SPANS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _read_reset(text: str) -> float | None:
    """Seconds out of ``6m0s``, ``12ms``, ``1.5`` or a time in RFC 3339."""
    if re.fullmatch(r"[\d.]+", text):
        return float(text)
    parts = re.findall(r"([\d.]+)(ms|[dhms])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _SPANS[unit] for number, unit in parts)
    try:
        return max(0.0, (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
