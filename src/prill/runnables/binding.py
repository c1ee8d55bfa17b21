"""A Runnable with arguments or a config that go with every call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, TypeVar

from prill.callbacks.config import Config, check_config, merge_configs
from prill.callbacks.run import Run
from prill.runnables.base import Runnable
from prill.runnables.coerce import coerce_to_runnable
from prill.runnables.parts import PARTS, part
from prill.runnables.wrapper import Wrapper

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


@part("binding")
class RunnableBinding(Wrapper, Runnable[Input, Output]):
    """``bound``, called with ``kwargs`` and run with ``config`` each time; made by ``bind`` and ``with_config``.

    It is no step of its own: observers see the bound Runnable alone.
    """

    def __init__(
        self,
        bound: Any,
        kwargs: Mapping[str, Any] | None = None,
        config: Config | None = None,
        input_type: type[Any] | None = None,
        output_type: type[Any] | None = None,
        config_factories: Any = None,
    ) -> None:
        inner = coerce_to_runnable(bound)
        if config and config.get("configurable"):
            PARTS["configurable"](inner, config["configurable"])
        self.kwargs = dict(kwargs or {})
        self.config = merge_configs(check_config(config or {}))
        self.custom_input_type, self.custom_output_type = input_type, output_type
        if type(inner) is RunnableBinding and type(self) is RunnableBinding:
            self.kwargs = {**inner.kwargs, **self.kwargs}
            self.config = merge_configs(inner.config, self.config)
            self.custom_input_type = input_type or inner.custom_input_type
            self.custom_output_type = output_type or inner.custom_output_type
            inner = inner.bound
        self.bound: Runnable[Any, Any] = inner

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.bound.get_name(suffix, name=name or self.config.get("run_name"))

    def _rewrap(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return RunnableBinding(bound, self.kwargs, self.config, self.custom_input_type, self.custom_output_type)

    def _place(self, run: Run) -> Run:
        return run.configured(self.config) if self.config else run

    def _enter(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        return self.bound._step(input, self._place(run), **{**self.kwargs, **kwargs})

    def _enter_flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        return self.bound._step_flow(inputs, self._place(run), **{**self.kwargs, **kwargs})

    def __repr__(self) -> str:
        known = {**self.kwargs, **self.config}
        said = [f"{key}={_without_secrets(key, value)!r}" for key, value in known.items() if key != "callbacks"]
        verb = "bind" if self.kwargs and not self.config else "with_config"
        return f"{self.bound!r}.{verb}({', '.join(said)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunnableBinding):
            return NotImplemented
        return (self.bound, self.kwargs, self.config) == (other.bound, other.kwargs, other.config)

    __hash__ = object.__hash__


_MAY_BE_SECRET = frozenset(("api_key", "extra_headers", "extra_query"))


def _without_secrets(key: str, value: Any) -> Any:
    """The value of a bound argument as it may be shown: that of a header may be a key."""
    if key not in _MAY_BE_SECRET:
        return value
    return dict.fromkeys(value, "**********") if isinstance(value, Mapping) else "**********"


RunnableBindingBase = RunnableBinding
