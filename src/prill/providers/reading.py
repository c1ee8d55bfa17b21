"""Reading a provider's stream: bytes in, chunks out, without any waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from prill.errors import PrillError
from prill.providers.http.error_bodies import QUOTED, has_words, reports_error
from prill.providers.http.message import BadBody
from prill.transducers.event_json import EventJSON, read_json
from prill.transducers.event_template import EventTemplate
from prill.transducers.sse import ServerSentEvent, SSEDecoder

Chunk = TypeVar("Chunk")
Made = TypeVar("Made", covariant=True)

_START = 20_000
"""How many bytes of a body that holds no event are kept, to say what it is instead."""


_LONGEST = 4_000_000
"""How many bytes of one event are held; what is longer is read line by line."""

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""How many bytes may come without an event's end."""


class ProviderError(Exception):
    """An error that a vendor sent inside a stream; ``payload`` is its JSON."""

    def __init__(self, payload: Any) -> None:
        super().__init__("an error inside the stream")
        self.payload = payload


def read_event(reader: EventJSON, event: ServerSentEvent) -> Any:
    """The JSON of an event.

    Raises:
        ProviderError: the event is of the type ``error``, whatever its data is.
        ValueError: the data is not JSON.
    """
    try:
        payload = reader.read(event.data)
    except ValueError:
        if event.event != "error":
            raise
        raise ProviderError({"error": {"message": event.data.decode("utf-8", "replace")}}) from None
    if event.event == "error":
        raise ProviderError(payload)
    return payload


def check_error(payload: Any, *, expected: str = "") -> None:
    """Raise ``ProviderError`` if the JSON is an error of the provider, in any of the forms that servers use.

    ``expected`` is the key without which an object with words for a person (``message``, ``detail`` …) is an error.
    """
    if isinstance(payload, list) and payload and isinstance(payload[0], dict) and payload[0].get("error"):
        raise ProviderError(payload[0])
    if not isinstance(payload, dict):
        return
    if reports_error(payload) or (not payload.get(expected) and has_words(payload)):
        raise ProviderError(payload)


class Framing(Protocol):
    """How the bytes of a stream are cut into events: ``SSEDecoder``, ``JSONArrayDecoder``, ``JSONLinesDecoder`` …"""

    def feed(self, data: bytes, /) -> list[ServerSentEvent]:
        """The events that the next bytes complete; raises ``ValueError`` for bytes that cannot be."""

    def finish(self) -> list[ServerSentEvent]:
        """The events that only the stream's end completes."""


class StreamDecoder(Protocol[Made]):
    """A vendor's stream as a transducer: events in, chunks out.

    Events are server-sent ones, unless an attribute ``framing`` is another class that cuts them out of the bytes.

    A decoder that keeps the usage for the last chunk says it in an attribute ``usage``, for answers that break off.
    One whose events often differ in a text only says so in an attribute ``text_delta``: see ``TextDelta``.
    """

    ended: bool
    """Whether the vendor's sign that the answer is whole has come."""

    def feed(self, event: ServerSentEvent) -> Iterable[Made]:
        """The chunks of one event; raises ``ProviderError`` for an error that the vendor sent."""

    def finish(self) -> Iterable[Made]:
        """The chunks known only at the end of the stream."""


class TextDelta(NamedTuple):
    """What a decoder says of the event it was fed last, if that brought nothing but a text, the next piece of many.

    ``payload`` is the event's JSON and ``place[key]`` the text in it. ``chunks`` makes the chunks of events that are
    the same but for their text: one of each text, where no text is empty. That of some texts joined must be what their
    chunks add up to. ``kept`` is where the decoder keeps the texts for later, if it does.
    """

    payload: Any
    place: dict[str, Any]
    key: str
    chunks: Callable[[Sequence[str]], list[Any]]
    kept: list[str] | None = None


class WrongShape(Exception):
    """A provider sent no valid JSON, or JSON of another shape than the protocol's; the cause says where."""


