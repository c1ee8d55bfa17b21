"""Runs that a token can stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from prill.callbacks.run import Run, UsageCounter, get_model_name, get_usage
from prill.errors import Cancelled
from prill.io import CancelToken, Interrupter, closing
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.streams import Stream


def get_token(run: Run) -> CancelToken | None:
    """The cancel token in the config of a run, if any."""
    token: CancelToken | None = run.config.get("cancel")
    return token


def get_counter(run: Run) -> UsageCounter | None:
    """The counter for the models of a run that nobody observes; those of an observed run are counted with its end."""
    return run.usage if run.observers is None else None


async def count_stream(stream: AsyncIterator[Any], counter: UsageCounter, name: str) -> AsyncIterator[Any]:
    """The chunks of the model ``name``, whose tokens are counted as they come."""
    async with closing(stream):
        async for chunk in stream:
            if usage := get_usage(chunk):
                counter.add(get_model_name(chunk) or name, usage)
            yield chunk


async def count_call(call: Awaitable[Any], counter: UsageCounter, name: str) -> Any:
    """The answer of the model ``name``, whose tokens are counted."""
    output = await call
    if usage := get_usage(output):
        counter.add(get_model_name(output) or name, usage)
    return output


async def call_until_cancelled(name: str, run: Run, call: Callable[[], Awaitable[Any]], token: CancelToken) -> Any:
    """Run a body that ``token`` can stop."""
    stopper = run.io.make_interrupter()
    entered = stopper.enter()
    token.add(stopper.stop)
    try:
        if token.cancelled:
            raise make_cancelled(name, run)
        output = await call()
    except BaseException as error:
        if stopper.caused(error):
            raise make_cancelled(name, run) from error
        raise
    finally:
        token.discard(stopper.stop)
        stopper.leave(entered)
        stopper.close()
    if stopper.stopped:
        # Nothing could stop its last step; the output of that step is not lost.
        raise Cancelled(
            f"{name} was cancelled but ran to its end", partial=output, usage=_get_usage_so_far(run, output)
        )
    return output


async def stream_until_cancelled(name: str, run: Run, stream: Stream[Any], token: CancelToken) -> AsyncIterator[Any]:
    """Iterate a stream that ``token`` can stop, also while it waits for its first chunk."""
    stopper: Interrupter = run.io.make_interrupter()
    accumulated = stream.new_accumulator()
    # Called for every chunk.
    get_next, add, enter, leave = stream.source.__anext__, accumulated.add, stopper.enter, stopper.leave
    token.add(stopper.stop)
    try:
        async with closing(stream.source):
            while not stopper.stopped:
                entered = enter()
                try:
                    chunk = await get_next()
                except StopAsyncIteration:
                    return
                except BaseException as error:
                    if stopper.caused(error):
                        raise make_cancelled(name, run, accumulated) from error
                    raise
                finally:
                    leave(entered)
                add(chunk)
                yield chunk
        # Closed by now, so that the tokens of its models are counted.
        raise make_cancelled(name, run, accumulated)
    finally:
        token.discard(stopper.stop)
        stopper.close()


def make_cancelled(name: str, run: Run, accumulated: Accumulator | None = None) -> Cancelled:
    """The error of a run that was stopped, with the chunks that it had received."""
    if accumulated is None:
        return Cancelled(f"{name} was cancelled", usage=_get_usage_so_far(run))
    partial = accumulated.value()
    received = f"{accumulated.count} chunks were received"
    return Cancelled(f"{name} was cancelled; {received}", partial=partial, usage=_get_usage_so_far(run, partial))


def _get_usage_so_far(run: Run, output: Any = None) -> Any:
    return (run.usage.total if run.usage is not None else None) or get_usage(output)
