"""A run that a token may stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from runlet.callbacks.run import Run
from runlet.errors import Cancelled
from runlet.io import CancelToken, Heeded, Stopper, closing
from runlet.runnables.chunks import SoFar
from runlet.runnables.streams import replaces

_END: Any = object()


def token_of(run: Run) -> CancelToken | None:
    """The token that a run was given, if any."""
    token: CancelToken | None = run.config.get("cancel")
    return token


def heeding(run: Run, token: CancelToken) -> Run:
    """Prepare a run in the place of ``run`` whose steps know that ``token`` is heeded."""
    return run.configured({"cancel": Heeded(token)}, over=True)


async def call_until_cancelled(name: str, run: Run, call: Callable[[], Awaitable[Any]], token: CancelToken) -> Any:
    """Run a body that ``token`` may stop."""
    stopper = run.io.stopper()
    stopper.enter()
    token.add(stopper.stop)
    try:
        if token.cancelled:
            raise cancelled(name)
        output = await call()
    except BaseException as error:
        if stopper.caused(error):
            raise cancelled(name) from error
        raise
    finally:
        token.discard(stopper.stop)
        stopper.leave()
        stopper.close()
    if stopper.stopped:
        # Nothing could stop its last step; what came of that is not lost.
        raise Cancelled(f"{name} was cancelled and ended all the same", partial=output, usage=_usage(output))
    return output


async def stream_until_cancelled(
    name: str, run: Run, stream: AsyncIterator[Any], token: CancelToken
) -> AsyncIterator[Any]:
    """Iterate a stream that ``token`` may stop, also while it waits for its first chunk."""
    stopper: Stopper = run.io.stopper()
    so_far = SoFar()
    token.add(stopper.stop)
    try:
        async with closing(stream):
            while True:
                if token.cancelled:
                    raise cancelled(name, so_far)
                stopper.enter()
                try:
                    chunk = await anext(stream, _END)
                except BaseException as error:
                    if stopper.caused(error):
                        raise cancelled(name, so_far) from error
                    raise
                finally:
                    stopper.leave()
                if chunk is _END:
                    return
                if replaces(stream):
                    so_far.clear()
                so_far.add(chunk)
                yield chunk
    finally:
        token.discard(stopper.stop)
        stopper.close()


def cancelled(name: str, so_far: SoFar | None = None) -> Cancelled:
    """The error of a run that was stopped, with what had come."""
    if so_far is None:
        return Cancelled(f"{name} was cancelled")
    partial = so_far.value()
    return Cancelled(f"{name} was cancelled; {so_far.count} chunks had come", partial=partial, usage=_usage(partial))


def _usage(output: Any) -> Any:
    return getattr(output, "usage_metadata", None)