Batch = tuple[Sequence[Chunk], Chunk]
"""Chunks, and what they add up to."""


class Reading(Generic[Chunk]):
    """A stream as it is read: bytes in, chunks out, in batches.

    An event that is like the one before but for its text is not parsed (see ``EventTemplate``); with
    ``parse_without_template`` every event is. The chunks are the same. Each chunk is made when it is asked for, or with
    the others of its batch.
    """

    def __init__(self, decoder: StreamDecoder[Chunk], *, parse_without_template: bool = False) -> None:
        self.decoder = decoder
        self.seen = 0
        """How many events have come."""
        self.start = b""
        """The start of the body, until the first event has arrived."""
        framing = getattr(decoder, "framing", None)
        self._framing: Framing = SSEDecoder() if framing is None else framing()
        self._is_sse = framing is None
        self._rest: list[bytes] = []  # of an event whose end has not come; joined once, so linear
        self._held = 0  # bytes of it
        self._unended = 0  # bytes that came since the last event
        self._form = (
            EventTemplate("obfuscation", "p")
            if self._is_sse and hasattr(decoder, "text_delta") and not parse_without_template
            else None
        )
        self._delta: TextDelta | None = None  # what the form is that of
        self._json: list[bytes] | None = None  # the body, where it is one JSON value instead of events

    def feed(self, data: bytes) -> Iterator[Batch[Chunk]]:
        """The chunks that the next bytes complete.

        Raises:
            ProviderError: the vendor sent an error.
            WrongShape: these are not events of the protocol.
            BadBody: an event is longer than any is.
        """
        seen = self.seen
        if not seen:
            if self._is_sse and self._json is None and not self.start.strip() and data.lstrip()[:1] in (b"{", b"["):
                self._json = []
            self.start += data[: _START - len(self.start)]
            if self._json is not None:
                self._json.append(data)
                return
        self._unended += len(data)
        if self._unended > MAX_EVENT_BYTES:
            raise BadBody(f"an event is longer than {MAX_EVENT_BYTES} bytes")
        form = self._form
        if form is None:
            yield from self._parsed(data)
        elif b"\r" in data or self._held > _LONGEST:
            # Lines end otherwise in this stream, or it is none: where its events end, only their decoder knows.
            self._form = None
            yield from self._parsed(self._joined(data))
        elif b"\n\n" in data or (self._rest and data.startswith(b"\n") and self._rest[-1].endswith(b"\n")):
            events, _, rest = self._joined(data).rpartition(b"\n\n")
            self._hold(rest)
            yield from self._read(events, form)
        else:
            self._hold(data)
        if self.seen > seen:
            self._unended = 0

    def finish(self) -> Iterator[Batch[Chunk]]:
        """The chunks known only at the stream's end; afterwards ``decoder.ended`` says whether the answer is whole.

        Raises as ``feed`` does.
        """
        if self._json is not None:
            yield from self._whole(b"".join(self._json))
            return
        if not self.decoder.ended:
            for event in (*self._events(self._joined(b"")), *self._framing.finish()):
                if _keeps_alive(event):
                    continue
                self.seen += 1
                for chunk in self._fed_last(event):
                    yield (chunk,), chunk
        if self.seen:
            for chunk in checked(self.decoder.finish):
                yield (chunk,), chunk

    def _whole(self, body: bytes) -> Iterator[Batch[Chunk]]:
        """The chunks of an answer in one piece, which some servers give though a stream was asked for."""
        whole = getattr(self.decoder, "whole", None)
        try:
            payload = read_json(body)
        except ValueError:
            return
        if whole is None:
            return
        self.seen = 1
        for chunk in checked(whole, payload):
            yield (chunk,), chunk
        self.decoder.ended = True

    def _hold(self, data: bytes) -> None:
        if data:
            self._rest.append(data)
            self._held += len(data)

    def _joined(self, data: bytes) -> bytes:
        """What was held, and ``data``."""
        if not self._rest:
            return data
        data = b"".join((*self._rest, data))
        self._rest.clear()
        self._held = 0
        return data

    def _read(self, data: bytes, form: EventTemplate) -> Iterator[Batch[Chunk]]:
        """The chunks of whole events, without the last one's blank line."""
        try:
            events = data.decode().split("\n\n")
        except UnicodeDecodeError:
            self._delta = None
            yield from self._parsed(data + b"\n\n")
            return
        at = 0
        while at < len(events):
            if self._delta is not None and (texts := form.texts(events, at)):
                at += len(texts)
                self.seen += len(texts)
                yield _repeated(self._delta, texts)
                continue
            seen = self.seen
            yield from self._parsed(events[at].encode() + b"\n\n")
            if self.seen > seen:  # it was more than a comment
                self._learn(events[at], form)
            at += 1

    def _parsed(self, data: bytes) -> Iterator[Batch[Chunk]]:
        for event in self._events(data):
            if _keeps_alive(event):
                continue
            self.seen += 1
            for chunk in checked(self.decoder.feed, event):
                yield (chunk,), chunk

    def _events(self, data: bytes) -> Iterable[ServerSentEvent]:
        if self._is_sse:  # which any bytes are
            return self._framing.feed(data)
        return checked(self._framing.feed, data)

    def _learn(self, event: str, form: EventTemplate) -> None:
        piece: TextDelta | None = self.decoder.text_delta  # type: ignore[attr-defined]  # it has, where there is a form
        learned = piece is not None and form.learn(event, piece.payload, piece.place, piece.key)
        self._delta = piece if learned else None

    def _fed_last(self, event: ServerSentEvent) -> Iterable[Chunk]:
        """The chunks of an event that lacks its end: no whole JSON is the rest of a cut stream, and no nonsense."""
        try:
            return list(checked(self.decoder.feed, event))
        except WrongShape as error:
            if isinstance(error.__cause__, ValueError):
                return ()
            raise


