"""Outputs of language models: generations, and the results that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, SerializeAsAny, model_validator
from pydantic_core import CoreSchema

from prill.errors import ChunkMergeError, ConfigError
from prill.messages.ai import AIMessageChunk
from prill.messages.base import (
    BaseMessageChunk,
    construct,
    merge_chunks,
    set_extra,
    set_fields_set,
    set_private,
    set_values,
    shown_fields,
)
from prill.messages.kinds import Message, MessageChunk
from prill.transducers.merge import merge_metadata
from prill.transducers.own_fields import dump_own_fields

__all__ = [
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatResult",
    "Generation",
    "GenerationChunk",
    "LLMResult",
    "RunInfo",
    "chat_generation_chunk",
    "generation_chunk",
    "merge_generation_chunks",
]


class _Shown(BaseModel):
    model_config = ConfigDict(defer_build=True)  # as messages are: built when first validated

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return dump_own_fields(cls, source, handler)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return shown_fields(self, super().__repr_args__())


class Generation(_Shown):
    """One text that a model wrote; ``generation_info`` is the provider's metadata of it."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    text: str
    generation_info: dict[str, Any] | None = None
    type: Literal["Generation"] = "Generation"


class GenerationChunk(Generation):
    """A piece of a text; pieces are added with ``+``."""

    def __add__(self, other: Any) -> Self:
        return cast("Self", _add(self, other, GenerationChunk))


class ChatGeneration(Generation):
    """One message that a model wrote; ``text`` is the message's text."""

    text: str = ""
    type: Literal["ChatGeneration"] = "ChatGeneration"  # type: ignore[assignment]  # its own name on the wire
    message: Message

    @model_validator(mode="after")
    def set_text(self) -> Self:
        """Take the text from the message."""
        self.__dict__["text"] = str(self.message.text)
        return self


class ChatGenerationChunk(ChatGeneration):
    """A piece of a message; pieces are added with ``+``."""

    type: Literal["ChatGenerationChunk"] = "ChatGenerationChunk"  # type: ignore[assignment]  # its own name on the wire
    message: MessageChunk

    def __init__(self, *, message: Any = None, **kwargs: Any) -> None:
        # One is made for every token: validating it would take several times as long.
        if type(message) is AIMessageChunk and type(self) is ChatGenerationChunk and (not kwargs or _is_info(kwargs)):
            content = message.__dict__["content"]
            text = content if type(content) is str else str(message.text)
            info = kwargs.get("generation_info")
            if kwargs:
                info = None if info is None else info.copy()
                set_fields_set(self, {"message", "generation_info"})
            values = {"text": text, "generation_info": info, "type": "ChatGenerationChunk", "message": message}
            set_values(self, values)
        else:
            super().__init__(**({} if message is None else {"message": message}), **kwargs)

    if not TYPE_CHECKING:  # mypy would take it for a promise that any attribute exists

        def __getattr__(self, name: str) -> Any:
            # Chunks made without validation lack these until pydantic asks for them.
            if name == "__pydantic_fields_set__":
                set_fields_set(self, {"message"})
                return self.__pydantic_fields_set__
            if name in ("__pydantic_extra__", "__pydantic_private__"):
                (set_extra if name == "__pydantic_extra__" else set_private)(self, None)
                return None
            return super().__getattr__(name)

    def __add__(self, other: Any) -> Self:
        return cast("Self", _add(self, other, ChatGenerationChunk))


def _is_info(kwargs: dict[str, Any]) -> bool:
    """Whether these are the provider's metadata alone, and validation would take them as they are, but copied."""
    if kwargs.keys() != {"generation_info"}:
        return False
    info = kwargs["generation_info"]
    return info is None or (type(info) is dict and all(type(key) is str for key in info))


def _add(chunk: Any, other: Any, kind: type[Generation]) -> Any:
    if isinstance(other, kind):
        return merge_generation_chunks([chunk, other])
    if isinstance(other, list) and all(isinstance(one, kind) for one in other):
        return merge_generation_chunks([chunk, *other])
    return NotImplemented


def generation_chunk(text: str, generation_info: dict[str, Any] | None = None) -> GenerationChunk:
    """A piece of a text, made without validation."""
    return construct(GenerationChunk, {"text": text, "generation_info": generation_info, "type": "Generation"})


def chat_generation_chunk(
    message: BaseMessageChunk, generation_info: dict[str, Any] | None = None
) -> ChatGenerationChunk:
    """A piece of a message, made without validation."""
    content = message.content
    return construct(
        ChatGenerationChunk,
        {
            "text": content if isinstance(content, str) else str(message.text),
            "generation_info": generation_info,
            "type": "ChatGenerationChunk",
            "message": message,
        },
    )


def merge_generation_chunks(chunks: Sequence[Any]) -> Any:
    """Merge the chunks of one generation, all ``GenerationChunk`` or all ``ChatGenerationChunk``, in linear time.

    Raises:
        ConfigError: ``chunks`` is empty.
        ChunkMergeError: the chunks are of different kinds.
    """
    if not chunks:
        raise ConfigError("merge_generation_chunks needs at least one chunk")
    if len(chunks) == 1:
        return chunks[0]
    infos = [info for chunk in chunks if (info := chunk.generation_info)]
    info = merge_metadata(*infos) if infos else None
    if all(isinstance(chunk, ChatGenerationChunk) for chunk in chunks):
        return chat_generation_chunk(merge_chunks([chunk.message for chunk in chunks]), info)
    if all(isinstance(chunk, GenerationChunk) for chunk in chunks):
        return generation_chunk("".join([chunk.text for chunk in chunks]), info)
    kinds = ", ".join(sorted({type(chunk).__name__ for chunk in chunks}))
    raise ChunkMergeError(f"cannot merge chunks of different kinds: {kinds}")


class RunInfo(_Shown):
    """Which run made a result."""

    run_id: UUID


class ChatResult(_Shown):
    """The output of a chat model for one prompt: a generation for each choice."""

    generations: list[SerializeAsAny[ChatGeneration]]
    llm_output: dict[str, Any] | None = None


class LLMResult(_Shown):
    """The output of a model for several prompts: for each, a list with a generation for each choice."""

    generations: list[list[SerializeAsAny[Generation | ChatGeneration | GenerationChunk | ChatGenerationChunk]]]
    llm_output: dict[str, Any] | None = None
    run: list[RunInfo] | None = None
    type: Literal["LLMResult"] = "LLMResult"

    def flatten(self) -> list[LLMResult]:
        """One result for each prompt; the token usage stays with the first, so that nothing is counted twice."""
        results = []
        for number, generations in enumerate(self.generations):
            output = dict(self.llm_output) if self.llm_output is not None else None
            if number > 0 and output is not None:
                output["token_usage"] = {}
            results.append(LLMResult(generations=[generations], llm_output=output))
        return results

    def __eq__(self, other: object) -> bool:
        """Results are equal if their generations and outputs are, whichever run made them."""
        if not isinstance(other, LLMResult):
            return NotImplemented
        return self.generations == other.generations and self.llm_output == other.llm_output
