"""Connections, in both colours: when one is used again, when it is closed, what ends a wait, what is not followed."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest
from tests.helpers import descriptors

from prill.errors import Cancelled
from prill.io.scope import Scope, enter, restore
from prill.providers.http import asynchronous
from prill.providers.http.answers import send_following
from prill.providers.http.asynchronous import AsyncioTransport
from prill.providers.http.body import Body
from prill.providers.http.message import (
    AnswerTooLate,
    BadBody,
    ConnectFailed,
    ConnectionBroken,
    FirstChunkTooLate,
    NotHTTP,
    Request,
    Timeout,
    TransportError,
)
from prill.providers.http.route import find_route
from providers.http.conftest import Asyncio, Blocking, Sender
from providers.http.raw_server import OK, RawServer, Received, saying, with_length

LONG = 30.0


async def three_times(sender: Sender) -> list[tuple[int, bytes]]:
    return [await sender.ask() for _ in range(3)]


def test_a_connection_is_used_for_one_request_after_another(colour: Any) -> None:
    with RawServer(saying(OK)) as server:
        assert colour.run(server.url, three_times) == [(200, b"{}")] * 3
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_a_connection_is_not_used_again_where_the_answer_does_not_allow_it(answer: bytes, colour: Any) -> None:
    with RawServer(saying(answer)) as server:
        assert colour.run(server.url, three_times) == [(200, b"{}")] * 3
        assert server.connections == 3


@pytest.mark.parametrize("extra", [b"junk", b"\r\n\r\njunk", b"HTTP/1.1 200 O", with_length(b"evil")])
@pytest.mark.parametrize("together", [True, False])
def test_bytes_after_an_answer_are_never_taken_for_the_next_one(extra: bytes, together: bool, colour: Any) -> None:
    sent = threading.Semaphore(0)

    def answer(received: Received, connection: socket.socket) -> bool:
        connection.sendall(OK + extra if together else OK)
        if not together:
            connection.sendall(extra)
        sent.release()
        return False

    async def ask(sender: Sender) -> None:
        for _ in range(4):
            try:
                assert await sender.ask() == (200, b"{}")
            except NotHTTP:  # aiohttp refuses the whole answer where it sees them in time
                assert not colour.io().blocking
            sent.acquire(timeout=LONG)
            await colour.io().sleep(0.01)  # a loop takes what has come

    with RawServer(answer) as server:
        colour.run(server.url, ask)


def test_a_body_may_end_with_the_connection(colour: Any) -> None:
    with RawServer(saying(b"HTTP/1.0 200 OK\r\n\r\nall of it", close=True)) as server:
        assert colour.run(server.url, Sender.ask) == (200, b"all of it")


def test_a_connection_that_the_server_has_closed_is_replaced(colour: Any) -> None:
    def answer(received: Received, connection: socket.socket) -> bool:
        connection.sendall(OK)
        return True  # without saying so

    async def twice(sender: Sender) -> list[Any]:
        first = await sender.ask()
        await colour.io().sleep(0.05)
        return [first, await sender.ask()]

    with RawServer(answer) as server:
        assert colour.run(server.url, twice) == [(200, b"{}")] * 2
        assert server.connections == 2


def test_a_connection_that_closes_as_it_is_used_again_is_replaced_once(colour: Any) -> None:
    def answer(received: Received, connection: socket.socket) -> bool:
        if received.connection == 1 and len(server.requests) == 2:
            return True  # instead of the second answer
        connection.sendall(OK)
        return False

    async def twice(sender: Sender) -> list[Any]:
        return [await sender.ask(), await sender.ask()]

    with RawServer(answer) as server:
        assert colour.run(server.url, twice) == [(200, b"{}")] * 2
        assert [received.connection for received in server.requests] == [1, 1, 2]


def test_a_new_connection_that_closes_without_an_answer_is_a_failure(colour: Any) -> None:
    with RawServer(lambda received, connection: True) as server:
        with pytest.raises(ConnectionBroken, match="without an answer"):
            colour.run(server.url, Sender.ask)
        assert len(server.requests) == 1


def test_a_connection_whose_answer_was_left_is_closed(colour: Any) -> None:
    async def leave(sender: Sender) -> bytes:
        answer = await sender.send()
        data = await answer.read(None)
        await answer.aclose()
        return data

    left = threading.Event()

    def answer(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nstart")
        while connection.recv(100):
            pass
        left.set()
        return True

    with RawServer(answer) as server:
        assert colour.run(server.url, leave) == b"start"
        assert left.wait(LONG)


def test_a_connection_whose_answer_cannot_be_read_is_closed(colour: Any) -> None:
    left = threading.Event()

    def answer(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 100\r\n\r\nstart")
        silent(received, connection)
        left.set()
        return True

    async def ask(sender: Sender) -> None:
        with pytest.raises(BadBody, match="'br', which was not asked for") as caught:
            await sender.ask()
        assert await asyncio.to_thread(left.wait, LONG) if not colour.io().blocking else left.wait(LONG)
        del caught  # it would hold the answer, which is closed when it is collected

    with RawServer(answer) as server:
        colour.run(server.url, ask)


def test_a_connection_is_given_back_when_its_answer_was_read_to_the_end_before_it_is_closed(colour: Any) -> None:
    async def twice(sender: Sender) -> None:
        for _ in range(2):
            answer = await sender.send()
            while await answer.read(None):
                pass
            await answer.aclose()
            await answer.aclose()
            assert await answer.read(None) == b""

    with RawServer(saying(with_length(b"x" * 100_000))) as server:
        colour.run(server.url, twice)
        assert server.connections == 1


def test_an_answer_that_is_left_halfway_does_not_disturb_those_beside_it(colour: Any) -> None:
    async def ask(sender: Sender) -> list[bytes]:
        first, second = await sender.send("/first"), await sender.send("/second")
        await first.read(None)
        await first.aclose()
        return [await Body(second).read_all(), (await sender.ask("/third"))[1]]

    def answer(received: Received, connection: socket.socket) -> bool:
        connection.sendall(with_length(received.line.split(" ")[1].encode() * 50_000))
        return False

    with RawServer(answer) as server:
        assert colour.run(server.url, ask) == [b"/second" * 50_000, b"/third" * 50_000]
        assert server.connections == 2


def test_a_connection_is_kept_after_an_error_of_the_server(colour: Any) -> None:
    async def ask(sender: Sender) -> list[tuple[int, bytes]]:
        return [await sender.ask() for _ in range(4)]

    answers = [with_length(b"no", status=f"{status} No") for status in (400, 429, 500)]
    with RawServer(saying(*answers, OK)) as server:
        assert colour.run(server.url, ask) == [(400, b"no"), (429, b"no"), (500, b"no"), (200, b"{}")]
        assert server.connections == 1


def test_a_connection_of_version_1_0_is_kept_where_the_server_says_so(colour: Any) -> None:
    answer = b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}"
    with RawServer(saying(answer)) as server:
        assert colour.run(server.url, three_times) == [(200, b"{}")] * 3
        assert server.connections == 1


def test_nothing_is_left_open(colour: Any) -> None:
    with RawServer(saying(OK)) as server:
        colour.run(server.url, three_times)
        before = descriptors()
        for _ in range(3):
            colour.run(server.url, three_times)
        assert descriptors() <= before + 1  # the server may still be closing one


# Limits in time


def silent(received: Received, connection: socket.socket) -> bool:
    connection.recv(1)  # until the client leaves
    return True


def test_headers_that_do_not_come_in_time_are_a_failure(colour: Any) -> None:
    with RawServer(silent) as server:
        with pytest.raises(AnswerTooLate) as caught:
            colour.run(server.url, lambda sender: sender.ask(timeout=Timeout(LONG, 0.1)))
    assert type(caught.value) is AnswerTooLate


def test_the_limit_of_the_first_chunk_counts_the_wait_for_headers(colour: Any) -> None:
    with RawServer(silent) as server, pytest.raises(FirstChunkTooLate):
        colour.run(server.url, lambda sender: sender.ask(first_timeout=0.1, timeout=Timeout(LONG, LONG)))


def test_headers_that_trickle_do_not_put_the_limit_off(colour: Any) -> None:
    def trickle(received: Received, connection: socket.socket) -> bool:
        for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2000:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
        return True

    with RawServer(trickle) as server, pytest.raises(AnswerTooLate):
        colour.run(server.url, lambda sender: sender.ask(timeout=Timeout(LONG, 0.3)))


def test_a_body_that_stops_is_a_failure(colour: Any) -> None:
    def stop(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nstart")
        return silent(received, connection)

    with RawServer(stop) as server, pytest.raises(AnswerTooLate, match="in the middle"):
        colour.run(server.url, lambda sender: sender.ask(timeout=Timeout(LONG, 0.2)))


def test_a_host_that_takes_no_connection_is_a_failure(colour: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ConnectFailed):
            colour.run(url, Sender.ask)


def test_a_name_that_is_not_known_is_a_failure(colour: Any) -> None:
    with pytest.raises(ConnectFailed):
        colour.run("http://no-such-host.invalid", Sender.ask)


def test_a_connection_that_is_not_taken_in_time_is_a_failure(colour: Any) -> None:
    """A listener whose queue is full leaves the next one waiting."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AnswerTooLate) as caught:
            colour.run(url, lambda sender: sender.ask(timeout=Timeout(0.2, LONG)))
        assert caught.value.waited_for == "a connection"
        for one in waiting:
            one.close()


