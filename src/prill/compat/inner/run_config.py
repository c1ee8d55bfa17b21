"""``langchain_core.runnables.config``: the config of the current run as a context variable.

Prill keeps the current *run* in a context variable. Packages that read and set the config there instead (LangGraph)
find here an object with the methods of a ``ContextVar`` that looks at, and sets, the current run.
"""

from __future__ import annotations

from contextvars import Token
from typing import Any

from prill.callbacks.config import Config
from prill.callbacks.run import CURRENT_RUN, Run
from prill.io import BLOCKING
from prill.runnables.engine.runs import config_for_child, start_run

CONFIG_KEYS = [
    "tags", "metadata", "callbacks", "run_name", "max_concurrency", "recursion_limit", "configurable", "run_id",
]  # fmt: skip
COPIABLE_KEYS = ["tags", "metadata", "callbacks", "configurable"]
CONFIGURABLE_TO_TRACING_METADATA_EXCLUDED_KEYS = frozenset({"api_key"})


class _ConfigRun(Run):
    """A prepared run that was made of a config, which it keeps as it was given."""

    __slots__ = ("given",)

    given: Config


class _CurrentConfig:
    """``var_child_runnable_config``."""

    name = "child_runnable_config"

    def get(self, default: Any = None) -> Any:
        """The config that what is started now inherits, or ``default``."""
        run = CURRENT_RUN.get()
        if run is None:
            return default
        return run.given if isinstance(run, _ConfigRun) else config_for_child(run, plain=True)

    def set(self, config: Config | None) -> Token[Run | None]:
        """Let what is started from now on inherit ``config``."""
        return CURRENT_RUN.set(None if config is None else make_run(config))

    def reset(self, token: Token[Run | None]) -> None:
        """Take back a ``set``."""
        CURRENT_RUN.reset(token)


var_child_runnable_config = _CurrentConfig()


def make_run(config: Config) -> Run:
    """A prepared run with a config, which does not look at the run around it."""
    token = CURRENT_RUN.set(None)
    try:
        known = start_run(config)
    finally:
        CURRENT_RUN.reset(token)
    run = _ConfigRun(BLOCKING, known.config, known.observers, known.parent, known.tag, known.limit)
    run.usage = known.usage
    run.given = config
    return run


def _set_config_context(config: Config) -> tuple[Token[Run | None], None]:
    """Let what is started from now on inherit ``config``; the token takes it back."""
    return var_child_runnable_config.set(config), None
