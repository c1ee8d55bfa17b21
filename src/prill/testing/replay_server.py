"""A provider for tests: real HTTP on this machine, answers from a script, faults on demand."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeAlias

from prill.errors import ConfigError
from prill.testing.answers import (
    answer_problem,
    answer_recording,
    answer_reply,
    answer_unknown,
    echo,
    get_wire,
    is_embeddings,
)
from prill.testing.batches import Batches
from prill.testing.faults import NO_FAULTS, Faults
from prill.testing.http_thread import ConnectionLost, Exchange, HTTPThread
from prill.testing.playback import Answer, Playback
from prill.testing.recording import Recording
from prill.testing.replies import Reply
from prill.testing.seen_request import SeenRequest

Scripted: TypeAlias = Reply | Recording
ReplyFunction: TypeAlias = Callable[[SeenRequest], Scripted | str | Sequence[str] | None]


class ReplayServer:
    """A real HTTP server on 127.0.0.1 that speaks as OpenAI, Anthropic, Google and Amazon do.

    It answers chat completions, legacy completions, embeddings and responses (OpenAI, also in Azure), messages
    (Anthropic), generateContent and embedContent (Gemini) and converse (Bedrock), streamed and plain, and batches of
    the first two vendors (see ``batches``). It is up inside its ``with`` block, or between ``start()`` and ``stop()``:

        with ReplayServer() as server:
            server.reply("Hello", " world")
            model = ChatOpenAI(model="gpt-4o", base_url=server.openai_url, api_key="test")
            assert model.invoke("Hi").content == "Hello world"
            assert server.requests[0].json["messages"][0]["content"] == "Hi"

    What is said next: the first answer in the queue (``reply``, ``fail``, ``recording``), else what the function
    given to ``replies`` returns, else an echo of the last user message, word by word. Embeddings are made of the
    words of the input; of the queue they take only failures and recordings of embeddings.

    As a pytest fixture:

        @pytest.fixture
        def server():
            with ReplayServer() as server:
                yield server

    All its methods and properties may be used from any thread.

    Args:
        faults: what goes wrong with answers that bring no faults of their own; also an attribute.
        port: where to listen; 0 stands for any port that is free.
    """

    def __init__(self, *, faults: Faults = NO_FAULTS, port: int = 0) -> None:
        self.faults = faults
        self._port = port
        self._queue: deque[Scripted] = deque()
        self._function: ReplyFunction | None = None
        self._seen: list[SeenRequest] = []
        self._errors: list[Exception] = []
        self._open = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: HTTPThread | None = None
        self.batches = Batches()

    # Life

    def start(self) -> Self:
        """Listen; returns when requests are answered.

        Raises:
            ConfigError: the port is taken.
        """
        if self._thread is None:
            self._stopping = False
            self._thread = HTTPThread(self._handle, self._port)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Break what is still open and end the server's thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping = True
            thread.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None and self._errors:
            raise self._errors[0]

    @property
    def url(self) -> str:
        """The root, ``http://127.0.0.1:<port>``."""
        if self._thread is None:
            raise ConfigError("This ReplayServer is not started: use it in a `with` block, or call start().")
        return f"http://127.0.0.1:{self._thread.port}"

    @property
    def openai_url(self) -> str:
        """The ``base_url`` for OpenAI clients."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """The ``base_url`` for Anthropic clients."""
        return self.url

    @property
    def google_url(self) -> str:
        """The ``base_url`` for Google's clients."""
        return self.url

    # Script

    def reply(self, *pieces: str, **options: Any) -> Reply:
        """Put an answer at the end of the queue; ``options`` are those of ``Reply``."""
        reply = Reply(pieces, **options)
        self.queue(reply)
        return reply

    def queue(self, *answers: Scripted) -> None:
        """Put ready answers at the end of the queue."""
        with self._changed:
            self._queue.extend(answers)

    def fail(self, status: int, *, times: int = 1, **options: Any) -> None:
        """Answer the next ``times`` requests with an error status; ``options`` are those of ``Faults``.

        server.fail(429, times=2, retry_after=0.1)
        server.reply("at last")
        """
        self.queue(*[Reply(faults=Faults(status=status, **options))] * times)

    def recording(self, recording: Recording | Path | str, *, faults: Faults | None = None) -> Recording:
        """Put a recorded answer, or the one in a file, at the end of the queue. See ``Recording.read``.

        It is served whatever the path, but recorded embeddings answer requests for embeddings, and only they do.

        Raises:
            ConfigError: the file does not exist.
        """
        given = recording if isinstance(recording, Recording) else Recording.read(recording)
        recording = replace(given, faults=faults)
        self.queue(recording)
        return recording

    def replies(self, function: ReplyFunction) -> ReplyFunction:
        """Let ``function`` answer whenever the queue is empty; also a decorator.

        It gets the request (``path``, ``headers``, ``json`` …) and returns a ``Reply``, a ``Recording``, a text, a list
        of text pieces, or ``None`` for the echo. It runs in the server's thread, so it must not block: delays are
        ``Faults``. If it raises, the client gets a 500 which says so, and leaving the ``with`` block raises it again.
        """
        self._function = function
        return function

    @property
    def pace(self) -> float:
        """Seconds between two events, for answers without faults of their own; may be set."""
        return self.faults.pace

    @pace.setter
    def pace(self, seconds: float) -> None:
        self.faults = replace(self.faults, pace=seconds)

    # What was seen

    @property
    def requests(self) -> list[SeenRequest]:
        """All requests so far, in the order they arrived."""
        with self._changed:
            return list(self._seen)

    @property
    def request_count(self) -> int:
        """How many requests arrived."""
        return len(self._seen)

    @property
    def open_streams(self) -> int:
        """How many requests are being answered now."""
        return self._open

    @property
    def closed_early(self) -> int:
        """How many clients closed the connection before the end of their answer."""
        return sum(request.closed_early for request in self.requests)

    @property
    def errors(self) -> list[Exception]:
        """What the ``replies`` function raised, or the server could not send."""
        with self._changed:
            return list(self._errors)

    def wait_closed(self, timeout: float = 1.0) -> bool:
        """Wait until no request is being answered; ``False`` if some still is after ``timeout`` seconds.

        A client's abandonment has then been seen here as a closed connection:

            assert server.wait_closed() and server.closed_early == 1
        """
        return self._wait(lambda: self._open == 0, timeout)

    def wait_requests(self, count: int = 1, timeout: float = 1.0) -> bool:
        """Wait until ``count`` requests have arrived; ``False`` if they have not after ``timeout`` seconds."""
        return self._wait(lambda: len(self._seen) >= count, timeout)

    def clear(self) -> None:
        """Forget the queue, the function, the faults and the finished requests: one server for many tests."""
        with self._changed:
            self._queue.clear()
            self._function = None
            self.faults = NO_FAULTS
            self._seen.clear()
            self._errors.clear()
            self.batches = Batches()

    def _wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    # In the server's thread

    async def _handle(self, exchange: Exchange) -> None:
        seen = await _see(exchange)
        with self._changed:
            self._seen.append(seen)
            self._open += 1
            self._changed.notify_all()
        try:
            await Playback(self._answer(seen), exchange, seen).run()
            seen.finished_at = monotonic()
        except ConnectionLost:
            if not self._stopping:
                seen.closed_at = exchange.lost_at
        except Exception as error:  # raised again where the user sees it, not in this thread
            self._note(error)
            await exchange.cut()
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _answer(self, seen: SeenRequest) -> Answer:
        try:
            return self._script(seen)
        except Exception as error:
            self._note(error)
            return answer_problem(500, f"its script raised {type(error).__name__}: {error}")

    def _note(self, error: Exception) -> None:
        with self._changed:
            self._errors.append(error)

    def _script(self, seen: SeenRequest) -> Answer:
        if (about_batches := self.batches.answer(seen, self._answer_row)) is not None:
            return about_batches
        scripted = self._next(seen)
        faults = self.faults if scripted.faults is None else scripted.faults
        if isinstance(scripted, Recording):
            return answer_recording(scripted, faults)
        wire = get_wire(seen.path, seen.query)
        if wire is None or seen.method != "POST":
            return answer_unknown(seen)
        return answer_reply(scripted, wire, seen, faults)

    def _answer_row(self, seen: SeenRequest) -> tuple[int, bytes]:
        """The answer to a row of a batch: of the same script."""
        answer = self._answer(seen)
        return answer.status, b"".join(answer.events)

    def _next(self, seen: SeenRequest) -> Scripted:
        with self._changed:
            if self._queue and _suits(self._queue[0], seen):
                return self._queue.popleft()
        said = self._function(seen) if self._function is not None else None
        if said is None:
            return echo(seen.json)
        if isinstance(said, Reply | Recording):
            return said
        return Reply(said)


def _suits(scripted: Scripted, seen: SeenRequest) -> bool:
    """Whether this answer is for this request: text is not an answer where vectors are asked for, or nobody listens."""
    if isinstance(scripted, Recording):
        return is_embeddings(seen.path) == is_embeddings(scripted.path)
    if is_embeddings(seen.path):
        return scripted.is_empty
    return get_wire(seen.path) is not None


async def _see(exchange: Exchange) -> SeenRequest:
    request = exchange.request
    body = await request.body()
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    return SeenRequest(request.method, request.url.path, dict(request.headers), body, parsed, request.url.query)
