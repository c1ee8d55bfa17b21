"""Recording runs to a SQLite file, beside the program."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import SecretStr

from prill.callbacks.run import MaybeAwaitable, Run
from prill.callbacks.secrets import is_secret_name, wrap_secrets
from prill.callbacks.usage import ambient
from prill.errors import ConfigError
from prill.io import PerProcess, make_lock
from prill.io.threads import ThreadPool
from prill.tracers.plain_json import as_json
from prill.tracers.recorded import MODELS
from prill.tracers.run_file import RunFile
from prill.tracers.tree import Recorder, TracedRun

logger = logging.getLogger("prill.tracers")

LONGEST_TEXT = 100_000
"""Characters of a text that are written; the rest is cut, and the text says how long it was."""
LONGEST_VALUE = 2_000_000
"""Characters of an input or output as JSON; of a longer one only the start is written."""
_WAITING = 10_000
"""Runs that wait to be written; more are left out, with a warning."""
_GROUP = 500
_PAUSE = 0.05
"""Seconds for which runs are gathered before they are written."""
_PRUNE_EVERY = 200


class RunRecorder(Recorder):
    """Writes runs to a SQLite file; a callback, which ``record`` sets for a block of code.

    A thread of its own writes, in groups: a failing or slow disk changes nothing in the runs, and is reported once.
    A killed program loses at most the last moment. Values under names of secrets, keys of models, and values of
    environment variables that are secrets are written as asterisks.

    Args:
        path: the file.
        keep: how many trees of runs the file holds at most; the oldest go.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], keep: int = 10_000) -> None:
        if keep < 1:
            raise ConfigError(f"keep is the number of runs that the file holds, at least 1, not {keep}")
        self._file = RunFile(path)
        self._keep = keep
        self._queues: PerProcess[_Queue] = PerProcess()
        self._secrets: set[str] = set()
        self._warned = False

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if traced.parent is not None:
            traced.parent.child_runs.clear()  # the tree is in the file: a long run must not hold all of it
        if run.kind in MODELS and run.step is not None:
            fields = vars(run.step).values()
            self._secrets |= {value.get_secret_value() for value in fields if isinstance(value, SecretStr)}
        self._put(traced)
        return None

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        self._put(traced)
        return None

    def flush(self, seconds: float = 10.0) -> None:
        """Wait until all that was recorded is written, for so many seconds at most."""
        queue = self._queues.get(_Queue)
        done: SimpleQueue[None] = SimpleQueue()
        queue.pool.submit(lambda: self._write(queue))
        queue.pool.submit(lambda: done.put(None))
        with contextlib.suppress(Empty):
            done.get(timeout=seconds)

    def _put(self, traced: TracedRun) -> None:
        queue = self._queues.get(_Queue)
        with queue.lock:
            full = len(queue.runs) >= _WAITING
            if not full:
                queue.runs.append(traced)
            idle, queue.scheduled = not queue.scheduled, True
        if full:
            self._warn("runs come faster than they can be written")
        if idle:
            queue.pool.submit(lambda: self._work(queue))

    def _work(self, queue: _Queue) -> None:
        time.sleep(_PAUSE)
        with queue.lock:
            queue.scheduled = False
        self._write(queue)

    def _write(self, queue: _Queue) -> None:
        while queue.runs:
            group: dict[Any, TracedRun] = {}
            while queue.runs and len(group) < _GROUP:
                traced = queue.runs.popleft()
                group[traced.id] = traced  # one that has started and ended in the meantime is written once
            try:
                secrets = self._secrets | set(_find_secrets())
                self._file.write([make_row(traced, secrets) for traced in group.values()])
                queue.groups += 1
                if queue.groups % _PRUNE_EVERY == 1:
                    self._file.prune(self._keep)
            except Exception as error:  # whatever it is, the user's runs go on
                self._warn(str(error))

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("some runs are not recorded in %s: %s", self._file.path, why)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush()
        self._file.close()


class _Queue:
    """What waits in one process, and the thread that writes it."""

    def __init__(self) -> None:
        self.lock = make_lock()
        self.runs: deque[TracedRun] = deque()
        self.scheduled = False
        self.groups = 0
        self.pool = ThreadPool(1, "prill-record")


@contextlib.contextmanager
def record(to: str | os.PathLike[str] = "runs.db", *, keep: int = 10_000) -> Iterator[RunRecorder]:
    """Record the runs that are started inside the ``with`` block in a SQLite file, for ``prill traces``.

        with record(to="runs.db"):
            chain.invoke(question)

    Several threads and processes may record to one file. The end of the block waits for what is not written yet, for
    10 seconds at most.

    Args:
        to: the file; runs are added to those that are there.
        keep: how many trees of runs the file holds at most; the oldest go.

    Raises:
        ConfigError: the file cannot be opened, or holds something else.
    """
    recorder = RunRecorder(to, keep)
    try:
        with ambient(recorder):
            yield recorder
    finally:
        recorder.close()


def make_row(traced: TracedRun, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The columns of a run, without secrets."""
    ended = traced.status != "running"
    usage = traced.usage or {}
    details = usage.get("input_token_details") or {}
    texts = {
        **{"tags": traced.tags, "metadata": traced.metadata, "inputs": traced.inputs, "outputs": traced.outputs},
        "arguments": {name: value for name, value in traced.extra.items() if name != "metadata"},
    }
    return {
        **{"id": str(traced.id), "root": str(traced.trace_id), "parent": _as_text(traced.parent_run_id)},
        **{"name": traced.name, "kind": traced.kind, "status": traced.status, "pid": os.getpid()},
        **{"started": traced.start_time.timestamp(), "seconds": traced.duration if ended else None},
        **{"first_chunk": traced.time_to_first_chunk if traced.streamed else None, "chunks": traced.chunks},
        **{"model": traced.metadata.get("ls_model_name") if traced.kind in MODELS else None},
        **{"input_tokens": usage.get("input_tokens"), "output_tokens": usage.get("output_tokens")},
        **{"cached_tokens": details.get("cache_read"), "error": hide(traced.error, secrets)},
        **{name: hide(encode(value), secrets) for name, value in texts.items()},
    }


def encode(value: Any) -> str:
    """A value as JSON: whatever it is, without what has the name of a secret, and cut where it is too long."""
    text = json.dumps(wrap_secrets(_cut(as_json(value))), ensure_ascii=False, default=str)
    text = text.encode("utf8", "replace").decode()
    if len(text) <= LONGEST_VALUE:
        return text
    return json.dumps({"cut": len(text), "start": text[:LONGEST_TEXT]}, ensure_ascii=False)


def hide(text: str | None, secrets: Iterable[str]) -> str | None:
    """The text with asterisks in the place of secrets."""
    for secret in secrets if text else ():
        if len(secret) >= 8 and text:
            text = text.replace(secret, "**********")
    return text


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            return value
        return f"{value[:LONGEST_TEXT]}… [cut: {len(value):,} characters in all]"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return [_cut(each) for each in value] if isinstance(value, list) else value


def _find_secrets() -> Iterator[str]:
    """The values of environment variables with the name of a secret."""
    return (value for name, value in os.environ.items() if len(value) >= 8 and is_secret_name(name))


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)
