"""What may go wrong on the way from a provider: delays, stalls, cuts, errors and nonsense, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, fields

from prill.errors import ConfigError

_POSITIVE = frozenset({"split", "keepalive"})


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How an answer misbehaves; the default is an answer that arrives whole and at once.

    Times are in seconds, sizes in bytes of the body, and positions count the events of the answer from 0 (so
    ``stall_at=3`` lets three events through). Faults combine: ``Faults(pace=0.01, cut_after_events=5)``. A plain
    (not streamed) answer is one event.

    When:
        pace: time between two events.
        first_delay: time before the status line and headers.
        first_event_delay: time between the headers and the first event.
        stall_at: fall silent before this event and keep the connection open. ``stall_at=0`` sends only headers.
        stall_for: how long the silence lasts before the answer goes on; ``None`` is for ever.
        keepalive: during a stall, send the provider's ping (or an SSE comment) this often.

    How:
        split: send the body in writes of this many bytes, wherever that falls in a character or a line.
        cut_after: break the connection after this many bytes of body.
        cut_after_events: break the connection after this many events.
        reset: break with a TCP reset (``ECONNRESET``; unread data may be lost) instead of an early end.

    What:
        status: answer with this error status and the provider's error body instead of the reply.
        retry_after: the ``retry-after`` header of that error.
        error_event: send the provider's error event in place of this event, and end there.
        error_type, error_code, error_message: what the error says; by default what fits the status or event.
        html_200: answer 200 with an HTML page, as a proxy or a captive portal does.
        garbage_line: before this event, send one whose data is not JSON.
        garbage: the raw text to send there instead (two line ends are added).
    """

    pace: float = 0.0
    first_delay: float = 0.0
    first_event_delay: float = 0.0
    stall_at: int | None = None
    stall_for: float | None = None
    keepalive: float | None = None
    split: int | None = None
    cut_after: int | None = None
    cut_after_events: int | None = None
    reset: bool = False
    status: int | None = None
    retry_after: float | None = None
    error_event: int | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    html_200: bool = False
    garbage_line: int | None = None
    garbage: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float):
                continue
            if value < 0 or (value == 0 and field.name in _POSITIVE):
                raise ConfigError(f"Faults({field.name}={value!r}): give a number above zero, or leave it out.")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ConfigError(f"Faults(status={self.status}): an error's status is between 400 and 599.")


NO_FAULTS = Faults()

HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n"


def edit_events(events: list[bytes], faults: Faults, error_event: bytes, garbage: bytes) -> list[bytes]:
    """The events that are really sent: up to the error, garbage put in."""
    if faults.error_event is not None:
        events = [*events[: faults.error_event], error_event]
    if faults.garbage_line is not None:
        if faults.garbage is not None:
            garbage = faults.garbage.encode() + b"\n\n"
        events = [*events[: faults.garbage_line], garbage, *events[faults.garbage_line :]]
    return events
