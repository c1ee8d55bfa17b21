"""What goes wrong on demand, seen by a client that is nothing but a socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import h11
import pytest

import anthropic
import openai
from prill.errors import ConfigError
from prill.testing import Faults, ReplayServer, Reply

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
ASK: Any = [{"role": "user", "content": "one two three four five six"}]


class Client:
    """One connection: sends a request, then reads the answer's events one by one."""

    def __init__(self, server: ReplayServer) -> None:
        self.socket = socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), 10)
        self.wire = h11.Connection(h11.CLIENT)

    def ask(self, path: str, *, stream: bool = True) -> Client:
        body = json.dumps({"model": "m", "messages": ASK, "input": ASK, "stream": stream}).encode()
        headers = [("host", "test"), ("content-length", str(len(body)))]
        request = h11.Request(method="POST", target=path, headers=headers)
        sent = [self.wire.send(event) for event in (request, h11.Data(body), h11.EndOfMessage())]
        self.socket.sendall(b"".join(part or b"" for part in sent))
        return self

    def next(self) -> Any:
        while (event := self.wire.next_event()) is h11.NEED_DATA:
            self.wire.receive_data(self.socket.recv(65536))
        return event

    def head(self) -> tuple[int, dict[str, str]]:
        event = self.next()
        return event.status_code, {name.decode(): value.decode() for name, value in event.headers}

    def pieces(self) -> list[bytes]:
        """Each write of the body, up to its end; raises where the body is not ended."""
        pieces = []
        while isinstance(event := self.next(), h11.Data):
            pieces.append(bytes(event.data))
        return pieces

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def client(server: ReplayServer) -> Iterator[Client]:
    with closing(Client(server)) as client:
        yield client


def until_broken(client: Client) -> bytes:
    """The body up to the break, which must come before the body's end."""
    received = b""
    try:
        while isinstance(event := client.next(), h11.Data):
            received += bytes(event.data)
    except (h11.RemoteProtocolError, ConnectionResetError):
        return received
    raise AssertionError(f"the body ended in order, after {received!r}")


# Cuts


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_a_cut_after_events_ends_the_connection_inside_the_chunked_body(
    server: ReplayServer, client: Client, path: str
) -> None:
    server.faults = Faults(cut_after_events=3)
    client.ask(path).head()
    assert until_broken(client).count(b"\n\n") == 3
    assert server.wait_closed()
    assert server.closed_early == 0


@pytest.mark.parametrize("size", [0, 1, 150, 700])
def test_a_cut_after_bytes_lets_just_these_through(server: ReplayServer, client: Client, size: int) -> None:
    server.faults = Faults(cut_after=size)
    client.ask(CHAT).head()
    assert len(until_broken(client)) == size


