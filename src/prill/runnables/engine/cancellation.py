"""A run that a token may stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from prill.callbacks.run import Run
from prill.errors import Cancelled
from prill.io import CancelToken, Heeded, Stopper, closing, make_lock
from prill.messages.ai import as_interrupted
from prill.messages.usage import UsageMetadata, add_usage
from prill.runnables.engine.chunks import Accumulator
from prill.runnables.engine.streams import Snapshots, bare, replaces


def token_of(run: Run) -> CancelToken | None:
    """The token that a run was given, if any."""
    token: CancelToken | None = run.config.get("cancel")
    return token


class Tally:
    """The tokens that the models of a run have used so far, also of a run inside a step's own code."""

    def __init__(self, outer: Tally | None) -> None:
        self._outer = outer
        self._lock = make_lock()  # branches of a blocking run count in threads of their own
        self.usage: UsageMetadata | None = None

    def add(self, usage: UsageMetadata | None) -> None:
        if usage:
            with self._lock:
                self.usage = add_usage(self.usage, usage)
            if self._outer is not None:
                self._outer.add(usage)


def tally_of(run: Run) -> Tally | None:
    """What counts the tokens of a run that heeds a token; nobody asks for them elsewhere."""
    token = run.config.get("cancel")
    return token.tally if isinstance(token, Heeded) and token.heeded else None


async def tallied(stream: AsyncIterator[Any], tally: Tally) -> AsyncIterator[Any]:
    """A model's stream, with the tokens that its chunks tell counted."""
    async with closing(stream):
        async for chunk in stream:
            if usage := getattr(chunk, "usage_metadata", None):
                tally.add(usage)
            yield chunk


async def call_tallied(call: Awaitable[Any], tally: Tally) -> Any:
    """The same for a call."""
    output = await call
    tally.add(_usage(output))
    return output


def heeding(run: Run, token: CancelToken) -> Run:
    """Prepare a run in the place of ``run`` whose steps know that ``token`` is heeded."""
    outer = token.tally if isinstance(token, Heeded) else None
    return run.configured({"cancel": Heeded(token, Tally(outer))}, over=True)


async def call_until_cancelled(name: str, run: Run, call: Callable[[], Awaitable[Any]], token: CancelToken) -> Any:
    """Run a body that ``token`` may stop."""
    stopper = run.io.stopper()
    entered = stopper.enter()
    token.add(stopper.stop)
    try:
        if token.cancelled:
            raise cancelled(name, run)
        output = await call()
    except BaseException as error:
        if stopper.caused(error):
            raise cancelled(name, run) from error
        raise
    finally:
        token.discard(stopper.stop)
        stopper.leave(entered)
        stopper.close()
    if stopper.stopped:
        # Nothing could stop its last step; what came of that is not lost.
        raise Cancelled(f"{name} was cancelled and ended all the same", partial=output, usage=_used(run, output))
    return output


async def stream_until_cancelled(
    name: str, run: Run, stream: AsyncIterator[Any], token: CancelToken
) -> AsyncIterator[Any]:
    """Iterate a stream that ``token`` may stop, also while it waits for its first chunk."""
    stopper: Stopper = run.io.stopper()
    so_far = Accumulator()
    growing = isinstance(stream, Snapshots)
    # Called for every chunk.
    following, add, enter, leave = bare(stream).__anext__, so_far.add, stopper.enter, stopper.leave
    token.add(stopper.stop)
    try:
        async with closing(stream):
            while True:
                if stopper.stopped:
                    raise cancelled(name, run, so_far)
                entered = enter()
                try:
                    chunk = await following()
                except StopAsyncIteration:
                    return
                except BaseException as error:
                    if stopper.caused(error):
                        raise cancelled(name, run, so_far) from error
                    raise
                finally:
                    leave(entered)
                if growing and replaces(stream):
                    so_far.clear()
                add(chunk)
                yield chunk
    finally:
        token.discard(stopper.stop)
        stopper.close()


def cancelled(name: str, run: Run, so_far: Accumulator | None = None) -> Cancelled:
    """The error of a run that was stopped, with what had come."""
    if so_far is None:
        return Cancelled(f"{name} was cancelled", usage=_used(run))
    partial = as_interrupted(so_far.value())
    came = f"{so_far.count} chunks had come"
    return Cancelled(f"{name} was cancelled; {came}", partial=partial, usage=_used(run, partial))


def _used(run: Run, output: Any = None) -> Any:
    tally = tally_of(run)
    return (tally.usage if tally is not None else None) or _usage(output)


def _usage(output: Any) -> Any:
    return getattr(output, "usage_metadata", None)
