"""Methods that packages call on the core's classes: put onto Prill's when one of these is first asked for.

They are underscored in ``langchain_core``, and packages that subclass its classes call them all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from prill import errors
from prill.callbacks.handled import HandlerObserver
from prill.callbacks.run import Run
from prill.compat.inner.event_taps import TappingView, TappingViewV1
from prill.compat.inner.google_blocks import content_blocks
from prill.compat.inner.serialized import to_json
from prill.errors import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRefusalError,
    PrillError,
)
from prill.language_models.base import BaseLanguageModel
from prill.language_models.cache_and_limits import _identity
from prill.language_models.chat_models import BaseChatModel as PrillChatModel
from prill.language_models.llms import LLM, BaseLLM
from prill.load.dump import dumpd
from prill.load.serializable import Serializable
from prill.messages import AIMessage, BaseMessage
from prill.prompts.base import BasePromptTemplate
from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableProxy
from prill.runnables.function import RunnableLambda
from prill.runnables.generator import RunnableGenerator
from prill.runnables.serializable import RunnableSerializable
from prill.tools.base import BaseTool
from prill.tracers.events import VIEWS

_before: list[tuple[Any, str, Any]] = []
"""What ``attach`` has replaced: the owner, the name, and the value, or ``_ABSENT``."""

_ABSENT = object()


def attach() -> None:
    """Put the methods onto ``Runnable``, and let models stream for streams of events, as LangGraph's users expect."""
    for method in _METHODS:
        _replace(Runnable, method.__name__, method)
    for serializable in (RunnableSerializable, PrillChatModel):
        for name in ("is_lc_serializable", "get_lc_namespace", "lc_id", "lc_secrets", "lc_attributes"):
            if name not in serializable.__dict__:
                _replace(serializable, name, Serializable.__dict__[name])
        _replace(serializable, "to_json", to_json)
    _replace(BaseLanguageModel, "_serialized", property(_serialized))
    _replace(RunnableProxy, "__getattr__", _get_forwarded)
    _replace(ModelError, "is_retryable", property(_is_retryable))
    _replace(ModelRefusalError, "_refused", "Model refused to produce the requested output")
    _replace(PrillError, "__str__", _get_message)
    _replace(errors, "_set_path", _set_path)
    _replace(HandlerObserver, "_describe", _describe)
    _replace(BaseMessage, "__add__", _compose)
    _replace(AIMessage, "content_blocks", property(content_blocks))
    _replace(PrillChatModel, "_get_llm_string", _get_llm_string)
    _replace(BaseLLM, "dict", _asdict)
    for kind in (BaseLLM, LLM, BaseTool):  # subclasses take what they do not know
        _replace(kind, "model_config", {**kind.model_config, "extra": "ignore"})
    VIEWS.update(v1=TappingViewV1, v2=TappingView)


def detach() -> None:
    """Put everything back as it was before ``attach``."""
    while _before:
        owner, name, value = _before.pop()
        if value is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
    VIEWS.update(_VIEWS)


_VIEWS = dict(VIEWS)


def _replace(owner: Any, name: str, value: Any) -> None:
    _before.append((owner, name, owner.__dict__.get(name, _ABSENT)))
    setattr(owner, name, value)


def _step(self: Runnable[Any, Any], function: Callable[..., Any], run_type: str | None, kwargs: dict[str, Any]) -> Any:
    name = self.get_name()
    step = RunnableLambda(partial(function, **kwargs) if kwargs else function, name=name)
    if run_type is not None:
        step._kind = run_type  # type: ignore[misc]  # of this one object
    return step


def _call_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    input_: Any,
    config: Any,
    run_type: str | None = None,
    serialized: Any = None,
    **kwargs: Any,
) -> Any:
    """Call a function as the run of this step."""
    return _step(self, func, run_type, kwargs).invoke(input_, config)


async def _acall_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    input_: Any,
    config: Any,
    run_type: str | None = None,
    serialized: Any = None,
    **kwargs: Any,
) -> Any:
    """Await a function as the run of this step."""
    return await _step(self, func, run_type, kwargs).ainvoke(input_, config)


def _configs(config: Any, number: int) -> list[Any]:
    return list(config) if isinstance(config, list | tuple) else [config or {}] * number


def _batch_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    inputs: Sequence[Any],
    config: Any = None,
    *,
    return_exceptions: bool = False,
    run_type: str | None = None,
    **kwargs: Any,
) -> list[Any]:
    """Call a function that answers several inputs at once."""
    answers: list[Any] = _call_many(func, inputs, _configs(config, len(inputs)), kwargs)
    return _checked(answers, return_exceptions)


async def _abatch_with_config(
    self: Runnable[Any, Any],
    func: Callable[..., Any],
    inputs: Sequence[Any],
    config: Any = None,
    *,
    return_exceptions: bool = False,
    run_type: str | None = None,
    **kwargs: Any,
) -> list[Any]:
    """Await a function that answers several inputs at once."""
    answers: list[Any] = await _call_many(func, inputs, _configs(config, len(inputs)), kwargs)
    return _checked(answers, return_exceptions)


