"""A Runnable with arguments or a config for every call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Mapping
from typing import Any, Literal, TypeVar

from prill.callbacks.config import Config, RunnableConfig, check_config, merge_configs
from prill.callbacks.run import Run
from prill.callbacks.secrets import wrap_secrets
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.engine.overrides import VERBS, PatchAware
from prill.runnables.engine.streams import Stream
from prill.runnables.structure import Part, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class RunnableProxy:
    """Forwards unknown attributes to ``bound``, so that a model with retries still has a model's ``bind_tools``.

    A Runnable that a forwarded method returns is wrapped the same way.
    """

    bound: Runnable[Any, Any]

    def _replace_bound(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        """Return a copy of this wrapper around another Runnable."""
        raise NotImplementedError

    def _structure(self) -> Structure:
        return Structure("wrapper", [Part(self.bound)])

    def _may_restart_stream(self) -> bool:
        return self.bound._may_restart_stream()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "bound" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._forward_attribute(name, {})

    def _forward_attribute(self, name: str, config: Config) -> Any:
        found = self.bound._read_attribute(name, config)
        is_method = callable(found) and not isinstance(found, type)
        return functools.partial(_call_and_rebind, self, found) if is_method else found

    def _read_attribute(self, name: str, config: Config) -> Any:
        if hasattr(type(self), name) or name in self.__dict__:
            return getattr(self, name)
        return self._forward_attribute(name, config)

    def __setattr__(self, name: str, value: Any) -> None:
        if "bound" in self.__dict__ and name not in VERBS and self._belongs_to_bound(name):
            setattr(self.bound, name, value)  # where reading it would find it
        else:
            super().__setattr__(name, value)

    def _belongs_to_bound(self, name: str) -> bool:
        """Whether reading ``name`` gives an attribute of the wrapped Runnable."""
        if name.startswith("_") or name in self.__dict__ or hasattr(type(self), name):
            return False
        declared = any(name in inspect.get_annotations(kind) for kind in type(self).__mro__)
        return not declared and hasattr(self.bound, name)


def _call_and_rebind(proxy: RunnableProxy, method: Any, /, *args: Any, **kwargs: Any) -> Any:
    made = method(*args, **kwargs)
    return proxy._replace_bound(made) if isinstance(made, Runnable) else made


class RunnableBinding(RunnableProxy, Runnable[Input, Output], metaclass=PatchAware):
    """Calls ``bound`` with ``kwargs`` and runs it with ``config``; made by ``bind`` and ``with_config``.

    It is not a step of its own: observers see the bound Runnable only.
    """

    _equality_fields = ("bound", "kwargs", "config")

    kwargs: dict[str, Any]
    config: RunnableConfig
    custom_input_type: type[Any] | None
    custom_output_type: type[Any] | None

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
            inner._check_configurable(config["configurable"])
        kwargs = dict(kwargs or {})
        config = merge_configs(check_config(config)) if config else {}
        if type(inner) is RunnableBinding and type(self) is RunnableBinding:
            kwargs = {**inner.kwargs, **kwargs}
            config = merge_configs(inner.config, config)
            input_type = input_type or inner.custom_input_type
            output_type = output_type or inner.custom_output_type
            inner = inner.bound
        own = self.__dict__
        own["kwargs"], own["config"] = kwargs, config
        own["custom_input_type"], own["custom_output_type"] = input_type, output_type
        own["bound"] = inner

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.bound.get_name(suffix, name=name or self.config.get("run_name"))

    def _forward_attribute(self, name: str, config: Config) -> Any:
        return super()._forward_attribute(name, merge_configs(self.config, config))

    def _replace_bound(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return RunnableBinding(bound, self.kwargs, self.config, self.custom_input_type, self.custom_output_type)

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        own = self.custom_input_type if side == "input" else self.custom_output_type
        return own if own is not None else super()._input_or_output_type(side)

    def _get_configured_run(self, run: Run) -> Run:
        return run.configured(self.config) if self.config else run

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        return self.bound._step(input, self._get_configured_run(run), **{**self.kwargs, **kwargs})

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        return self.bound._step_flow(inputs, self._get_configured_run(run), **{**self.kwargs, **kwargs})

    def __repr__(self) -> str:
        known = {**self.kwargs, **self.config}
        said = [
            f"{key}={_without_secrets(key, value)!r}"
            for key, value in wrap_secrets(known).items()
            if key != "callbacks"
        ]
        verb = "bind" if self.kwargs and not self.config else "with_config"
        return f"{self.bound!r}.{verb}({', '.join(said)})"


_MAY_BE_SECRET = frozenset(("api_key", "extra_headers", "extra_query"))


def _without_secrets(key: str, value: Any) -> Any:
    """The value of a bound argument as it may be shown: that of a header may be a key."""
    if key not in _MAY_BE_SECRET:
        return value
    return dict.fromkeys(value, "**********") if isinstance(value, Mapping) else "**********"


RunnableBindingBase = RunnableBinding
