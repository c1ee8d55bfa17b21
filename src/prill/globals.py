"""Switches for a whole program."""

from __future__ import annotations

from typing import Any

from prill.caches import SHARED, BaseCache
from prill.callbacks.run import GLOBAL_CALLBACKS
from prill.callbacks.stdout import StdOutCallbackHandler
from prill.tracers.stdout import FunctionCallbackHandler

_DEBUG = FunctionCallbackHandler(print)
_VERBOSE = StdOutCallbackHandler()


def set_debug(value: bool) -> None:
    """Print the start and the end of every run, with inputs and outputs, from now on; or print them no longer."""
    _switch(_DEBUG, value)


def get_debug() -> bool:
    """Whether every run is printed."""
    return _DEBUG in GLOBAL_CALLBACKS


def set_verbose(value: bool) -> None:
    """Print a line when a chain starts and ends, and what agents and tools do, from now on; or no longer."""
    _switch(_VERBOSE, value)


def get_verbose() -> bool:
    """Whether chains, agents and tools print what they do."""
    return _VERBOSE in GLOBAL_CALLBACKS


def set_llm_cache(value: BaseCache | None) -> None:
    """Let all models that say nothing else (``cache=…``) use this cache from now on; ``None`` for none."""
    SHARED[:] = [] if value is None else [value]


def get_llm_cache() -> BaseCache | None:
    """The cache of all models that say nothing else."""
    return SHARED[0] if SHARED else None


def _switch(watcher: Any, on: bool) -> None:
    if on and watcher not in GLOBAL_CALLBACKS:
        GLOBAL_CALLBACKS.append(watcher)
    elif not on and watcher in GLOBAL_CALLBACKS:
        GLOBAL_CALLBACKS.remove(watcher)