def _call_many(func: Callable[..., Any], inputs: Sequence[Any], configs: list[Any], kwargs: dict[str, Any]) -> Any:
    from prill.runnables.engine.signature import accepts  # noqa: PLC0415 - few packages need it

    return func(list(inputs), **({"config": configs} if accepts(func, "config") else {}), **kwargs)


def _checked(answers: list[Any], return_exceptions: bool) -> list[Any]:
    failed = next((each for each in answers if isinstance(each, Exception)), None)
    if failed is not None and not return_exceptions:
        raise failed
    return answers


def _transform_stream_with_config(
    self: Runnable[Any, Any],
    inputs: Iterator[Any],
    transformer: Callable[..., Any],
    config: Any,
    run_type: str | None = None,
    **kwargs: Any,
) -> Iterator[Any]:
    """The stream that a generator function makes of another, as the run of this step."""
    return RunnableGenerator(partial(transformer, **kwargs), name=self.get_name()).transform(inputs, config)


def _atransform_stream_with_config(
    self: Runnable[Any, Any],
    inputs: AsyncIterator[Any],
    transformer: Callable[..., Any],
    config: Any,
    run_type: str | None = None,
    **kwargs: Any,
) -> AsyncIterator[Any]:
    """The same for asyncio."""
    return RunnableGenerator(partial(transformer, **kwargs), name=self.get_name()).atransform(inputs, config)


def _add_version(self: Any, pkg: str, version: str) -> None:
    """Note which package's version a model is from, in its metadata."""
    metadata = dict(self.metadata or {})
    metadata["lc_versions"] = {**metadata.get("lc_versions", {}), pkg: version}
    self.metadata = metadata


_forwarded = RunnableProxy.__getattr__


def _get_forwarded(self: RunnableProxy, name: str) -> Any:
    """An attribute of the wrapped Runnable; also an underscored one that another package defined."""
    if name.startswith("_") and not name.startswith("__") and "bound" in self.__dict__:
        for kind in type(self.bound).__mro__:
            if name in kind.__dict__ and not kind.__module__.startswith("prill."):
                return getattr(self.bound, name)
    return _forwarded(self, name)


def _is_retryable(self: ModelError) -> bool:
    """Whether the same request may succeed later; of another package's errors, by their class."""
    lasting = (
        ModelAuthenticationError,
        ModelPermissionDeniedError,
        ModelNotFoundError,
        ModelInvalidRequestError,
    )
    own = type(self).__module__.startswith("prill.") and type(self) is not ModelAPIError
    return self.retryable or (not own and isinstance(self, ModelAPIError) and not isinstance(self, lasting))


def _serialized(self: Any) -> dict[str, Any]:
    """A model as it is stored."""
    stored: dict[str, Any] = dumpd(self)
    return stored


def _describe(self: HandlerObserver, run: Run) -> dict[str, Any]:
    """A step as it is stored, for handlers that read more than its name; a tool's name and description."""
    step = run.step
    if run.kind == "tool" and step is not None:
        return {"name": run.name, "description": getattr(step, "description", "")}
    if self.streams_models or not isinstance(step, BaseLanguageModel | BasePromptTemplate):
        return {"name": run.name}
    try:
        return {**dumpd(step), "name": run.name}
    except Exception:  # the fields of another package's model
        return {"name": run.name}


def _compose(self: BaseMessage, other: Any) -> Any:
    """A prompt of a message and what follows it: a text, a message, or a list of them."""
    from prill.prompts.chat import ChatPromptTemplate  # noqa: PLC0415 - few packages need it

    return ChatPromptTemplate.from_messages([self]) + other


def _get_llm_string(self: PrillChatModel, stop: list[str] | None = None, **kwargs: Any) -> str:
    """The part of a cache's key that says which model answers, with which arguments."""
    return _identity(self, {"stop": stop, **kwargs})


def _asdict(self: BaseLLM, **kwargs: Any) -> dict[str, Any]:
    """What tells a model from others."""
    return self.asdict()


def _get_message(self: PrillError) -> str:
    """The text of an error alone: programs compare it; the path is a note, which tracebacks show."""
    return self.message


_set_path_only = errors._set_path


def _set_path(error: BaseException, path: Any) -> None:
    """Keep the path of an error, as a note too."""
    _set_path_only(error, path)
    if isinstance(error, PrillError):
        note = errors._NOTE + errors._ARROW.join(path)
        errors.replace_note(error, note, lambda old: old.startswith(errors._NOTE))


_METHODS = (
    _abatch_with_config,
    _acall_with_config,
    _add_version,
    _atransform_stream_with_config,
    _batch_with_config,
    _call_with_config,
    _transform_stream_with_config,
)
