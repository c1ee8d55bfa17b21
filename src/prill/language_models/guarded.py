"""What stands before a model: a cache that may know the answer, a rate limiter that says when to ask."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import to_json

from prill.caches import cache_of
from prill.callbacks.run import Run
from prill.io import closing
from prill.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ai_chunk,
    count_tokens_approximately,
    message_chunk_to_message,
)
from prill.messages.tool_calls import as_chunks
from prill.outputs import ChatGeneration, Generation, GenerationChunk, generation_chunk
from prill.runnables.engine.accumulator import Accumulator

if TYPE_CHECKING:
    from prill.language_models.base import BaseLanguageModel


class Answer:
    """What came of a request: the messages or texts so far, for the limiter to count."""

    def __init__(self) -> None:
        self.generations: Sequence[Any] = ()
        self.usage: dict[str, Any] | None = None


class Guard(ABC):
    """One question to a model: looked up before, remembered after, asked when the limiter allows it."""

    def __init__(self, model: BaseLanguageModel[Any], run: Run, kwargs: dict[str, Any]) -> None:
        self._model = model
        self._run = run
        self._kwargs = kwargs
        self._cache = cache_of(model.cache)
        if self._cache is not None:
            self._key = self._prompt(), _identity(model, kwargs)

    # What differs between messages and text

    @abstractmethod
    def _prompt(self) -> str:
        """The question as the text that it is remembered by."""

    @abstractmethod
    def _messages(self) -> list[BaseMessage]:
        """The question as messages, to estimate its tokens."""

    @abstractmethod
    def _kept(self, generation: Any, id: str | None) -> Generation | None:
        """An answer, or the sum of its chunks, as it is remembered; ``None`` for one that is not worth it."""

    @abstractmethod
    def _found(self, generation: Any) -> Any:
        """A remembered answer as it is given again: marked, and costing nothing."""

    @abstractmethod
    def _replayed(self, generation: Any) -> Iterator[Any]:
        """A found answer in pieces."""

    # The way through

    async def recall(self) -> list[Any] | None:
        """The answer, where it is known."""
        cache = self._cache
        if cache is None:
            return None
        known = cache.lookup(*self._key) if self._run.io.blocking else await cache.alookup(*self._key)
        if not known:
            return None
        if self._run.observers is not None:
            self._run.metadata = {**self._run.metadata, "cached": True}
        return [self._found(generation) for generation in known]

    async def keep(self, generations: Sequence[Any], id: str | None = None) -> None:
        """Remember a whole answer."""
        cache = self._cache
        kept = [self._kept(generation, id) for generation in generations] if cache is not None else []
        if cache is None or not kept or None in kept:
            return
        if self._run.io.blocking:
            cache.update(*self._key, kept)  # type: ignore[arg-type]  # there is no None among them
        else:
            await cache.aupdate(*self._key, kept)  # type: ignore[arg-type]  # as above

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Answer]:
        """Ask when the limiter allows it, and tell it what the answer took, be it whole or not."""
        answer = Answer()
        limiter = self._model.rate_limiter
        if limiter is None:
            yield answer
            return
        permit = await limiter.admit(self._run.io, self._estimate)
        try:
            yield answer
        finally:
            permit.settle(*_taken(answer))

    async def chunks(self, asked: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The chunks of an answer: remembered ones, or those of ``asked``, remembered when they are all there."""
        known = await self.recall()
        if known is not None:
            for piece in self._replayed(known[0]):
                yield piece
            return
        so_far = Accumulator()
        id = None
        async with self.asking() as answer:
            try:
                async with closing(asked) as stream:
                    async for chunk in stream:
                        id = id or getattr(chunk, "id", None)  # before it is given the run's
                        so_far.add(chunk)
                        yield chunk
            finally:
                whole = so_far.value()
                answer.generations = [] if whole is None else [whole]
        await self.keep(answer.generations, id)

    def _estimate(self) -> tuple[int, int]:
        """The tokens of the question, roughly, and the most of the answer, or 0 where nothing bounds it."""
        expected = count_tokens_approximately(self._messages(), tools=self._kwargs.get("tools"))
        limits = (
            found
            for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample")
            for found in (self._kwargs.get(name), getattr(self._model, name, None))
        )
        return expected, next((limit for limit in limits if isinstance(limit, int)), 0)


