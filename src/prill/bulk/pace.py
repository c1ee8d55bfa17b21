"""The pace at which a provider lets requests through, found by trying."""

from __future__ import annotations

_CLEAN = 5.0
"""Seconds without a refusal behind which the pace at the refusal is taken for the provider's limit."""
_BACK_OFF = 1.0
"""Seconds to wait behind a refusal that does not say how long."""
_LONG = 10.0
"""Seconds over which the requests that were let through are counted well."""
_LONGEST = 60.0
_SLOWEST = 0.05


class Pace:
    """Requests a second: unlimited until the provider refuses one, then near what it lets through.

    A refusal holds all requests for as long as the provider asks. Behind it the pace is that of the requests which
    were let through, counted over the time until more may be sent. It then grows: quickly while the limit is not
    known, slowly near where it was last, and faster and faster when it is well over that and nothing was refused.

    Times are seconds of any clock that does not go back.
    """

    def __init__(self, now: float) -> None:
        self.rate: float | None = None
        self.held_until = now
        self._ceiling: float | None = None
        self._since = now
        self._accepted = 0
        self._grown = now
        self._growth = 0.5
        self._cut = 0.85
        self._next = now
        self._sent = 0

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent; 0 if it may be sent now."""
        held = self.held_until - now
        if self.rate is None:
            return max(0.0, held)
        # A few may go at once: timers are not exact.
        return max(0.0, held, self._next - 0.02 - now)

    def send(self, now: float) -> None:
        """Note that a request is sent."""
        self._sent += 1
        if self.rate is not None:
            self._next = max(self._next, now - 0.02) + 1 / self.rate

    def hold(self, until: float) -> None:
        """Send nothing before."""
        self.held_until = max(self.held_until, until)

    def accept(self, now: float) -> None:
        """Note that a request was let through."""
        self._accepted += 1
        self._grow(now)

    def refuse(self, now: float, retry_after: float | None, sent: float) -> None:
        """Note that a request, sent at ``sent``, was refused for the rate, and for how long it is asked to wait."""
        resume = now + min(max(_BACK_OFF if retry_after is None else retry_after, 0.05), _LONGEST)
        if now < self.held_until:  # it was in flight when the first was refused
            self.hold(min(resume, self.held_until + 1.0))
            return
        if sent < self._since:  # it was refused at the pace of before
            return
        self.hold(resume)
        lasted = now - self._since
        if self.rate is None:
            span = resume - self._since
            self.rate = self._accepted / span * 0.95
            self._growth = 0.5 if span < _LONG else 0.005  # a first burst says little
        elif lasted >= _CLEAN:
            self._ceiling, self._cut = self.rate, 0.85
            self.rate *= max(0.6, min(0.95, 1 / (1 + 1.5 * self._growth)))
            self._growth = 0.02
        else:
            self.rate, self._ceiling, self._growth = self.rate * self._cut, None, 0.02
            self._cut = 0.7
        self.rate = max(self.rate, _SLOWEST)
        self._since = self._grown = self._next = resume
        self._accepted = 0

    def _grow(self, now: float) -> None:
        passed = now - self._grown
        if self.rate is None or passed < 0.25:
            return
        used, self._sent, self._grown = self._sent / passed, 0, now
        if used < 0.8 * self.rate:  # nothing is known of a pace that is not kept
            return
        if self._ceiling is not None and self.rate < 1.05 * self._ceiling:
            # So slowly that a refusal is one among many requests.
            self._growth = min(0.01 if self.rate < 0.97 * self._ceiling else 0.002, 0.0005 * self.rate)
        elif self._ceiling is not None:
            self._growth = min(max(self._growth, 0.005) * 1.5**passed, 0.2)
        self.rate *= 1 + self._growth * passed
