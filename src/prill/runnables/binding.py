"""A Runnable with arguments or a config for every call."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from prill.callbacks.config import Config, check_config, merge_configs
from prill.callbacks.run import Run
from prill.runnables.base import Runnable
from prill.runnables.coerce import coerce_to_runnable
from prill.runnables.engine.streams import Stream
from prill.runnables.parts import PARTS, part
from prill.runnables.wrapper import Wrapper

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


@part("binding")
class RunnableBinding(Wrapper, Runnable[Input, Output]):
    """Calls ``bound`` with ``kwargs`` and runs it with ``config``; made by ``bind`` and ``with_config``.

    It is not a step of its own: observers see the bound Runnable only.
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

    def _configured_run(self, run: Run) -> Run:
        return run.configured(self.config) if self.config else run

    def _enter(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        return self.bound._step(input, self._configured_run(run), **{**self.kwargs, **kwargs})

    def _enter_flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        return self.bound._step_flow(inputs, self._configured_run(run), **{**self.kwargs, **kwargs})

    def __repr__(self) -> str:
        said = [f"{key}={value!r}" for key, value in {**self.kwargs, **self.config}.items() if key != "callbacks"]
        verb = "bind" if self.kwargs and not self.config else "with_config"
        return f"{self.bound!r}.{verb}({', '.join(said)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunnableBinding):
            return NotImplemented
        return (self.bound, self.kwargs, self.config) == (other.bound, other.kwargs, other.config)

    __hash__ = object.__hash__


RunnableBindingBase = RunnableBinding
