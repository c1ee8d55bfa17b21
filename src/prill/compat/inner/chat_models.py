"""``langchain_core.language_models.BaseChatModel``, for the models of other packages.

Prill's class, with two fields that these fill in and read, and methods that they call. Each chat model of Prill is an
instance of it too.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import is_typeddict

from prill.callbacks.run import Run
from prill.compat.inner.gateway import GATEWAY_METADATA_RESPONSE_KEY, seen
from prill.compat.inner.methods import _add_version
from prill.compat.inner.model_profile import ModelProfile, _warn_unknown_profile_keys
from prill.compat.module_map import CORE_VERSION
from prill.io import closing
from prill.language_models import fake_chat_models
from prill.language_models.chat_models import BaseChatModel as PrillChatModel
from prill.language_models.chat_models import as_messages
from prill.messages import AIMessage, AIMessageChunk, BaseMessage, BaseMessageChunk
from prill.output_parsers.openai_tools import JsonOutputKeyToolsParser
from prill.outputs import ChatResult
from prill.prompt_values import ChatPromptValue, PromptValue, StringPromptValue
from prill.tools.function_schema import convert_to_openai_tool

Values = dict[str, Any]  # within the class ``dict`` is a method


def _version_from_environment() -> str | None:
    return os.environ.get("LC_OUTPUT_VERSION")


class _AnyChatModel(type(PrillChatModel)):  # type: ignore[misc]  # a metaclass is made at run time
    """The class of ``BaseChatModel``, of which each chat model of Prill is an instance."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (_is_base(cls) and isinstance(instance, PrillChatModel))

    def __subclasscheck__(cls, other: type) -> bool:
        return super().__subclasscheck__(other) or (_is_base(cls) and issubclass(other, PrillChatModel))


def _is_base(cls: type) -> bool:
    return cls.__module__ == __name__ and cls.__qualname__ == "BaseChatModel"


class BaseChatModel(PrillChatModel, metaclass=_AnyChatModel):
    """A model that answers messages with a message. See ``prill.language_models.BaseChatModel``."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    output_version: str | None = Field(default_factory=_version_from_environment)
    """``"v1"`` for answers whose content is a list of standard blocks."""

    profile: ModelProfile | None = Field(default=None, exclude=True)
    """What the model can do."""

    _cache_ignores: ClassVar[frozenset[str]] = PrillChatModel._cache_ignores | {"profile"}

    @model_validator(mode="after")
    def _set_core_version(self) -> Self:
        _add_version(self, "langchain-core", CORE_VERSION.partition("+")[0])
        return self

    @model_validator(mode="after")
    def _set_model_profile(self) -> Self:
        if self.profile is None:
            self.profile = self._resolve_model_profile()
        return self

    @model_validator(mode="after")
    def _check_profile_keys(self) -> Self:
        if self.profile:
            _warn_unknown_profile_keys(self.profile)
        return self

    def _resolve_model_profile(self) -> ModelProfile | None:
        """What the model can do, as the package's own list says; a subclass looks it up there."""
        return None

    def asdict(self) -> Values:
        """What tells this model's answers from those of others, with the kind of model as ``_type``."""
        return {**self._identifying_params, "_type": self._llm_type}

    def dict(self, **kwargs: Any) -> Values:
        """The same, under its former name."""
        return self.asdict()

    def _convert_input(self, model_input: Any) -> PromptValue:
        if isinstance(model_input, PromptValue):
            return model_input
        if isinstance(model_input, str):
            return StringPromptValue(text=model_input)
        return ChatPromptValue(messages=as_messages(model_input))

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> Any:
        """This model, answering with values of ``schema``. See ``prill.language_models.BaseChatModel``.

        Of a JSON schema or a ``TypedDict`` the arguments of the call are given as they are: packages check them
        themselves, and ask the model again.
        """
        if include_raw or kwargs or not (isinstance(schema, Mapping) or is_typeddict(schema)):
            kwargs["include_raw"] = include_raw
            return super().with_structured_output(schema, **kwargs)
        name = convert_to_openai_tool(schema)["function"]["name"]
        parser = JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        return self.bind_tools([schema], tool_choice="any") | parser

    def _should_stream(self, *, async_api: bool, run_manager: Any = None, **kwargs: Any) -> bool:
        """Whether a call is answered by a stream, as its arguments or a handler ask."""
        can = self._stream is not None or (async_api and self._astream is not None)
        if not can or self._streaming_is_disabled(kwargs):
            return False
        if "stream" in kwargs:
            return bool(kwargs["stream"])
        if "streaming" in self.model_fields_set:
            return bool(self.streaming)  # type: ignore[attr-defined]  # a field of subclasses
        handlers = run_manager.handlers if run_manager is not None else []
        return any(getattr(each, "streams_models", False) for each in handlers)

    # The bodies, with standard blocks where they are asked for.

    async def _call_hooks(self, messages: list[BaseMessage], run: Run, kwargs: Values) -> ChatResult:
        result = await super()._call_hooks(messages, run, _without_notes(kwargs))
        for generation in result.generations:
            if generation.generation_info and GATEWAY_METADATA_RESPONSE_KEY in generation.generation_info:
                generation.generation_info = {**generation.generation_info}
                _move_gateway_facts(generation.generation_info, run)
            _move_gateway_facts(generation.message.response_metadata, run)
        if self._wants_blocks(kwargs):
            for generation in result.generations:
                generation.message = _in_blocks(generation.message)
        return result

    def _stream_chunks(
        self, messages: list[BaseMessage], run: Run, kwargs: Values
    ) -> AsyncIterator[BaseMessageChunk] | None:
        chunks = super()._stream_chunks(messages, run, _without_notes(kwargs))
        if chunks is None:
            return None
        chunks = _WithoutGatewayFacts(chunks, run)
        return _each_in_blocks(chunks) if self._wants_blocks(kwargs) else chunks

    def _wants_blocks(self, kwargs: Values) -> bool:
        return (kwargs.get("output_version") or self.output_version) == "v1"


