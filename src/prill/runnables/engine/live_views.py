"""A run beside its consumer: the live views."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from prill.callbacks.config import Config, merge_configs
from prill.callbacks.run import Observer, Run
from prill.io import ExecutionMode, closing
from prill.io.execution_mode import Emit
from prill.runnables.engine.streams import SingleValueStream

BUFFER = 64
"""How many events a live view may be ahead of its consumer; then the run waits."""


def watch(
    step: Any,
    input: Any,
    start: Callable[[Config | None], Run],
    config: Config | None,
    io: ExecutionMode,
    view: Callable[[Emit], Observer],
    kwargs: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    """Stream ``step`` in the background and give what ``view`` makes of it, no more than ``BUFFER`` ahead."""

    async def work(put: Emit) -> None:
        watcher = view(put)
        run = start(merge_configs(config, {"callbacks": [watcher]}))
        async with closing(step._stream_body(SingleValueStream(input), run, **kwargs).source) as chunks:
            async for chunk in chunks:
                if (notice := watcher.on_output(chunk)) is not None:
                    await notice

    return io.background(work, BUFFER)
