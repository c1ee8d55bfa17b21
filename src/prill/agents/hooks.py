"""Calls middleware in both colours: a hook is plain or ``async``, a run is blocking or asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from prill.agents.interrupts import ACTIVE, ActiveCall
from prill.agents.middleware import NODE_HOOKS, WRAP_HOOKS, AgentMiddleware
from prill.callbacks.run import Run, inside
from prill.errors import ConfigError
from prill.io import BLOCKING, drive

Body = Callable[[Any], Awaitable[Any]]
"""What a handler runs: the call of a model or a tool, in the run's colour."""


class Hook:
    """One hook of one middleware, in its plain and its asyncio form."""

    def __init__(self, middleware: AgentMiddleware, hook: str) -> None:
        self.node = f"{middleware.name}.{hook}"
        self._plain: Any = getattr(middleware, hook, None)
        # A hook that a program writes in a subclass may await anything.
        is_own = str(getattr(self._plain, "__module__", "")).startswith("prill.")
        self._is_direct = middleware._awaits_only_handlers and is_own
        self._later: Any = getattr(middleware, "a" + hook, None)

    def __bool__(self) -> bool:
        return self._plain is not None or self._later is not None

    def form(self, run: Run) -> Callable[..., Any]:
        """The function for the colour of a run."""
        if self._later is not None and (self._plain is None or not run.io.blocking):
            return self._later  # type: ignore[no-any-return]  # a user's function
        return self._plain  # type: ignore[no-any-return]  # as above

    async def call(self, turn: Any, *args: Any) -> Any:
        """Call it with values."""
        return await _call(self.form(turn.run), turn, args, self._is_direct)

    async def wrap(self, turn: Any, request: Any, body: Body) -> Any:
        """Call it with a request and the handler of ``body``."""
        form = self.form(turn.run)
        handler = body if _is_async(form) else _plain_handler(body, turn.run)
        return await _call(form, turn, (request, handler), self._is_direct)


async def _call(form: Callable[..., Any], turn: Any, args: Sequence[Any], is_direct: bool) -> Any:
    run = turn.run
    active = ACTIVE.get()
    # Around a call of a tool it stays that call, which may ask for an answer.
    token = ACTIVE.set(active if active is not None and active.turn is turn else ActiveCall(turn))
    try:
        with inside(run):
            if _is_async(form):
                result: Any = form(*args)
            elif run.io.blocking:
                result = form(*args)
            else:
                result = await run.io.call(form, *args)
            if not isawaitable(result):
                return result
            return await (result if is_direct else run.io.await_on_loop(result))
    finally:
        ACTIVE.reset(token)


def _is_async(form: Any) -> bool:
    return iscoroutinefunction(form) or iscoroutinefunction(getattr(form, "__call__", None))  # noqa: B004 - the method


def _plain_handler(body: Body, run: Run) -> Callable[[Any], Any]:
    """The handler of a plain hook: it waits until the body has ended."""
    if run.io.blocking:
        return lambda request: drive(body(request))
    # The hook runs in a worker thread, and the body on the loop that the thread works for.
    return lambda request: drive(BLOCKING.await_on_loop(body(request)))


class Hooks:
    """The hooks of an agent's middleware, by name, in the order in which they are called."""

    def __init__(self, middleware: Sequence[Any]) -> None:
        for each in middleware:
            if not isinstance(each, AgentMiddleware):
                hint = ": give an instance, not the class" if isinstance(each, type) else ""
                raise ConfigError(f"middleware holds AgentMiddleware objects, not {each!r:.80}{hint}")
        names = [each.name for each in middleware]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"middleware has {sorted(twice)[0]} more than once: give each a name of its own")
        self.by_name = {name: [hook for each in middleware if (hook := Hook(each, name))] for name in NODE_HOOKS}
        for name in ("after_model", "after_agent"):
            self.by_name[name].reverse()
        self.wraps = {name: [hook for each in middleware if (hook := Hook(each, name))] for name in WRAP_HOOKS}

    async def run_wrapped(self, name: str, turn: Any, request: Any, body: Body) -> Any:
        """Run ``body`` inside of the hooks ``name``, the first hook outermost."""
        call = body
        for hook in reversed(self.wraps[name]):
            call = _inside(hook, turn, call)
        return await call(request)


def _inside(hook: Hook, turn: Any, body: Body) -> Body:
    async def call(request: Any) -> Any:
        return await hook.wrap(turn, request, body)

    return call
