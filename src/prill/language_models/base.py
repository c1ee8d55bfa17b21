"""The base class of chat models and text models."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from prill.caches import SHARED, BaseCache
from prill.callbacks.config import RunnableConfig
from prill.callbacks.model_calls import GOVERNOR
from prill.callbacks.run import Run
from prill.callbacks.secrets import wrap_secrets
from prill.errors import ConfigError
from prill.io import drive
from prill.messages import (
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    MessageLikeRepresentation,
    count_tokens_approximately,
    get_buffer_string,
)
from prill.messages.base import set_extra, set_fields_set, set_private, set_values
from prill.outputs import LLMResult
from prill.prompt_values import ChatPromptValueConcrete, PromptValue, StringPromptValue
from prill.rate_limiters import BaseRateLimiter
from prill.runnables.engine.cancellation import count_call, count_stream, get_counter
from prill.runnables.engine.overrides import Namespaces, are_overridden, nearest
from prill.runnables.engine.runs import start_asyncio_run, start_run
from prill.runnables.engine.streams import Stream
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming

LanguageModelInput = PromptValue | str | Sequence[MessageLikeRepresentation]
LanguageModelOutput = BaseMessage | str
LanguageModelLike = RunnableSerializable[LanguageModelInput, LanguageModelOutput]

Output = TypeVar("Output", covariant=True)


class LangSmithParams(TypedDict, total=False):
    """The metadata of a model's runs, as ``_get_ls_params`` returns it."""

    ls_provider: str
    ls_model_name: str
    ls_model_type: Literal["chat", "llm"]
    ls_temperature: float | None
    ls_max_tokens: int | None
    ls_stop: list[str] | None
    ls_integration: str


_LABELS = (
    ("ls_model_name", ("model", "model_name")),
    ("ls_temperature", ("temperature",)),
    ("ls_max_tokens", ("max_tokens",)),
)
"""The labels of a model's runs, and the arguments or fields that have them."""

_SETTINGS = ("streaming", *(name for _, names in _LABELS for name in names))


def _may_define(spaces: Namespaces, name: str) -> bool:
    """Whether a class with these namespaces has an attribute ``name``, or finds attributes in a way of its own."""
    return any(name in space or space.get("__getattr__", _PLAIN) is not _PLAIN for space in spaces)


_PLAIN = BaseModel.__dict__["__getattr__"]


