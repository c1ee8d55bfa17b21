"""Several streams at once, each in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any

from prill.errors import Cancelled
from prill.io.drive import close, drive, drive_stream
from prill.io.limit import Limit
from prill.io.portal import copy_context_of_worker
from prill.io.process import check_process, make_lock, process_number
from prill.io.scope import Scope, current_scope, interruptible, scoped
from prill.io.threads import get_item, join, take_one

END: Any = object()
"""Stands for the end of a stream."""


class StreamThreads:
    """Pulls streams in threads; each pulls its next chunk only when the last one has been used.

    The first starts in place of the calling thread, which only waits; the others when the limit allows.
    """

    def __init__(self, streams: Sequence[AsyncIterator[Any]], limit: Limit) -> None:
        self.running = len(streams)
        self._limit = limit
        self._lock = make_lock()
        self._output_queue: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        self._resume_queues: list[SimpleQueue[None]] = [SimpleQueue() for _ in streams]
        self._scope = Scope(current_scope())
        self._context = copy_context_of_worker()
        self._process = process_number()
        self._pending_starts: list[tuple[deque[None], AsyncIterator[Any]]] = []
        self._threads: SimpleQueue[threading.Thread] = SimpleQueue()  # those that have taken their turn
        self._waiting = deque(enumerate(streams))  # its methods are atomic
        self._requests: list[Callable[[], bool]] = []
        try:
            self._start_thread(False)
            self._requests = [limit.ask(partial(self._start_thread, True)) for _ in range(len(streams) - 1)]
        except BaseException:
            self.stop()
            raise

    def take(self) -> tuple[int, Any]:
        """The next chunk of any stream, with the stream's index; ``END`` for its end. Raises a stream's error."""
        check_process(self._process)
        # The scope may be another one than where the streams were started.
        with interruptible(self._scope.cancel):
            index, chunk, error = get_item(self._output_queue)
        if error is not None:
            raise error
        if chunk is END:
            self.running -= 1
        return index, chunk

    def resume(self, index: int) -> None:
        """Let a stream pull its next chunk."""
        self._resume_queues[index].put(None)

    def stop(self) -> None:
        """Cancel and close all streams, and wait for their threads."""
        self._scope.cancel()
        for withdraw in self._requests:
            withdraw()
        for gate in self._resume_queues:
            gate.put(None)
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        not_started = [stream for _, stream in waiting]
        for turn, stream in self._pending_starts:
            if take_one(turn):
                not_started.append(stream)
            else:
                join(get_item(self._threads))
        for stream in not_started:
            drive(close(stream))
        self._scope.leave()

    def _start_thread(self, counted: bool) -> bool:
        """Start the next stream; ``counted``: its thread has a place in the limit."""
        with self._lock:
            if not self._waiting:
                return False
            if self._scope.cancelled:
                if not counted:  # no other thread will start one
                    self._output_queue.put((0, END, Cancelled("the run was cancelled before this stream started")))
                return False
            index, stream = self._waiting[0]
            # The thread runs the stream if it takes its turn before ``stop`` does. An interrupt may leave a thread that
            # was not started, or one that nobody knows of.
            turn: deque[None] = deque([None])
            self._pending_starts.append((turn, stream))
            self._waiting.popleft()
        pull = partial(self._run_stream, turn, index, stream, counted)
        thread = threading.Thread(target=self._context.copy().run, args=(pull,), name="prill-branch", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no thread can be started
            self._output_queue.put((index, END, error))
            return False
        return True

    def _run_stream(self, turn: deque[None], index: int, stream: AsyncIterator[Any], counted: bool) -> None:
        if not take_one(turn):
            return
        self._threads.put(threading.current_thread())
        scoped(partial(self._pull_stream, index, stream), self._scope)
        if counted:
            self._limit.release()
        else:
            self._start_thread(False)

    def _pull_stream(self, index: int, stream: AsyncIterator[Any]) -> None:
        error: BaseException | None = None
        try:
            with contextlib.closing(drive_stream(stream)) as chunks:  # type: ignore[type-var]  # it is a generator
                for chunk in chunks:
                    self._output_queue.put((index, chunk, None))
                    self._resume_queues[index].get()
                    if self._scope.cancelled:  # the consumer may wait for this stream, if it is an outer scope's
                        raise Cancelled("the run was cancelled")
        except BaseException as raised:
            error = raised
        self._output_queue.put((index, END, error))
