"""Reading a provider's stream: bytes in, chunks out, without any waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from prill.errors import PrillError
from prill.providers.http.message import BadBody
from prill.transducers.event_form import EventForm
from prill.transducers.sse import ServerSentEvent, SSEDecoder

Chunk = TypeVar("Chunk")
Made = TypeVar("Made", covariant=True)

_START = 20_000
"""How many bytes of a body that holds no event are kept, to say what it is instead; of JSON all are."""


_LONGEST = 4_000_000
"""How many bytes of one event are held; what is longer is read line by line."""

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""How many bytes may come without an event's end."""


class ProviderError(Exception):
    """An error that a vendor sent inside a stream; ``payload`` is its JSON."""

    def __init__(self, payload: Any) -> None:
        super().__init__("an error inside the stream")
        self.payload = payload


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
    One whose events often differ in a text only says so in an attribute ``piece``: see ``Piece``.
    """

    ended: bool
    """Whether the vendor's sign that the answer is whole has come."""

    def feed(self, event: ServerSentEvent) -> Iterable[Made]:
        """The chunks of one event; raises ``ProviderError`` for an error that the vendor sent."""

    def finish(self) -> Iterable[Made]:
        """The chunks that only the stream's end tells."""


class Piece(NamedTuple):
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
    """What a provider sent is no JSON, or JSON of another shape than the protocol's; the cause says where."""


Batch = tuple[Sequence[Chunk], Chunk]
"""Chunks, and what they add up to."""


class Reading(Generic[Chunk]):
    """A stream as it is read: bytes in, chunks out, in batches.

    An event that is like the one before but for its text is not parsed (see ``EventForm``); with ``plainly`` every
    event is. The chunks are the same. Each chunk is made when it is asked for, or with the others of its batch.
    """

    def __init__(self, decoder: StreamDecoder[Chunk], *, plainly: bool = False) -> None:
        self.decoder = decoder
        self.seen = 0
        """How many events have come."""
        self._start: list[bytes] = []  # what came before the first event
        self._start_bytes = 0
        self._is_json = False
        framing = getattr(decoder, "framing", None)
        self._framing: Framing = SSEDecoder() if framing is None else framing()
        self._is_sse = framing is None
        self._rest: list[bytes] = []  # of an event whose end has not come; joined once, so linear
        self._held = 0  # bytes of it
        self._unended = 0  # bytes that came since the last event
        self._form = (
            EventForm("obfuscation", "p") if self._is_sse and hasattr(decoder, "piece") and not plainly else None
        )
        self._piece: Piece | None = None  # what the form is that of

    def feed(self, data: bytes) -> Iterator[Batch[Chunk]]:
        """The chunks that the next bytes complete.

        Raises:
            ProviderError: the vendor sent an error.
            WrongShape: these are not events of the protocol.
            BadBody: an event is longer than any is.
        """
        seen = self.seen
        if not seen:
            self._keep_start(data)
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

    @property
    def start(self) -> bytes:
        """The start of a body in which no event has come; all of it, if it is JSON."""
        return b"".join(self._start)

    def _keep_start(self, data: bytes) -> None:
        if not self._start:
            self._is_json = data.lstrip()[:1] in (b"{", b"[")
        if self._is_json or self._start_bytes < _START:
            self._start.append(data)
            self._start_bytes += len(data)

    def finish(self) -> Iterator[Batch[Chunk]]:
        """The chunks that only the stream's end tells; afterwards ``decoder.ended`` says whether the answer is whole.

        Raises as ``feed`` does.
        """
        if not self.decoder.ended:
            for event in (*self._events(self._joined(b"")), *self._framing.finish()):
                self.seen += 1
                for chunk in self._fed_last(event):
                    yield (chunk,), chunk
        if self.seen:
            for chunk in checked(self.decoder.finish):
                yield (chunk,), chunk

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

    def _read(self, data: bytes, form: EventForm) -> Iterator[Batch[Chunk]]:
        """The chunks of whole events, without the last one's blank line."""
        try:
            events = data.decode().split("\n\n")
        except UnicodeDecodeError:
            self._piece = None
            yield from self._parsed(data + b"\n\n")
            return
        at = 0
        while at < len(events):
            if self._piece is not None and (texts := form.texts(events, at)):
                at += len(texts)
                self.seen += len(texts)
                yield _repeated(self._piece, texts)
                continue
            seen = self.seen
            yield from self._parsed(events[at].encode() + b"\n\n")
            if self.seen > seen:  # it was more than a comment
                self._learn(events[at], form)
            at += 1

    def _parsed(self, data: bytes) -> Iterator[Batch[Chunk]]:
        for event in self._events(data):
            if _is_keepalive(event.data):
                continue
            self.seen += 1
            for chunk in checked(self.decoder.feed, event):
                yield (chunk,), chunk

    def _events(self, data: bytes) -> Iterable[ServerSentEvent]:
        if self._is_sse:  # which any bytes are
            return self._framing.feed(data)
        return checked(self._framing.feed, data)

    def _learn(self, event: str, form: EventForm) -> None:
        piece: Piece | None = self.decoder.piece  # type: ignore[attr-defined]  # it has, where there is a form
        learned = piece is not None and form.learn(event, piece.payload, piece.place, piece.key)
        self._piece = piece if learned else None

    def _fed_last(self, event: ServerSentEvent) -> Iterable[Chunk]:
        """The chunks of an event that lacks its end: no whole JSON is the rest of a cut stream, and no nonsense."""
        try:
            return list(checked(self.decoder.feed, event))
        except WrongShape as error:
            if isinstance(error.__cause__, ValueError):
                return ()
            raise


def _is_keepalive(data: bytes) -> bool:
    """Whether an event says nothing: it is blank, or a comment that a gateway has made an event of."""
    return data[:1] in _NOTHING and (data.startswith(b":") or not data.strip())


_NOTHING = (b"", b":", b" ", b"\t", b"\n")


def _repeated(piece: Piece, texts: list[str]) -> Batch[Any]:
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
        raise WrongShape(f"{type(error).__name__}: {error}") from error
    except AttributeError as error:
        if not isinstance(error.obj, _JSON):
            raise
        raise WrongShape(f"{type(error).__name__}: {error}") from error


_JSON = (dict, list, str, int, float, NoneType)
