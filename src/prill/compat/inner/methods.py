"""Methods that packages call on the core's classes: put onto Prill's when one of these is first asked for.

They are underscored in ``langchain_core``, and packages that subclass its classes call them all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from prill.runnables.base import Runnable
from prill.runnables.function import RunnableLambda
from prill.runnables.generator import RunnableGenerator
from prill.tracers.events import EventView


def attach() -> None:
    """Put the methods onto ``Runnable``, and let models stream for streams of events, as LangGraph's users expect."""
    for method in _METHODS:
        setattr(Runnable, method.__name__, method)
    EventView.streams_models = True


def _step(self: Runnable[Any, Any], function: Callable[..., Any], run_type: str | None, kwargs: dict[str, Any]) -> Any:
    name = self.get_name()
    step = RunnableLambda(partial(function, **kwargs) if kwargs else function, name=name)
    if run_type is not None:
        step._kind = run_type  # type: ignore[misc]  # of this one object
    return step


def _call_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    input_: Any,
    config: Any,
    run_type: str | None = None,
    serialized: Any = None,
    **kwargs: Any,
) -> Any:
    """Call a function as the run of this step."""
    return _step(self, func, run_type, kwargs).invoke(input_, config)


async def _acall_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    input_: Any,
    config: Any,
    run_type: str | None = None,
    serialized: Any = None,
    **kwargs: Any,
) -> Any:
    """Await a function as the run of this step."""
    return await _step(self, func, run_type, kwargs).ainvoke(input_, config)


def _configs(config: Any, number: int) -> list[Any]:
    return list(config) if isinstance(config, list | tuple) else [config or {}] * number


def _batch_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    inputs: Sequence[Any],
    config: Any = None,
    *,
    return_exceptions: bool = False,
    run_type: str | None = None,
    **kwargs: Any,
) -> list[Any]:
    """Call a function that answers several inputs at once."""
    answers: list[Any] = _call_many(func, inputs, _configs(config, len(inputs)), kwargs)
    return _checked(answers, return_exceptions)


async def _abatch_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    inputs: Sequence[Any],
    config: Any = None,
    *,
    return_exceptions: bool = False,
    run_type: str | None = None,
    **kwargs: Any,
) -> list[Any]:
    """Await a function that answers several inputs at once."""
    answers: list[Any] = await _call_many(func, inputs, _configs(config, len(inputs)), kwargs)
    return _checked(answers, return_exceptions)


def _call_many(func: Callable[..., Any], inputs: Sequence[Any], configs: list[Any], kwargs: dict[str, Any]) -> Any:
    from prill.runnables.engine.signature import accepts  # noqa: PLC0415 - few packages need it

    return func(list(inputs), **({"config": configs} if accepts(func, "config") else {}), **kwargs)


def _checked(answers: list[Any], return_exceptions: bool) -> list[Any]:
    failed = next((each for each in answers if isinstance(each, Exception)), None)
    if failed is not None and not return_exceptions:
        raise failed
    return answers


def _transform_stream_with_config(
    self: Runnable[Any, Any],
    inputs: Iterator[Any],
    transformer: Callable[..., Any],
    config: Any,
    run_type: str | None = None,
    **kwargs: Any,
) -> Iterator[Any]:
    """The stream that a generator function makes of another, as the run of this step."""
    return RunnableGenerator(partial(transformer, **kwargs), name=self.get_name()).transform(inputs, config)


def _atransform_stream_with_config(
    self: Runnable[Any, Any],
    inputs: AsyncIterator[Any],
    transformer: Callable[..., Any],
    config: Any,
    run_type: str | None = None,
    **kwargs: Any,
) -> AsyncIterator[Any]:
    """The same for asyncio."""
    return RunnableGenerator(partial(transformer, **kwargs), name=self.get_name()).atransform(inputs, config)


def _add_version(self: Any, pkg: str, version: str) -> None:
    """Note which package's version a model is from, in its metadata."""
    metadata = dict(self.metadata or {})
    metadata["lc_versions"] = {**metadata.get("lc_versions", {}), pkg: version}
    self.metadata = metadata


_METHODS = (
    _abatch_with_config,
    _acall_with_config,
    _add_version,
    _atransform_stream_with_config,
    _batch_with_config,
    _call_with_config,
    _transform_stream_with_config,
)