# Limits in size


def test_a_body_larger_than_it_may_be_is_refused(colour: Any) -> None:
    async def ask(sender: Sender) -> bytes:
        return await Body(await sender.send(), limit=1000).read_all()

    with RawServer(saying(with_length(b"x" * 1001))) as server, pytest.raises(BadBody, match="max_answer_bytes"):
        colour.run(server.url, ask)


def test_a_reader_that_does_not_read_makes_the_server_wait(colour: Any) -> None:
    sent, left = [0], threading.Event()

    def flood(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.settimeout(0.5)
        try:
            for _ in range(1000):
                connection.sendall(b"x" * 100_000)
                sent[0] += 100_000
        except TimeoutError:
            left.set()
        return True

    async def wait(sender: Sender) -> None:
        answer = await sender.send()
        while not left.is_set():
            await colour.io().sleep(0.01)
        await answer.aclose()

    with RawServer(flood) as server:
        colour.run(server.url, wait)
    assert sent[0] < 50_000_000


# Redirects


def moved(place: str, status: int = 307) -> bytes:
    return with_length(b"", f"location: {place}", status=f"{status} Moved")


def following(sender: Sender) -> Any:
    request = Request("POST", sender.url, "/v1", "a=1", {"api-key": "secret"}, content=b"{}")
    return send_following(sender.transport, request)


@pytest.mark.parametrize("status", [307, 308])
def test_a_request_is_sent_on_to_another_page_of_the_same_server(status: int, colour: Any) -> None:
    with RawServer(saying(moved("/v2?b=2", status), OK)) as server:
        assert colour.run(server.url, following).status == 200
        assert [received.line for received in server.requests] == ["POST /v1?a=1 HTTP/1.1", "POST /v2?b=2 HTTP/1.1"]
        assert server.requests[1].headers["api-key"] == "secret"
        assert server.requests[1].body == b"{}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_sent_on_to_another_host(status: int, colour: Any) -> None:
    with RawServer(saying(OK)) as other:
        for place in (
            other.url,
            other.url.replace("127.0.0.1", "localhost"),
            f"//127.0.0.1:{other.port}/",
            f"http://user:pw@127.0.0.1:{other.port}",
            "http://[",
        ):
            with RawServer(saying(moved(place, status))) as server, pytest.raises(NotHTTP):
                colour.run(server.url, following)
        assert other.requests == []


def test_a_server_that_sends_on_and_on_is_left(colour: Any) -> None:
    with RawServer(saying(moved("/v1"))) as server, pytest.raises(NotHTTP, match="on and on"):
        colour.run(server.url, following)


# Being stopped


@pytest.mark.parametrize("place", ["headers", "body"])
def test_a_blocked_thread_is_freed_from_another(place: str) -> None:
    scope, ended = Scope(), []

    def answer(received: Received, connection: socket.socket) -> bool:
        if place == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nstart")
        threading.Timer(0.1, scope.cancel).start()
        return silent(received, connection)

    def work() -> None:
        entered = enter(scope)
        try:
            Blocking().run(server.url, Sender.ask)
        except BaseException as error:
            ended.append(error)
        finally:
            restore(entered)

    with RawServer(answer) as server:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(LONG)
        assert not thread.is_alive()
    assert [type(error) for error in ended] == [Cancelled]


def test_a_thread_that_waits_for_a_connection_is_freed_from_another() -> None:
    scope, ended = Scope(), []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())

        def work() -> None:
            entered = enter(scope)
            try:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                Blocking().run(url, lambda sender: sender.ask(timeout=Timeout(None, None)))
            except BaseException as error:
                ended.append(error)
            finally:
                restore(entered)

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.2)
        scope.cancel()
        thread.join(LONG)
        assert not thread.is_alive()
        for one in waiting:
            one.close()
    assert [type(error) for error in ended] == [Cancelled]