def _keeps_alive(event: ServerSentEvent) -> bool:
    """Whether an event only keeps the connection open: its data says nothing, or is a comment in the wrong place."""
    data = event.data
    if len(data) > _LONGEST_SIGN:
        return False
    return data.strip() in _SIGNS or data.startswith(b":") or event.event in _SIGN_NAMES


_LONGEST_SIGN = 200
_SIGNS = frozenset((b"", b'{"type":"ping"}', b'{"type": "ping"}'))
_SIGN_NAMES = frozenset(("ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"))


def _repeated(piece: TextDelta, texts: list[str]) -> Batch[Any]:
    """The chunks of events that are like one before but for their texts."""
    if piece.kept is not None:
        piece.kept.extend(texts)
    chunks = piece.chunks(texts)
    return chunks, chunks[0] if len(chunks) == 1 else piece.chunks(("".join(texts),))[0]


def checked(decode: Callable[..., Iterable[Chunk]], *given: Any) -> Iterator[Chunk]:
    """What ``decode`` gives; where it fails because of what it was given, it raises ``WrongShape``.

    Only reading JSON of another shape than the protocol's counts as that: an attribute that an object of ours lacks is
    our own mistake, and passes as it is.
    """
    try:
        yield from decode(*given)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, PrillError):
            raise
        raise _wrong_shape(error, given) from error
    except AttributeError as error:
        if not isinstance(error.obj, _JSON):
            raise
        raise _wrong_shape(error, given) from error


def _wrong_shape(error: Exception, given: tuple[Any, ...]) -> WrongShape:
    """What was wrong, and the start of the event that it was wrong with."""
    text = f"{type(error).__name__}: {error}"
    if given and isinstance(given[0], ServerSentEvent):
        text = f"{text}: {given[0].data[:QUOTED].decode('utf-8', 'replace')}"
    return WrongShape(text)


_JSON = (dict, list, str, int, float, NoneType)
