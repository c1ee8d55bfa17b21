"""A thread of an agent: its state as records at the end of an append-only log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.agents.history import repair
from prill.agents.interrupts import Interrupt
from prill.agents.threads import Record, StoredTypes, Threads, dump_value, load_value
from prill.errors import ThreadDataError
from prill.io import ExecutionMode
from prill.messages import BaseMessage


class StoredState:
    """What the records of a thread add up to: messages, other keys of the state, and the questions of a pause."""

    def __init__(self) -> None:
        self.messages: list[BaseMessage] = []
        self.values: dict[str, Any] = {}
        self.interrupts: list[Interrupt] = []
        self.length = 0
        self.ended = False

    def add(self, record: Record, types: StoredTypes) -> None:
        """Add what a record says.

        Raises:
            ThreadDataError: it is none that an agent wrote.
        """
        self.length += 1
        loaded = load_value(record, types=types, path=f"record {self.length - 1}")
        kind, messages = record.get("kind"), loaded.get("messages", [])
        if not isinstance(messages, list) or not all(isinstance(each, BaseMessage) for each in messages):
            raise ThreadDataError(f"record {self.length - 1} is damaged: its messages are not a list of messages")
        if kind == "history":
            self.messages = messages
        elif kind == "step":
            self.messages += messages  # answers stand in the order in which they came
        else:
            raise ThreadDataError(f"record {self.length - 1} is of the unknown kind {kind!r:.80}")
        values, interrupts = loaded.get("values", {}), loaded.get("interrupts", [])
        if not isinstance(values, dict) or not isinstance(interrupts, list):
            raise ThreadDataError(f"record {self.length - 1} is damaged: values are a dict, interrupts a list")
        self.values |= values
        self.interrupts = [_read_interrupt(each, self.length - 1) for each in interrupts]
        self.ended = bool(loaded.get("ended"))


def _read_interrupt(values: Any, place: int) -> Interrupt:
    if not isinstance(values, dict) or not isinstance(values.get("id"), str):
        raise ThreadDataError(f"record {place} is damaged: an interrupt is a dict with an id")
    return Interrupt.from_dict(values)


class Conversation:
    """Reads and writes one thread in the colour of a run; ``durability="exit"`` writes all at the end of the run."""

    def __init__(
        self, threads: Threads, thread_id: str, io: ExecutionMode, types: StoredTypes, *, at_exit: bool = False
    ) -> None:
        self._threads = threads
        self._thread_id = thread_id
        self._io = io
        self._types = types
        self._at_exit = at_exit
        self._length = 0
        self._waiting: list[Record] = []
        self._turnstile = io.condition()  # calls of tools that run at once end at once

    async def load(self) -> StoredState:
        """The state that is stored; an empty one for a new thread."""
        records = await self._io.call(self._threads.load, self._thread_id)
        stored = StoredState()
        for record in records:
            stored.add(record, self._types)
        self._length = stored.length
        stored.messages = repair(stored.messages, keep_open=True)
        return stored

    async def add(
        self,
        messages: Sequence[BaseMessage] = (),
        values: Mapping[str, Any] | None = None,
        *,
        replaces: bool = False,
        interrupts: Sequence[Interrupt] = (),
        ended: bool = False,
    ) -> None:
        """Add a step; with ``replaces`` its messages are the whole history."""
        record: dict[str, Any] = {"kind": "history" if replaces else "step"}
        if messages or replaces:
            record["messages"] = dump_value(list(messages), types=self._types, path="messages")
        if values:
            record["values"] = dump_value(dict(values), types=self._types, path="state")
        if interrupts:
            asked = [each.to_dict() for each in interrupts]
            record["interrupts"] = dump_value(asked, types=self._types, path="interrupts")
        if ended:
            record["ended"] = True
        async with self._turnstile:
            self._waiting.append(record)
            if not self._at_exit:
                await self._write()

    async def finish(self) -> None:
        """Write what waits for the end of the run."""
        async with self._turnstile:
            await self._write()

    async def _write(self) -> None:
        if self._waiting:
            # A run that is cancelled meanwhile waits for the end: what it writes next must know the thread's length.
            await self._io.shield(self._append)

    async def _append(self) -> None:
        records, self._waiting = self._waiting, []
        length = await self._io.call(self._threads.append, self._thread_id, records, self._length)
        self._length = length