def test_a_task_that_is_cancelled_closes_its_connection() -> None:
    came, left = threading.Event(), threading.Event()

    def answer(received: Received, connection: socket.socket) -> bool:
        came.set()
        silent(received, connection)
        left.set()
        return True

    async def cancel(sender: Sender) -> None:
        task = asyncio.create_task(sender.ask())
        assert await asyncio.to_thread(came.wait, LONG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(left.wait, LONG)

    with RawServer(answer) as server:
        Asyncio().run(server.url, cancel)


# Many at once


def test_more_requests_than_connections_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asynchronous, "MAX_CONNECTIONS", 5)
    under_way, most, lock = [0], [0], threading.Lock()

    def answer(received: Received, connection: socket.socket) -> bool:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        connection.sendall(OK)
        return False

    async def many(sender: Sender) -> list[Any]:
        asking = [sender.ask(timeout=Timeout(LONG, LONG), first_timeout=LONG) for _ in range(60)]
        return await asyncio.gather(*asking)

    with RawServer(answer) as server:
        assert Asyncio().run(server.url, many) == [(200, b"{}")] * 60
        assert server.connections <= 5
    assert most[0] <= 5


def test_a_thousand_requests_at_once_are_all_answered() -> None:
    """The server is in the same loop: a thread for each of a thousand connections would measure threads."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            await reader.readexactly(2)
            writer.write(OK)
        writer.close()

    async def main() -> set[Any]:
        listening = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=128)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        transport = AsyncioTransport(find_route(url, None))
        try:
            sender = Sender(transport, url)
            return set(await asyncio.gather(*[sender.ask() for _ in range(1000)]))
        finally:
            await transport.aclose()
            listening.close()
            await listening.wait_closed()

    # In debug mode asyncio extracts the stack at each of some hundred thousand steps.
    assert asyncio.run(main(), debug=False) == {(200, b"{}")}


def test_an_answer_that_nobody_holds_any_more_is_closed(colour: Any) -> None:
    async def forget(sender: Sender) -> int:
        for _ in range(3):
            await sender.send()
        return (await sender.ask())[0]

    with RawServer(saying(with_length(b"x" * 10))) as server:
        assert colour.run(server.url, forget) == 200


def test_what_breaks_is_never_an_error_of_a_library(colour: Any) -> None:
    def reset(received: Received, connection: socket.socket) -> bool:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        return True

    with RawServer(reset) as server:
        for _ in range(3):
            with pytest.raises(TransportError) as caught:
                colour.run(server.url, Sender.ask)
            assert caught.value.__cause__ is None
