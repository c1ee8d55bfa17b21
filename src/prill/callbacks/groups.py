"""Groups of runs: a run that exists only to hold those that are started inside a ``with`` block."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from prill.callbacks.base import Callbacks
from prill.callbacks.manager import AsyncRunManager, RunManager, notify
from prill.callbacks.run import CURRENT_RUN, Run, inside, join_observers
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode


class CallbackManagerForChainGroup(RunManager):
    """The manager of a group of runs; ``on_chain_end`` sets the output, which is reported when the group ends."""

    outputs: Any = None
    error: BaseException | None = None

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.outputs = outputs

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """Let the group end with this error, though none leaves its block."""
        self.error = error


class AsyncCallbackManagerForChainGroup(AsyncRunManager):
    """The same for a group in asyncio."""

    outputs: Any = None
    error: BaseException | None = None

    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.outputs = outputs

    async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """Let the group end with this error, though none leaves its block."""
        self.error = error


@contextlib.asynccontextmanager
async def _group(run: Run, inputs: Any, settle: ExecutionMode | None) -> AsyncIterator[Any]:
    manager = (CallbackManagerForChainGroup if run.io.blocking else AsyncCallbackManagerForChainGroup)(run)
    run.raw_input = run.input = inputs
    await notify(run, settle, "on_start", inputs)
    try:
        with inside(run):
            yield manager
    except Exception as error:
        await notify(run, settle, "on_error", error)
        raise
    except BaseException:
        await notify(run, settle, "on_cancel", manager.outputs)
        raise
    if manager.error is not None:
        await notify(run, settle, "on_error", manager.error)
    else:
        await notify(run, settle, "on_end", manager.outputs)


def _group_run(io: ExecutionMode, name: str, callbacks: Callbacks, run_id: Any, tags: Any, metadata: Any) -> Run:
    outer = CURRENT_RUN.get()
    observers = join_observers(outer.observers if outer is not None else None, callbacks)
    said = {"run_id": run_id, "tags": tags, "metadata": metadata}
    run = Run(io, {key: value for key, value in said.items() if value}, observers, outer)
    run.start(name, "chain")
    return run


@contextlib.contextmanager
def trace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: Any = None,
    run_id: uuid.UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Iterator[CallbackManagerForChainGroup]:
    """Make the runs that are started inside children of one run, which exists only to group them."""
    run = _group_run(BLOCKING, group_name, callback_manager, run_id, tags, metadata)
    group = _group(run, inputs, BLOCKING)
    manager = drive(group.__aenter__())
    try:
        yield manager
    except BaseException as error:
        drive(group.__aexit__(type(error), error, error.__traceback__))
        raise
    drive(group.__aexit__(None, None, None))


def atrace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: Any = None,
    run_id: uuid.UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> contextlib.AbstractAsyncContextManager[AsyncCallbackManagerForChainGroup]:
    """Make the runs that are started inside children of one run, which exists only to group them."""
    run = _group_run(get_asyncio_mode(), group_name, callback_manager, run_id, tags, metadata)
    return _group(run, inputs, None)