def test_a_cut_after_the_last_byte_still_leaves_the_body_without_an_end(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(cut_after=10**6)
    client.ask(CHAT).head()
    assert until_broken(client).endswith(b"data: [DONE]\n\n")


def test_a_plain_answer_is_cut_short_of_its_content_length(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(cut_after=20)
    _, headers = client.ask(CHAT, stream=False).head()
    assert int(headers["content-length"]) > 20
    assert len(until_broken(client)) == 20


def test_a_reset_is_seen_as_a_reset(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(cut_after_events=0, reset=True)
    client.ask(CHAT)

    def read_to_the_end() -> None:
        while client.socket.recv(65536):
            pass

    with pytest.raises(ConnectionResetError):
        read_to_the_end()


def test_the_sdks_see_a_cut_as_a_broken_connection(server: ReplayServer) -> None:
    server.faults = Faults(cut_after_events=3)
    with openai.OpenAI(base_url=server.openai_url, api_key="test", max_retries=0) as gpt:
        with pytest.raises(openai.APIConnectionError):
            list(gpt.chat.completions.create(model="m", messages=ASK, stream=True))


# Time


def test_a_stall_keeps_the_connection_open_and_silent(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(stall_at=2)
    client.ask(CHAT).head()
    assert [client.next().data.count(b"\n\n") for _ in range(2)] == [1, 1]
    client.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.next()
    assert server.open_streams == 1


def test_headers_can_come_without_anything_after_them(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(stall_at=0)
    assert client.ask(MESSAGES).head()[0] == 200
    client.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.next()


def test_headers_can_be_late(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(first_delay=30)
    client.ask(CHAT).socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.head()


@pytest.mark.parametrize(("path", "sign"), [(CHAT, b": keepalive\n\n"), (MESSAGES, b"event: ping\n")])
def test_a_stalled_stream_can_send_signs_of_life(server: ReplayServer, client: Client, path: str, sign: bytes) -> None:
    server.faults = Faults(stall_at=1, keepalive=0.005)
    client.ask(path).head()
    client.next()
    assert all(client.next().data.startswith(sign) for _ in range(3))


def test_a_stall_that_ends_goes_on_with_the_answer(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(stall_at=3, stall_for=0.01, first_event_delay=0.01, first_delay=0.01)
    client.ask(CHAT).head()
    assert b"".join(client.pieces()).endswith(b"data: [DONE]\n\n")
    assert server.wait_closed()
    assert server.requests[0].finished_at is not None


def test_events_keep_the_pace(server: ReplayServer, client: Client) -> None:
    server.reply(*"abcdefgh", faults=Faults(pace=0.01))
    begun = monotonic()
    client.ask(CHAT).head()
    client.next()
    pieces = client.pieces()
    # A bound from below only: a machine may always be slower. From the request on, for pieces may be read late.
    assert monotonic() - begun >= 0.01 * (len(pieces) - 1)


# Shape


@pytest.mark.parametrize("size", [1, 7])
def test_split_writes_cut_anywhere_and_lose_nothing(server: ReplayServer, size: int) -> None:
    reply = Reply(["日本", "🌍"], batch=2)  # batched replies are kept, so both answers have the same ids
    bodies = []
    for faults in (Faults(), Faults(split=size)):
        server.faults = faults
        server.queue(reply)
        with closing(Client(server).ask(CHAT)) as client:
            client.head()
            bodies.append(client.pieces())
    whole, split = bodies
    assert b"".join(split) == b"".join(whole)
    assert max(map(len, split)) == size


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_garbage_is_put_between_events(server: ReplayServer, client: Client, path: str) -> None:
    server.faults = Faults(garbage_line=2)
    client.ask(path).head()
    data = client.pieces()[2].decode().strip().splitlines()[-1].removeprefix("data: ")
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)


def test_garbage_can_be_any_text(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(garbage_line=0, garbage="<html>")
    client.ask(CHAT).head()
    assert client.pieces()[0] == b"<html>\n\n"


def test_html_comes_with_status_200(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(html_200=True)
    status, headers = client.ask(CHAT).head()
    assert (status, headers["content-type"]) == (200, "text/html")
    assert b"<html>" in b"".join(client.pieces())


# Errors


def test_an_error_event_ends_an_openai_stream(server: ReplayServer) -> None:
    server.faults = Faults(error_event=3, error_message="out of luck")
    with openai.OpenAI(base_url=server.openai_url, api_key="test", max_retries=0) as gpt:
        stream = gpt.chat.completions.create(model="m", messages=ASK, stream=True)
        assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "one", " two"]
        with pytest.raises(openai.APIError, match="out of luck"):
            next(stream)


def test_an_error_event_in_a_response_is_an_event_of_its_own(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(error_event=2)
    client.ask(RESPONSES).head()
    name, data = client.pieces()[-1].decode().strip().split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["sequence_number"] == 2


def test_an_error_event_ends_an_anthropic_stream(server: ReplayServer) -> None:
    server.faults = Faults(error_event=4)
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="test", max_retries=0) as claude:
        stream = claude.messages.create(model="c", messages=ASK, max_tokens=9, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            list(stream)


@pytest.mark.parametrize(
    ("status", "path", "kind"),
    [
        (429, CHAT, "requests"),
        (401, CHAT, "invalid_request_error"),
        (502, RESPONSES, "server_error"),
        (429, "/v1/embeddings", "requests"),
        (429, MESSAGES, "rate_limit_error"),
        (529, MESSAGES, "overloaded_error"),
        (401, MESSAGES, "authentication_error"),
    ],
)
def test_an_error_status_has_the_providers_body(
    server: ReplayServer, client: Client, status: int, path: str, kind: str
) -> None:
    server.fail(status, retry_after=1.5)
    answered, headers = client.ask(path).head()
    assert (answered, headers["retry-after"]) == (status, "1.5")
    assert json.loads(b"".join(client.pieces()))["error"]["type"] == kind
    assert ("request-id" if path == MESSAGES else "x-request-id") in headers


def test_an_error_can_be_described(server: ReplayServer, client: Client) -> None:
    server.fail(400, error_code="context_length_exceeded", error_message="Too long.")
    client.ask(CHAT).head()
    error = json.loads(b"".join(client.pieces()))["error"]
    assert (error["code"], error["message"]) == ("context_length_exceeded", "Too long.")


def test_failures_are_over_after_so_many_times(server: ReplayServer) -> None:
    server.fail(503, times=2, retry_after=0.01)
    server.reply("at last")
    with openai.OpenAI(base_url=server.openai_url, api_key="test", max_retries=2) as gpt:
        answer = gpt.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == "at last"
    assert server.request_count == 3
    assert [request.status for request in server.requests] == [503, 503, 200]


def test_a_replys_own_faults_take_the_place_of_the_servers(server: ReplayServer) -> None:
    server.faults = Faults(status=500)
    server.reply("fine", faults=Faults())
    statuses = []
    for _ in range(2):
        with closing(Client(server).ask(CHAT)) as client:
            statuses.append(client.head()[0])
    assert statuses == [200, 500]


@pytest.mark.parametrize("options", [{"pace": -1}, {"split": 0}, {"stall_at": -1}, {"status": 200}])
def test_impossible_faults_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Faults(**options)


# What the server sees


def test_a_client_that_leaves_a_stalled_stream_is_seen(server: ReplayServer, client: Client) -> None:
    server.faults = Faults(stall_at=1)
    client.ask(CHAT).head()
    client.next()
    assert not server.wait_closed(timeout=0.01)
    left = monotonic()
    client.close()
    assert server.wait_closed(timeout=5)
    (request,) = server.requests
    assert server.closed_early == 1
    assert request.closed_early
    assert request.closed_at is not None
    assert request.closed_at >= left
    assert request.finished_at is None


@pytest.mark.parametrize("faults", [Faults(first_delay=60), Faults(pace=60), Faults(first_event_delay=60)])
def test_a_client_that_leaves_during_a_wait_is_seen(server: ReplayServer, client: Client, faults: Faults) -> None:
    server.faults = faults
    client.ask(MESSAGES)
    assert server.wait_requests(1)
    client.close()
    assert server.wait_closed(timeout=5)
    assert server.closed_early == 1


def test_a_client_that_does_not_read_and_leaves_is_seen(server: ReplayServer, client: Client) -> None:
    server.reply(*["x" * 1000] * 20_000)
    client.ask(CHAT).head()
    client.close()
    assert server.wait_closed(timeout=10)
    assert server.closed_early == 1
    assert server.requests[0].bytes_sent < 20_000_000


def test_a_client_that_leaves_after_the_end_did_not_leave_early(server: ReplayServer, client: Client) -> None:
    client.ask(CHAT).head()
    client.pieces()
    client.close()
    assert server.wait_closed()
    assert server.closed_early == 0
    assert server.requests[0].finished_at is not None


def test_a_connection_serves_request_after_request(server: ReplayServer, client: Client) -> None:
    for _ in range(3):
        client.ask(CHAT).head()
        client.pieces()
        client.wire.start_next_cycle()
    assert server.request_count == 3


def test_stopping_breaks_stalled_streams_and_blames_no_client() -> None:
    server = ReplayServer(faults=Faults(stall_at=1)).start()
    clients = [Client(server).ask(CHAT) for _ in range(5)]
    for client in clients:
        client.head()
    server.stop()
    assert (server.open_streams, server.closed_early) == (0, 0)
    for client in clients:
        with closing(client):
            until_broken(client)


def test_hundreds_of_stalled_streams_are_held_and_let_go(server: ReplayServer) -> None:
    server.faults = Faults(stall_at=0)
    clients = [Client(server) for _ in range(200)]
    for client in clients:
        client.ask(CHAT)
    for client in clients:
        client.head()
    assert server.open_streams == 200
    for client in clients:
        client.close()
    assert server.wait_closed(timeout=10)
    assert server.closed_early == 200
