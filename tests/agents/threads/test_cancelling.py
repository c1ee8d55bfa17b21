"""What a cancelled write leaves: its outcome is known before the next one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from prill.agents import InMemoryThreads
from prill.agents.conversation import Conversation
from prill.agents.threads.records import StoredTypes
from prill.io import get_asyncio_mode
from prill.messages import HumanMessage


class SlowThreads(InMemoryThreads):
    """Threads whose first write waits for ``go``."""

    def __init__(self) -> None:
        super().__init__()
        self.writes, self.go = threading.Event(), threading.Event()

    def _append(self, thread_id: str, rows: Sequence[bytes], expected_length: int) -> None:
        self.writes.set()
        assert self.go.wait(60)
        super()._append(thread_id, rows, expected_length)


async def cancel_write(threads: SlowThreads, write: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Cancel ``write`` in its middle and let the store go on only then."""
    writing = asyncio.create_task(write())
    await asyncio.to_thread(threads.writes.wait)
    writing.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not writing.done()
    threads.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing


def test_a_run_whose_write_was_cancelled_can_write_again() -> None:
    async def main() -> None:
        threads = SlowThreads()
        conversation = Conversation(threads, "7", get_asyncio_mode(), StoredTypes())
        await conversation.load()
        await cancel_write(threads, lambda: conversation.add([HumanMessage("one")]))
        assert threads.length("7") == 1
        await conversation.add([HumanMessage("two")])
        assert threads.length("7") == 2

    asyncio.run(main())


def test_a_cancelled_append_has_ended_when_it_raises() -> None:
    async def main() -> None:
        threads = SlowThreads()
        await cancel_write(threads, lambda: threads.aappend("7", [{"n": 1}], 0))
        assert threads.length("7") == 1

    asyncio.run(main())