def _without_notes(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call without those that only describe it for tracers."""
    return {key: value for key, value in kwargs.items() if key not in _NOTES}


_NOTES = frozenset({"ls_structured_output_format", "structured_output_format"})


def _move_gateway_facts(beside: dict[str, Any], run: Run) -> None:
    """Take what LangSmith's gateway says about an answer from the facts beside it, into the metadata of the run."""
    facts = beside.pop(GATEWAY_METADATA_RESPONSE_KEY, None)
    if facts and run.observers is not None:
        run.metadata["ls_gateway_info"] = facts
        if facts.get("provider"):
            run.metadata["ls_provider"] = facts["provider"]


class _WithoutGatewayFacts:
    """A stream whose chunks are without what a gateway says; no generator, as it is in the way of each token."""

    def __init__(self, chunks: AsyncIterator[BaseMessageChunk], run: Run) -> None:
        self._chunks = chunks
        self._run = run
        self._started = False

    def __aiter__(self) -> AsyncIterator[BaseMessageChunk]:
        return self

    def __anext__(self) -> Any:
        if self._started and not seen:
            return self._chunks.__anext__()
        self._started = True
        return self._next()

    async def _next(self) -> BaseMessageChunk:
        chunk = await self._chunks.__anext__()
        _move_gateway_facts(chunk.response_metadata, self._run)
        return chunk

    def aclose(self) -> Any:
        return self._chunks.aclose()  # type: ignore[attr-defined]  # it is a generator


def _in_blocks(message: Any) -> Any:
    if not isinstance(message, AIMessage) or message.response_metadata.get("output_version") == "v1":
        return message
    metadata = {**message.response_metadata, "output_version": "v1"}
    return message.model_copy(update={"content": message.content_blocks, "response_metadata": metadata})


async def _each_in_blocks(chunks: AsyncIterator[BaseMessageChunk]) -> AsyncIterator[BaseMessageChunk]:
    ended = False
    async with closing(chunks):
        async for chunk in chunks:
            ended = ended or getattr(chunk, "chunk_position", None) == "last"
            yield _in_blocks(chunk)
    if not ended:  # so that the sum of the chunks shows whole tool calls among its blocks
        yield AIMessageChunk([], response_metadata={"output_version": "v1"}, chunk_position="last")


# Fakes with the fields of packages' models: a type checker knows nothing of the metaclass, which is made at run time.


class FakeMessagesListChatModel(fake_chat_models.FakeMessagesListChatModel, BaseChatModel):  # type: ignore[metaclass]  # see above
    """Answers with messages from a list."""


class FakeListChatModel(fake_chat_models.FakeListChatModel, BaseChatModel):  # type: ignore[metaclass]  # see above
    """Answers with texts from a list."""


class FakeChatModel(fake_chat_models.FakeChatModel, BaseChatModel):  # type: ignore[metaclass]  # see above
    """Answers with one text."""


class ParrotFakeChatModel(fake_chat_models.ParrotFakeChatModel, BaseChatModel):  # type: ignore[metaclass]  # see above
    """Answers with the last message."""


class GenericFakeChatModel(fake_chat_models.GenericFakeChatModel, BaseChatModel):  # type: ignore[metaclass]  # see above
    """Answers with the messages of an iterator, also in pieces."""
