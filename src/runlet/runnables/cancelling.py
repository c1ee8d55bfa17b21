"""A run that a token may stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from runlet.callbacks.run import Run
from runlet.errors import Cancelled
from runlet.io import CancelToken, Stopper, closing
from runlet.runnables.chunks import SoFar

_END: Any = object()


def token_of(run: Run) -> CancelToken | None:
    """The token that a run was given, if any."""
    token: CancelToken | None = run.config.get("cancel")
    return token


async def call_until_cancelled(name: str, run: Run, call: Callable[[], Awaitable[Any]], token: CancelToken) -> Any:
    """Run a body that ``token`` may stop."""
    stopper = run.io.stopper()
    stopper.enter()
    token.add(stopper.stop)
    try:
        if token.cancelled:
            raise _cancelled(name, SoFar())
        return await call()
    except BaseException as error:
        if stopper.caused(error):
            raise _cancelled(name, SoFar()) from error
        raise
    finally:
        token.discard(stopper.stop)
        stopper.leave()
        stopper.close()


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
                    raise _cancelled(name, so_far)
                stopper.enter()
                try:
                    chunk = await anext(stream, _END)
                except BaseException as error:
                    if stopper.caused(error):
                        raise _cancelled(name, so_far) from error
                    raise
                finally:
                    stopper.leave()
                if chunk is _END:
                    return
                so_far.add(chunk)
                yield chunk
    finally:
        token.discard(stopper.stop)
        stopper.close()


def _cancelled(name: str, so_far: SoFar) -> Cancelled:
    partial = so_far.value()
    usage = getattr(partial, "usage_metadata", None)
    return Cancelled(f"{name} was cancelled; {so_far.count} chunks had come", partial=partial, usage=usage)