class BaseLanguageModel(RunnableSerializable[LanguageModelInput, Output], ABC):
    """A model that is given text or messages.

    ``callbacks``, ``tags`` and ``metadata`` belong to this model alone; those of a config also to what is around it.
    ``verbose`` is taken as programs give it, and prints nothing: use ``callbacks`` or ``prill.globals.set_debug``.

    ``cache`` remembers whole answers, streamed or not, by the messages and the settings: a ``BaseCache``; ``None`` for
    that of ``prill.globals.set_llm_cache``, if there is one; ``False`` for none. A remembered answer has
    ``response_metadata["cached"]`` and a usage of 0 tokens. ``rate_limiter`` is asked before each request.
    """

    _hooks: ClassVar[frozenset[str]] = frozenset(
        ("_generate", "_agenerate", "_call", "_acall", "_stream", "_astream", "_answer", "_chunks")
    )
    _answers_by_hooks: ClassVar[bool] = False
    """Whether a subclass wrote ``_generate`` (or its like) below the body ``_answer`` that would stand in for it."""
    _streams_by_hooks: ClassVar[bool] = False
    """Whether a subclass wrote ``_stream`` or ``_astream`` below the body ``_chunks`` that would stand in for it."""
    _async_hooks: ClassVar[frozenset[str]] = frozenset()
    """The asyncio hooks that an asyncio run calls: those not older than the plain hook of the same kind."""
    _class_settings: ClassVar[frozenset[str]] = frozenset()
    """The settings that an object without a field for them may have: as a property, or by ``__getattr__``."""

    _cache_ignores: ClassVar[frozenset[str]] = frozenset(
        (
            *("cache", "callbacks", "custom_get_token_ids", "disable_streaming", "metadata", "name"),
            *("rate_limiter", "tags", "verbose"),
        )
    )
    """Fields that do not change the answers: all others are part of the key under which a cache stores them."""

    cache: BaseCache | bool | None = Field(default=None, exclude=True, repr=False)
    rate_limiter: BaseRateLimiter | None = Field(default=None, exclude=True, repr=False)
    callbacks: Any = Field(default=None, exclude=True, repr=False)
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)
    verbose: bool = Field(default=False, exclude=True, repr=False)
    custom_get_token_ids: Callable[[str], list[int]] | None = Field(default=None, exclude=True, repr=False)

    def _describe_streaming(self) -> Streaming:
        disabled = getattr(self, "disable_streaming", False)
        if disabled is True:
            return Streaming("buffers", False, "disable_streaming is on", "leave disable_streaming out")
        if not any(_is_defined(type(self), name) for name in ("_chunks", "_stream", "_astream")):
            why = "the model has no _stream: it answers in one piece"
            return Streaming("buffers", False, why, "define _stream in its class")
        why = "a model needs its whole prompt; it streams its answer"
        return Streaming("buffers", True, why + (", unless tools are bound" if disabled == "tool_calling" else ""))

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        nearest_hooks = (
            nearest(spaces, "_agenerate", "_acall", "_generate", "_call"),
            nearest(spaces, "_acall", "_call", "_agenerate", "_generate"),
            nearest(spaces, "_astream", "_stream"),
        )
        return {
            **super()._find_overrides(spaces),
            "_answers_by_hooks": are_overridden(spaces, ("_generate", "_agenerate", "_call", "_acall"), "_answer"),
            "_streams_by_hooks": are_overridden(spaces, ("_stream", "_astream"), "_chunks"),
            "_async_hooks": frozenset(hook for hook in nearest_hooks if hook is not None and hook.startswith("_a")),
            "_class_settings": frozenset(name for name in _SETTINGS if _may_define(spaces, name)),
        }

    @property
    def InputType(self) -> Any:
        return str | StringPromptValue | ChatPromptValueConcrete | list[AnyMessage]

    @property
    @abstractmethod
    def _llm_type(self) -> str:
        """The kind of model, for logs."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """The settings that distinguish this model from others of its kind."""
        return {}

    def asdict(self) -> dict[str, Any]:
        """The settings that distinguish this model from others of its kind, and the kind as ``_type``."""
        return {**self._identifying_params, "_type": self._llm_type}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """What observers are given about a call: the settings in ``asdict``, and the arguments of the call."""
        return wrap_secrets({**self.asdict(), "stop": stop, **kwargs})  # type: ignore[no-any-return]  # a dict, as given

    @abstractmethod
    async def _results(self, inputs: Sequence[Any], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        """The body of ``generate``: one result for several inputs."""

    def _has_cache_or_limiter(self) -> bool:
        """Whether calls go through a cache or a rate limiter, of the model or of the work that it is part of."""
        own = self.cache is not None or self.rate_limiter is not None
        return own or bool(SHARED) or GOVERNOR.get() is not None

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        run = self._with_own_callbacks(run)
        call = super()._invoke_body(input, run, **kwargs)
        counter = None if run.plain else get_counter(run)
        return call if counter is None else count_call(call, counter, self.get_name())

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        run = self._with_own_callbacks(run)
        stream = super()._stream_body(inputs, run, **kwargs)
        counter = None if run.plain else get_counter(run)
        return stream if counter is None else stream.through(count_stream(stream.source, counter, self.get_name()))

    def _with_own_callbacks(self, run: Run) -> Run:
        return run if self.callbacks is None else run.configured({"callbacks": self.callbacks})

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, {**self._get_ls_params(**kwargs), **(self.metadata or {})}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Mapping[str, Any]:
        """The metadata of the model's runs: ``ls_provider``, ``ls_model_name``, ``ls_temperature`` …"""
        name = type(self).__name__
        params: dict[str, Any] = {"ls_provider": _derive_provider(name)}
        for key, fields in _LABELS:
            value = next((kwargs[each] for each in fields if each in kwargs), None)
            if value is None:
                value = next((own for each in fields if (own := get_setting(self, each)) is not None), None)
            if value is not None:
                params[key] = value
        if stop:
            params["ls_stop"] = stop
        return params

    def generate_prompt(
        self, prompts: Sequence[PromptValue], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Answer several prompts concurrently and return the generations of each, with the provider's metadata."""
        return drive(self._results(prompts, start_run(config_from(callbacks, kwargs)), {"stop": stop, **kwargs}))

    async def agenerate_prompt(
        self, prompts: Sequence[PromptValue], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Answer several prompts concurrently and return the generations of each, with the provider's metadata."""
        return await self._results(prompts, start_asyncio_run(config_from(callbacks, kwargs)), {"stop": stop, **kwargs})

    def __call__(self, input: LanguageModelInput, stop: list[str] | None = None, **kwargs: Any) -> Output:
        """The same as ``invoke``."""
        return self.invoke(input, None, **({"stop": stop} if stop else {}), **kwargs)

    def get_token_ids(self, text: str) -> list[int]:
        """The ids of the text's tokens, by ``custom_get_token_ids``."""
        if self.custom_get_token_ids is None:
            raise ConfigError(
                f"{type(self).__name__} has no tokenizer: set custom_get_token_ids to a function from "
                "text to token ids. For an estimate use get_num_tokens."
            )
        return self.custom_get_token_ids(text)

    def get_num_tokens(self, text: str) -> int:
        """The number of tokens in a text: exact with ``custom_get_token_ids``, otherwise a rough estimate."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_tokens_approximately([text])

    def get_num_tokens_from_messages(self, messages: Sequence[AnyMessage], tools: Any = None) -> int:
        """The number of tokens in messages: exact with ``custom_get_token_ids``, otherwise a rough estimate."""
        if self.custom_get_token_ids is not None:
            return sum(len(self.custom_get_token_ids(get_buffer_string([message]))) for message in messages)
        return count_tokens_approximately(messages)


_CONFIG_KEYS = ("tags", "metadata", "run_name", "run_id")


def config_from(callbacks: Any, kwargs: dict[str, Any]) -> RunnableConfig | None:
    """Take the config's keys, which ``generate`` accepts one by one, out of ``kwargs``."""
    given = {key: kwargs.pop(key) for key in _CONFIG_KEYS if key in kwargs}
    if callbacks is not None:
        given["callbacks"] = callbacks
    return given or None  # type: ignore[return-value]  # the keys are those of a config


Message = TypeVar("Message", bound=BaseMessage)


def copy_message(message: Message) -> Message:
    """A shallow copy, which will be given an id; a validated copy would cost ten times as much."""
    kind = type(message)
    copy = object.__new__(kind)
    set_values(copy, message.__dict__.copy())
    set_extra(copy, message.__pydantic_extra__)
    if kind is not AIMessageChunk:  # which finds out the rest when it is asked for
        set_fields_set(copy, {*message.__pydantic_fields_set__, "id"})
        set_private(copy, message.__pydantic_private__)
    return copy


def set_id(message: BaseMessage, id: str) -> None:
    """Give a message of our own an id; a pydantic assignment would cost ten times as much."""
    message.__dict__["id"] = id
    message.__pydantic_fields_set__.add("id")


def get_setting(model: Any, name: str) -> Any:
    """The attribute ``name``, one of ``_SETTINGS``, of a model; ``None`` without one, which pydantic finds slowly."""
    values = model.__dict__
    if name in values:
        return values[name]
    return getattr(model, name, None) if name in model._class_settings or model.__pydantic_extra__ else None


def answer_id(run: Run) -> str:
    """The id of one answer's chunks: that of the run, if it is watched and so has one."""
    return f"run-{run.id or uuid.uuid4()}"


def _derive_provider(name: str) -> str:
    """Derive the provider from a class name: ``ChatOpenAI`` → ``openai``."""
    short = name.removeprefix("Chat").removesuffix("Chat").removesuffix("LLM")
    return (short or name).lower()


_BASES = ("BaseChatModel", "BaseLLM", "LLM", "SimpleChatModel")


def _is_defined(cls: type, name: str) -> bool:
    """Whether a subclass of the public base classes defines ``name``."""
    definer = next((kind for kind in cls.__mro__ if name in kind.__dict__), None)
    return definer is not None and definer.__name__ not in _BASES and getattr(cls, name) is not None