class ChatGuard(Guard):
    """A question that is messages."""

    def __init__(
        self, model: BaseLanguageModel[Any], messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]
    ) -> None:
        self._asked = messages
        super().__init__(model, run, kwargs)

    def _prompt(self) -> str:
        # What the provider told about an answer does not reach the model; an answer is the same out of a cache.
        beside = {"id", "response_metadata", "usage_metadata"}
        return _json([message_chunk_to_message(message).model_dump(exclude=beside) for message in self._asked])

    def _messages(self) -> list[BaseMessage]:
        return self._asked

    def _kept(self, generation: Any, id: str | None) -> Generation | None:
        message = generation.message if isinstance(generation, ChatGeneration) else generation
        whole = message_chunk_to_message(message).model_copy(deep=True)
        if isinstance(message, BaseMessage) and message is generation:
            whole.id = id
        if isinstance(whole, AIMessage) and whole.invalid_tool_calls:
            return None  # the next time the model may do better
        return ChatGeneration(message=whole, generation_info=getattr(generation, "generation_info", None))

    def _found(self, generation: Any) -> Any:
        message = generation.message.model_copy(deep=True)
        message.response_metadata["cached"] = True
        if getattr(message, "usage_metadata", None) is not None:
            message.usage_metadata = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        return generation.model_copy(update={"message": message})

    def _replayed(self, generation: Any) -> Iterator[Any]:
        message = generation.message
        if not isinstance(message, AIMessage):
            yield message
            return
        content = message.content
        for part in [content] if isinstance(content, str) else content:
            for piece in _pieces(part) if isinstance(part, str) else _blocks(part):
                yield ai_chunk(piece, id=message.id)
        calls = [
            {**call, "index": index, "type": "tool_call_chunk"}
            for index, call in enumerate(as_chunks(message.tool_calls))
        ]
        yield ai_chunk(
            "",
            id=message.id,
            tool_call_chunks=calls or None,  # type: ignore[arg-type]  # with an index they are still pieces
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            additional_kwargs=message.additional_kwargs,
            chunk_position="last",
            name=message.name,
        )


class TextGuard(Guard):
    """A question that is a text."""

    def __init__(self, model: BaseLanguageModel[Any], prompt: str, run: Run, kwargs: dict[str, Any]) -> None:
        self._asked = prompt
        super().__init__(model, run, kwargs)

    def _prompt(self) -> str:
        return self._asked

    def _messages(self) -> list[BaseMessage]:
        return [HumanMessage(content=self._asked)]

    def _kept(self, generation: Any, id: str | None) -> Generation | None:
        return Generation(text=generation.text, generation_info=generation.generation_info)

    def _found(self, generation: Any) -> Any:
        info = {**(generation.generation_info or {}), "cached": True}
        return generation.model_copy(update={"generation_info": info})

    def _replayed(self, generation: Any) -> Iterator[GenerationChunk]:
        *first, last = list(_pieces(generation.text)) or [""]
        for piece in first:
            yield generation_chunk(piece)
        yield generation_chunk(last, generation.generation_info)


def _pieces(text: str) -> list[str]:
    """A text in words, each with the space before it; what has no spaces in pieces of some characters."""
    return re.findall(r"\s*\S{1,12}|\s+", text)


def _blocks(block: dict[Any, Any]) -> Iterator[list[str | dict[Any, Any]]]:
    """A content block in pieces that are merged by its index; one that is more than text stays whole."""
    if block.get("type") != "text" or block.keys() != {"type", "text", "index"}:
        yield [block]
        return
    for piece in _pieces(block["text"]) or [""]:
        yield [{**block, "text": piece}]


_IDENTITY = ("model", "model_name", "temperature", "max_tokens", "top_p", "top_k", "seed", "stop", "base_url", "server")
"""Settings that tell models apart whose authors do not say what does (``_identifying_params``)."""


def _identity(model: BaseLanguageModel[Any], kwargs: dict[str, Any]) -> str:
    """Which model is asked, and how, as the text that its answers are remembered by; nothing secret is in it."""
    said: dict[str, Any] = {"_type": model._llm_type, "_class": type(model).__qualname__}
    said |= {name: value for name in _IDENTITY if (value := getattr(model, name, None)) is not None}
    address = getattr(model, "_url", None)
    if callable(address):
        said["base_url"] = address()
    said |= model._identifying_params
    said |= {name: value for name, value in kwargs.items() if value is not None}
    return _json({name: _shown(name, said[name]) for name in sorted(said)})


def _shown(name: str, value: Any) -> Any:
    # Headers may change the answer, and may hold a key.
    return sha256(repr(value).encode()).hexdigest() if name == "extra_headers" else value


def _json(value: Any) -> str:
    return to_json(value, fallback=_named, bytes_mode="base64", inf_nan_mode="strings").decode()


def _named(value: Any) -> Any:
    if isinstance(value, type) and issubclass(value, BaseModel):
        return value.model_json_schema()
    return repr(value)


def _taken(answer: Answer) -> tuple[int | None, int | None]:
    """The tokens that an answer took, as the provider told or roughly."""
    usage = answer.usage or {}
    messages = [getattr(each, "message", each) for each in answer.generations]
    told = [found for each in messages if (found := getattr(each, "usage_metadata", None))]
    if told:
        return max(each["input_tokens"] for each in told), sum(each["output_tokens"] for each in told)
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"], usage.get("completion_tokens", 0)
    texts = [each if isinstance(each, BaseMessage) else HumanMessage(content=each.text) for each in messages]
    return None, count_tokens_approximately(texts)
