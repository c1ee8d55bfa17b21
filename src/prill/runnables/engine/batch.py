"""Many inputs at once."""

from __future__ import annotations

import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from functools import partial
from importlib import import_module
from typing import Any

from prill.callbacks.config import Config
from prill.callbacks.run import Run
from prill.errors import Cancelled, ConfigError, MissingDependencyError
from prill.io import ExecutionMode, closing
from prill.io.scope import current_scope
from prill.runnables.engine.runs import each_config

Advance = Callable[[], None]


@contextlib.contextmanager
def show_progress(wanted: bool, total: int | None) -> Iterator[Advance | None]:
    """Show a bar while the ``with`` block runs, and give what moves it on; ``None`` where none is wanted."""
    if not wanted:
        yield None
        return
    try:
        rich = import_module("rich.progress")
    except ImportError as error:
        raise MissingDependencyError("progress=True needs the package rich: pip install 'prill[cli]'") from error
    columns = (
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


Enter = Callable[..., Awaitable[Any]]
StartRun = Callable[[Config | None], Run]

THREADS = 32
"""The number of inputs that run at once in blocking code without ``max_concurrency``."""

TASKS = 1000
"""The number of inputs of unknown total that run at once in asyncio without ``max_concurrency``."""


class Batch:
    """The inputs, and how each is run; one limit bounds all of them and what they start."""

    def __init__(
        self,
        enter: Enter,
        start: StartRun,
        inputs: Iterable[Any],
        config: Config | Sequence[Config] | None,
        return_exceptions: bool,
        kwargs: dict[str, Any],
        progress: bool,
    ) -> None:
        if isinstance(inputs, str | bytes | Mapping):
            raise ConfigError(
                f"batch takes a list of inputs, not {type(inputs).__name__} ({inputs!r:.80}): chain.batch([x, y])"
            )
        self._invoke_body = enter
        self._inputs = inputs
        self._return_exceptions = return_exceptions
        self._kwargs = kwargs
        self._progress = progress
        self._start_run = start
        self._size = len(inputs) if isinstance(inputs, Sized) else None
        self._configs = self._get_config_for_each(config)
        self._runs = [start(each) for each in self._configs[:2]]
        self._limit = self._runs[0].limit if self._runs else None
        self._outputs: dict[int, Any] = {}
        tokens = {id(run.config.get("cancel")): run.config.get("cancel") for run in self._runs}
        if config is not None and not isinstance(config, Mapping):
            tokens |= {id(each.get("cancel")): each.get("cancel") for each in config}
        self._token = tokens.popitem()[1] if len(tokens) == 1 else None

    def _get_config_for_each(self, config: Config | Sequence[Config] | None) -> Sequence[Config | None]:
        if self._size is not None:
            return each_config(config, self._size)
        if config is not None and not isinstance(config, Mapping):
            raise ConfigError("inputs of unknown length take one config for all, not a list of configs")
        return each_config(config, 2)

    def _make_child_run(self, index: int) -> Run:
        if index < len(self._runs):
            run = self._runs[index]
        elif self._size is not None and self._configs[index] is not self._configs[1]:
            run = self._start_run(self._configs[index])
        else:
            run = self._runs[1].again()
        if run.limit is not self._limit:
            run.limit = self._limit
        return run

    async def _get_output_or_error(self, index: int, input: Any, keep: bool) -> Any:
        """The output; its error in its place where the caller wants that. Being cancelled is not an outcome."""
        try:
            output = await self._invoke_body(input, self._make_child_run(index), **self._kwargs)
        except Exception as error:
            if self._return_exceptions and not self._is_stopped(error):
                return error
            # Exceptions that refuse attributes go without.
            with contextlib.suppress(AttributeError, TypeError):
                error.batch_index, error.batch_outputs = index, self._outputs  # type: ignore[attr-defined]
            raise
        if keep:
            self._outputs[index] = output
        return output

    def _is_stopped(self, error: Exception) -> bool:
        """Whether the whole batch was stopped, and not this input alone."""
        scope = current_scope()
        stopped = (self._token is not None and self._token.cancelled) or (scope is not None and scope.cancelled)
        return stopped and isinstance(error, Cancelled)

    async def outputs(self) -> list[Any]:
        """All outcomes, in the order of the inputs."""
        inputs = list(self._inputs)
        if not inputs:
            return []
        with show_progress(self._progress, len(inputs)) as advance:
            one = self._get_output_or_error if advance is None else partial(self._run_and_report_progress, advance)
            thunks = [partial(one, index, input, True) for index, input in enumerate(inputs)]
            return await self._runs[0].io.gather(thunks, self._limit)

    async def _run_and_report_progress(self, advance: Advance, index: int, input: Any, keep: bool) -> Any:
        outcome = await self._get_output_or_error(index, input, keep)
        advance()
        return outcome

    async def as_completed(self) -> AsyncIterator[tuple[int, Any]]:
        """``(index, outcome)`` in the order in which the inputs are done; inputs are taken as they are needed."""
        if self._size == 0:
            return
        io = self._runs[0].io
        inputs = _SharedIterator(enumerate(self._inputs), io)

        async def work() -> AsyncGenerator[tuple[int, Any], None]:
            while (following := await inputs.take()) is not None:
                index, input = following
                yield index, await self._get_output_or_error(index, input, False)

        workers = [work() for _ in range(self._get_worker_count(io.blocking))]
        merged = io.merge(workers, self._limit)
        with show_progress(self._progress, self._size) as advance:
            async with closing(merged):
                async for _, outcome in merged:
                    if advance is not None:
                        advance()
                    yield outcome

    def _get_worker_count(self, blocking: bool) -> int:
        if self._limit is not None:
            width = self._limit.width
        else:
            width = THREADS if blocking else TASKS if self._size is None else self._size
        return width if self._size is None else min(width, self._size)


class _SharedIterator:
    """An iterator that several workers share: one at a time takes from it, outside of the lock."""

    def __init__(self, items: Iterator[Any], io: ExecutionMode) -> None:
        self._items = items
        self._changed = io.condition()
        self._blocking = io.blocking
        self._taken = False

    async def take(self) -> Any:
        """The next item; ``None`` at the end."""
        if not self._blocking:  # tasks of one thread
            return next(self._items, None)
        async with self._changed:
            while self._taken:
                await self._changed.wait()
            self._taken = True
        try:
            return next(self._items, None)
        finally:
            async with self._changed:
                self._taken = False
                self._changed.notify_all()
