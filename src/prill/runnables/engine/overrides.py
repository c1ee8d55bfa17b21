"""Runnables of users, who override the public verbs: there the verbs themselves are the leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from prill.callbacks.run import Run, inside
from prill.errors import ColourError, CompositionError
from prill.io import closing
from prill.runnables.config import config_for_child
from prill.runnables.engine.streams import EMPTY, SingleValueStream, Stream, collect

VERBS = ("invoke", "ainvoke", "stream", "astream", "transform", "atransform")


def overridden_verbs(cls: type) -> frozenset[str]:
    """The verbs that are defined nearer to ``cls`` than the body that they would otherwise drive."""
    body = min(_rank(cls, "_work"), _rank(cls, "_flow"))
    return frozenset(verb for verb in VERBS if _rank(cls, verb) < body)


def has_body(cls: type, base: type) -> bool:
    """Whether ``cls`` has a body of its own, and not only that of ``base``."""
    last = _rank(cls, base.__name__, cls.__mro__.index(base))
    return min(_rank(cls, "_work"), _rank(cls, "_flow")) < last


def _rank(cls: type, name: str, default: int = 0) -> int:
    return next((index for index, kind in enumerate(cls.__mro__) if name in kind.__dict__), default)


async def call_override(step: Any, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Call the overridden ``invoke`` or ``ainvoke`` of the run's colour."""
    with inside(run):
        if run.io.blocking:
            return step.invoke(input, config_for_child(run), **kwargs)
        return await step.ainvoke(input, config_for_child(run), **kwargs)


async def call_without_body(step: Any, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Run a step that has overridden verbs only, by whichever of them fits the colour."""
    overrides, config = step._overrides, config_for_child(run)
    with inside(run):
        if run.io.blocking and "invoke" in overrides:
            return step.invoke(input, config, **kwargs)
        if not run.io.blocking and "ainvoke" in overrides:
            return await step.ainvoke(input, config, **kwargs)
        if not run.io.blocking and "invoke" in overrides:
            return await run.io.call(step.invoke, input, config, **kwargs)
    if (stream := stream_override(step, run)) is not None:
        given = SingleValueStream(input) if stream in ("transform", "atransform") else input
        value = await collect(Stream(flow_override(step, stream, given, run, kwargs)))
        return None if value is EMPTY else value
    raise _no_verb(step, run)


async def collect_and_override(
    step: Any, verb: str | None, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """Iterate an overridden ``stream`` or ``astream`` on the whole input; without ``verb`` call ``invoke``."""
    input = await collect(inputs)
    if input is EMPTY:
        return
    if verb is None:
        yield await call_override(step, input, run, kwargs)
        return
    async with closing(flow_override(step, verb, input, run, kwargs)) as chunks:
        async for chunk in chunks:
            yield chunk


def stream_override(step: Any, run: Run) -> str | None:
    """The overridden verb that streams in the run's colour, if there is one."""
    verbs = ("transform", "stream") if run.io.blocking else ("atransform", "astream")
    return next((verb for verb in verbs if verb in step._overrides), None)


async def flow_override(
    step: Any, verb: str, inputs: Any, run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """Iterate an overridden verb; ``inputs`` is a ``Stream`` for ``transform``, else the whole input."""
    if isinstance(inputs, Stream):
        inputs = inputs.source
    config = config_for_child(run)
    if run.io.blocking:
        given = run.io.iterate(inputs) if verb == "transform" else inputs
        stream: AsyncIterator[Any] = run.io.pull(lambda: iter(getattr(step, verb)(given, config, **kwargs)))
    else:
        stream = aiter(getattr(step, verb)(inputs, config, **kwargs))
    # A user's generator need not close the stream that it is given.
    async with closing(inputs if verb in ("transform", "atransform") else None), closing(stream):
        while True:
            try:
                with inside(run):
                    chunk = await stream.__anext__()
            except StopAsyncIteration:
                return
            yield chunk


def _no_verb(step: Any, run: Run) -> Exception:
    name = type(step).__name__
    if not step._overrides:
        return CompositionError(f"{name} does nothing: a Runnable defines invoke (and ainvoke, stream … where it can)")
    if run.io.blocking:
        return ColourError(
            f"{name} has only {', '.join(sorted(step._overrides))}: run the chain with ainvoke, astream or abatch, "
            f"or give {name} an invoke"
        )
    return ColourError(f"{name} has only {', '.join(sorted(step._overrides))}: give it an invoke or an ainvoke")
