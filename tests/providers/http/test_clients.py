"""Clients: one for all threads, one for each event loop, each closed in time."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prill.providers.http.clients import Clients


class Plain:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Async(Plain):
    async def aclose(self) -> None:
        self.closed += 1


def test_all_threads_share_one_client() -> None:
    clients: Clients[Plain, Async] = Clients()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clients.plain(Plain), range(32)))
    assert len({id(one) for one in made}) == 1


def test_the_plain_client_is_closed_with_its_owner() -> None:
    clients: Clients[Plain, Async] = Clients()
    plain = clients.plain(Plain)
    del clients
    gc.collect()
    assert plain.closed == 1


def test_after_closing_a_new_client_is_made() -> None:
    clients: Clients[Plain, Async] = Clients()
    first = clients.plain(Plain)
    clients.close()
    clients.close()
    assert first.closed == 1
    assert clients.plain(Plain) is not first


def test_each_loop_has_its_own_client_which_is_closed_with_it() -> None:
    clients: Clients[Plain, Async] = Clients()

    async def ask() -> Async:
        first, second = await clients.for_loop(Async), await clients.for_loop(Async)
        assert first is second
        assert first.closed == 0
        return first

    made = [asyncio.run(ask()) for _ in range(3)]
    assert len({id(one) for one in made}) == 3
    assert [one.closed for one in made] == [1, 1, 1]


def test_tasks_that_ask_at_the_same_moment_share_a_client() -> None:
    clients: Clients[Plain, Async] = Clients()

    async def main() -> set[int]:
        made = await asyncio.gather(*[clients.for_loop(Async) for _ in range(50)])
        return {id(one) for one in made}

    assert len(asyncio.run(main())) == 1


def test_a_loops_client_can_be_closed_early() -> None:
    clients: Clients[Plain, Async] = Clients()

    async def main() -> tuple[Any, Any]:
        first = await clients.for_loop(Async)
        await clients.aclose()
        assert first.closed == 1
        return first, await clients.for_loop(Async)

    first, second = asyncio.run(main())
    assert first is not second
    assert (first.closed, second.closed) == (1, 1)


def test_copies_and_pickles_begin_without_clients() -> None:
    clients: Clients[Plain, Async] = Clients()
    plain = clients.plain(Plain)
    for other in (copy.deepcopy(clients), pickle.loads(pickle.dumps(clients))):
        assert other == clients
        assert other.plain(Plain) is not plain
