"""What fails by plan, and what is built around it."""

import threading
from contextlib import contextmanager

from prill.callbacks.run import Observer
from prill.errors import ModelError
from prill.messages import AIMessageChunk
from prill.openai import ChatOpenAI
from prill.runnables import RunnableGenerator
from prill.testing import ReplayServer

NO_WAIT = {"wait_exponential_jitter": False}


class Failed(ModelError):
    """An error that may pass."""

    retryable = True


class Plan:
    """Streams one list of pieces for each try; a piece that is an error is raised. The last list stays."""

    def __init__(self, *tries):
        self.tries = tries
        self.begun = 0

    def next(self):
        pieces = self.tries[min(self.begun, len(self.tries) - 1)]
        self.begun += 1
        for piece in pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


def streaming(*tries):
    """A step that streams by plan; and the plan, which counts the tries."""
    plan = Plan(*tries)

    async def flaky(inputs):
        async for _ in inputs:
            pass
        for piece in plan.next():
            yield piece

    return RunnableGenerator(flaky), plan


def text_of(text, cuts):
    """``text`` in pieces of the given lengths."""
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    return [piece for piece in [*pieces, text[at:]] if piece]


def call_chunk(args, name=None):
    return AIMessageChunk("", tool_call_chunks=[{"name": name, "args": args, "id": name and "1", "index": 0}])


class Names(Observer):
    """Remembers the names of what starts, and how it ends."""

    def __init__(self):
        self.seen = []

    def on_start(self, run, input):
        self.seen.append(("start", run.name))

    def on_error(self, run, error):
        self.seen.append(("error", run.name))

    def on_cancel(self, run, partial):
        self.seen.append(("cancel", run.name))

    def on_end(self, run, output):
        self.seen.append(("end", run.name))


class Gauge:
    """How many are inside at once, at most."""

    def __init__(self):
        self._lock = threading.Lock()
        self.now = self.most = 0

    @contextmanager
    def __call__(self):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


def chat(server: ReplayServer, **more):
    return ChatOpenAI(**{"model": "gpt-4o", "base_url": server.openai_url, "api_key": "test", "max_retries": 0, **more})
