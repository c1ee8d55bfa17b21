"""The limits over all workers, on a clock of the test: what is allowed is used, and what is refused is learned from."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from prill.bulk.limits import Heard, Limits, read_limit, read_retry_after
from prill.bulk.rates import Leases, Seen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bucket:
    """A provider that fills a bucket of ``burst`` requests at ``rate`` a second."""

    def __init__(self, rate: float, burst: float, says_when: bool = True) -> None:
        self.rate, self.burst, self.says_when = rate, burst, says_when
        self._left, self._at = burst, 0.0

    def answer(self, now: float) -> Heard:
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return Heard(200, {})
        return Heard(429, {"retry-after": "1"} if self.says_when else {})


class Window:
    """A provider that allows ``rate`` requests in each second of its clock."""

    def __init__(self, rate: float, seconds: float = 1.0) -> None:
        self.rate, self.seconds = rate, seconds
        self._number, self._count = -1, 0

    def answer(self, now: float) -> Heard:
        if int(now / self.seconds) != self._number:
            self._number, self._count = int(now / self.seconds), 0
        self._count += 1
        if self._count <= self.rate * self.seconds:
            return Heard(200, {})
        return Heard(429, {"retry-after": str(self.seconds - now % self.seconds)})


def simulate(
    provider: Any, seconds: float, *, workers: int = 100, latency: float = 0.3, at: dict[float, Callable[[], None]]
) -> list[tuple[float, int]]:
    """The moment and the status of each answer, where ``workers`` calls are always wanted."""
    clock = Clock()
    limits = Limits(clock=clock)
    events: list[tuple[float, int, Any]] = []
    answers: list[tuple[float, int]] = []
    order = 0
    changes = deque(sorted(at.items()))
    for _ in range(workers):
        limits.ask(0, 0)
    while clock.now < seconds:
        while changes and clock.now >= changes[0][0]:
            changes.popleft()[1]()
        for asked in limits.grant():
            order += 1
            heapq.heappush(
                events, (clock.now + latency, order, (asked, provider.answer(clock.now)._replace(seconds=latency)))
            )
        while events and events[0][0] <= clock.now:
            _, _, (asked, heard) = heapq.heappop(events)
            limits.note(heard)
            limits.settle(asked, None, None)
            answers.append((clock.now, heard.status))
            limits.ask(0, 0)
        clock.now += 0.005
    return answers


def used(answers: list[tuple[float, int]], start: float, end: float) -> tuple[float, float]:
    """Requests a second that were let through, and the share that was refused, between two moments."""
    inside = [status for at, status in answers if start <= at < end]
    good = inside.count(200)
    return good / (end - start), 1 - good / len(inside)


PROVIDERS = {
    "bucket": lambda: Bucket(50, 50),
    "small bucket": lambda: Bucket(50, 5),
    "silent bucket": lambda: Bucket(50, 10, says_when=False),
    "window": lambda: Window(50),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_limit_that_nobody_named_is_found_and_used(name: str) -> None:
    answers = simulate(PROVIDERS[name](), 120, at={})
    rate, refused = used(answers, 20, 120)
    assert rate >= 0.85 * 50
    assert refused <= 0.02


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_limit_that_is_halved_is_found_again_within_twenty_seconds(name: str) -> None:
    provider = PROVIDERS[name]()

    def halve() -> None:
        provider.rate /= 2

    answers = simulate(provider, 160, at={60: halve})
    rate, refused = used(answers, 80, 160)
    assert rate >= 0.85 * 25
    assert refused <= 0.02


def test_a_limit_that_rises_is_found_again() -> None:
    provider = Bucket(20, 20)

    def double() -> None:
        provider.rate = provider.burst = 40

    answers = simulate(provider, 240, at={60: double})
    rate, refused = used(answers, 160, 240)
    assert rate >= 0.85 * 40
    assert refused <= 0.02


def test_a_limit_of_a_minute_is_found() -> None:
    answers = simulate(Window(10, 60.0), 360, at={})
    rate, refused = used(answers, 60, 360)
    assert rate >= 0.8 * 10
    assert refused <= 0.02


def test_a_retry_after_holds_all_calls() -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    for _ in range(5):
        limits.ask(0, 0)
    limits.grant()
    limits.note(Heard(429, {"retry-after": "7"}))
    limits.ask(0, 0)
    clock.now = 6.9
    assert limits.grant() == []
    clock.now = 7.05
    assert len(limits.grant()) == 1
    assert limits.refused == 1


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("what", ["requests", "tokens"])
def test_one_limit_holds_over_all_workers_in_any_minute_and_is_used(workers: int, what: str) -> None:
    clock = Clock()
    limits = Limits(600 if what == "requests" else None, 60_000 if what == "tokens" else None, clock=clock)
    leases = Leases(limits)
    taken: list[float] = []
    flying: list[tuple[float, int, int]] = []
    waiting: list[set[int]] = [set() for _ in range(workers)]
    number = 0
    while clock.now < 300:
        for worker in range(workers):
            ended = [one for one in flying if one[1] == worker and one[0] <= clock.now]
            flying = [one for one in flying if one not in ended]
            wants = []
            while len(waiting[worker]) + sum(one[1] == worker for one in flying) < 40:
                number += 1
                wants.append((number, 60, 40))
                waiting[worker].add(number)
            leases.take(worker, Seen(wants, [(one[2], 60, 40) for one in ended], [], []))
            lease = leases.give(worker)
            for given in lease.numbers if lease is not None else ():
                waiting[worker].discard(given)
                flying.append((clock.now + 1.0, worker, given))
                taken.append(clock.now)
        clock.now += 0.05
    size = 1 if what == "requests" else 100
    allowed = 600 if what == "requests" else 60_000
    for start in range(240):
        assert sum(start <= at < start + 60 for at in taken) * size <= allowed
    assert len(taken) * size >= 0.9 * allowed * 5


def test_a_call_with_more_tokens_than_the_limit_goes_alone() -> None:
    clock = Clock()
    limits = Limits(None, 1000, clock=clock)
    small, large, last = limits.ask(100, 100), limits.ask(50_000, 100), limits.ask(100, 100)
    assert limits.grant() == [small]
    limits.settle(small, 100, 100)
    clock.now = 59.0
    assert limits.grant() == []
    clock.now = 61.0
    assert limits.grant() == [large]  # its size is an estimate: the provider decides
    limits.settle(large, 900, 50)
    assert limits.grant() == []
    clock.now = 130.0
    assert limits.grant() == [last]


def test_a_limit_that_headers_name_is_kept() -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    limits.note(Heard(200, {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "9"}))
    for _ in range(50):
        limits.ask(0, 0)
    assert len(limits.grant()) == 10


def test_a_limit_that_was_given_goes_before_one_of_headers() -> None:
    limits = Limits(requests=3, clock=Clock())
    limits.note(Heard(200, {"x-ratelimit-limit-requests": "10"}))
    for _ in range(50):
        limits.ask(0, 0)
    assert len(limits.grant()) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-limit-requests": "many"},
    ],
)
def test_headers_that_say_nothing_are_ignored(headers: dict[str, str]) -> None:
    limits = Limits(clock=Clock())
    limits.note(Heard(200, headers))
    for _ in range(500):
        limits.ask(0, 0)
    assert len(limits.grant()) == 500


def test_nothing_left_in_headers_is_waited_for() -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    headers = {"limit": "60", "remaining": "0", "reset": "1s"}
    limits.note(Heard(200, {f"x-ratelimit-{name}-requests": value for name, value in headers.items()}))
    limits.ask(0, 0)
    assert limits.grant() == []
    clock.now = 1.1
    assert len(limits.grant()) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("12ms", 0.012), ("1h2m3.5s", 3723.5), ("7", 7.0), ("soon", None), ("", None)],
)
def test_a_reset_is_read_in_every_spelling(text: str, seconds: float | None) -> None:
    headers = {"x-ratelimit-limit-tokens": "5", "x-ratelimit-reset-tokens": text}
    assert read_limit(headers, "tokens")[2] == seconds


def test_headers_of_anthropic_are_read() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z",
    }
    assert read_limit(headers, "requests") == (50, 49, 0.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "3"}, 3.0), ({"retry-after-ms": "250"}, 0.25), ({"retry-after": "tomorrow"}, None), ({}, None)],
)
def test_a_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_where_nothing_limits_calls_a_worker_is_told_so_until_something_does() -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    leases = Leases(limits)
    leases.take("worker", None)
    lease = leases.give("worker")
    assert lease is not None
    assert lease.free
    assert leases.give("worker") is None
    leases.take("worker", Seen([], [], [], [Heard(429, {"retry-after": "1"})]))
    lease = leases.give("worker")
    assert lease is not None
    assert not lease.free


def test_a_worker_that_is_lost_gives_back_what_it_waited_for_and_keeps_what_it_may_have_sent() -> None:
    limits = Limits(requests=3, clock=Clock())
    leases = Leases(limits)
    leases.take("lost", Seen([(number, 0, 0) for number in range(5)], [], [], []))
    lease = leases.give("lost")
    assert lease is not None
    assert len(lease.numbers) == 3
    leases.lose("lost")
    leases.take("other", Seen([(1, 0, 0)], [], [], []))
    other = leases.give("other")
    assert other is None or not other.numbers
