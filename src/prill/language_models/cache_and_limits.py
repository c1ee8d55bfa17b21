"""Calls of a model through its cache and its rate limiter."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import ref

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_json

from prill.caches import get_cache
from prill.callbacks.model_calls import GOVERNOR
from prill.callbacks.run import Run
from prill.io import closing, make_lock
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
from prill.rate_limiters import Permit
from prill.runnables.engine.accumulator import Accumulator

if TYPE_CHECKING:
    from prill.language_models.base import BaseLanguageModel


class Answer:
    """The answer to a request as far as it came, whose tokens the rate limiter counts."""

    def __init__(self) -> None:
        self.generations: Sequence[Any] = ()
        self.usage: dict[str, Any] | None = None


class ModelCall(ABC):
    """One call of a model: looked up in the cache before, stored after, sent when the rate limiter allows it."""

    def __init__(self, model: BaseLanguageModel[Any], run: Run, kwargs: dict[str, Any]) -> None:
        self._model = model
        self._run = run
        self._kwargs = kwargs
        self._cache = get_cache(model.cache)
        if self._cache is not None:
            self._key = self._prompt(), _identity(model, kwargs)

    # Different for messages and text

    @abstractmethod
    def _prompt(self) -> str:
        """The prompt as text: the first half of the cache key."""

    @abstractmethod
    def _messages(self) -> list[BaseMessage]:
        """The prompt as messages, to estimate its tokens."""

    @abstractmethod
    def _storable(self, generation: Any, id: str | None) -> Generation | None:
        """An answer, or the sum of its chunks, as it is stored; ``None`` for one that must not be."""

    @abstractmethod
    def _marked(self, generation: Any) -> Any:
        """A copy of a stored answer, marked as cached and with a usage of 0 tokens."""

    @abstractmethod
    def _split(self, generation: Any) -> Iterator[Any]:
        """A stored answer in chunks."""

    # The same for both

    async def lookup(self) -> list[Any] | None:
        """Return the stored generations, or ``None``."""
        cache = self._cache
        if cache is None:
            return None
        known = cache.lookup(*self._key) if self._run.io.blocking else await cache.alookup(*self._key)
        if not known:
            return None
        if self._run.observers is not None:
            self._run.metadata = {**self._run.metadata, "cached": True}
        return [self._marked(generation) for generation in known]

    async def store(self, generations: Sequence[Any], id: str | None = None) -> None:
        """Store a whole answer."""
        cache = self._cache
        kept = [self._storable(generation, id) for generation in generations] if cache is not None else []
        if cache is None or not kept or None in kept:
            return
        if self._run.io.blocking:
            cache.update(*self._key, kept)  # type: ignore[arg-type]  # it holds no None here
        else:
            await cache.aupdate(*self._key, kept)  # type: ignore[arg-type]  # as above

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[Answer]:
        """Wait for the rate limiter; afterwards report the tokens that the answer used, whether it is whole or not."""
        answer = Answer()
        limiter, governor = self._model.rate_limiter, GOVERNOR.get()
        permits: list[Permit] = []
        try:
            for each in (governor, limiter):
                if each is not None:
                    permits.append(await each.admit(self._run.io, self._estimate))
            yield answer
        finally:
            used = _used_tokens(answer) if permits else ()
            for permit in permits:
                permit.settle(*used)
            if governor is not None:
                name = getattr(self._model, "model", None)
                governor.note_answer(name or self._model.get_name(), answer.generations, answer.usage)

    async def chunks(self, asked: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the chunks of a stored answer, or those of ``asked``, which are stored when they are complete."""
        known = await self.lookup()
        if known is not None:
            for piece in self._split(known[0]):
                yield piece
            return
        so_far = Accumulator()
        id = None
        async with self.limited() as answer:
            try:
                async with closing(asked) as stream:
                    async for chunk in stream:
                        id = id or getattr(chunk, "id", None)  # before the run's id is set
                        so_far.add(chunk)
                        yield chunk
            finally:
                whole = so_far.value()
                answer.generations = [] if whole is None else [whole]
        await self.store(answer.generations, id)

    def _estimate(self) -> tuple[int, int]:
        """Estimate the tokens of the prompt; and the maximum of the answer, or 0 if there is none."""
        expected = count_tokens_approximately(self._messages(), tools=self._kwargs.get("tools"))
        limits = (
            found
            for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample")
            for found in (self._kwargs.get(name), getattr(self._model, name, None))
        )
        return expected, next((limit for limit in limits if isinstance(limit, int)), 0)


class ChatCall(ModelCall):
    """A call with messages."""

    def __init__(
        self, model: BaseLanguageModel[Any], messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]
    ) -> None:
        self._input = messages
        super().__init__(model, run, kwargs)

    def _prompt(self) -> str:
        # These do not reach the model. Without them an answer and its cached copy give the same key.
        excluded = {"id", "response_metadata", "usage_metadata", "artifact"}
        return _json([message_chunk_to_message(message).model_dump(exclude=excluded) for message in self._input])

    def _messages(self) -> list[BaseMessage]:
        return self._input

    def _storable(self, generation: Any, id: str | None) -> Generation | None:
        message = generation.message if isinstance(generation, ChatGeneration) else generation
        whole = message_chunk_to_message(message).model_copy(deep=True)
        if isinstance(message, BaseMessage) and message is generation:
            whole.id = id
        if isinstance(whole, AIMessage) and whole.invalid_tool_calls:
            return None  # the next time the model may do better
        return ChatGeneration(message=whole, generation_info=getattr(generation, "generation_info", None))

    def _marked(self, generation: Any) -> Any:
        message = generation.message.model_copy(deep=True)
        message.response_metadata["cached"] = True
        if getattr(message, "usage_metadata", None) is not None:
            message.usage_metadata = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        return generation.model_copy(update={"message": message})

    def _split(self, generation: Any) -> Iterator[Any]:
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


class TextCall(ModelCall):
    """A call with a text."""

    def __init__(self, model: BaseLanguageModel[Any], prompt: str, run: Run, kwargs: dict[str, Any]) -> None:
        self._input = prompt
        super().__init__(model, run, kwargs)

    def _prompt(self) -> str:
        return self._input

    def _messages(self) -> list[BaseMessage]:
        return [HumanMessage(content=self._input)]

    def _storable(self, generation: Any, id: str | None) -> Generation | None:
        return Generation(text=generation.text, generation_info=generation.generation_info)

    def _marked(self, generation: Any) -> Any:
        info = {**(generation.generation_info or {}), "cached": True}
        return generation.model_copy(update={"generation_info": info})

    def _split(self, generation: Any) -> Iterator[GenerationChunk]:
        *first, last = list(_pieces(generation.text)) or [""]
        for piece in first:
            yield generation_chunk(piece)
        yield generation_chunk(last, generation.generation_info)


def _pieces(text: str) -> list[str]:
    """Split text into words, each with the space before it; longer ones into parts of 12 characters."""
    return re.findall(r"\s*\S{1,12}|\s+", text)


def _blocks(block: dict[Any, Any]) -> Iterator[list[str | dict[Any, Any]]]:
    """Split a text block into parts that merge by index; other blocks stay whole."""
    if block.get("type") != "text" or block.keys() != {"type", "text", "index"}:
        yield [block]
        return
    for piece in _pieces(block["text"]) or [""]:
        yield [{**block, "text": piece}]


def _identity(model: BaseLanguageModel[Any], kwargs: dict[str, Any]) -> str:
    """The second half of a cache key: the model with all its settings, and the arguments of the call.

    It names the class, the kind of model and the address in plain text. Settings and arguments are in it as a digest,
    because they may hold secrets.
    """
    cls = type(model)
    fields = {name: getattr(model, name, None) for name in cls.model_fields if name not in cls._cache_ignores}
    more = dict(model.__pydantic_extra__ or {})
    settings = {**fields, **more, **model._identifying_params}
    call = {name: value for name, value in kwargs.items() if value is not None}
    shown = {
        "_class": f"{cls.__module__}.{cls.__qualname__}",
        "_type": model._llm_type,
        "settings": _digest(settings),
        "call": _digest(call) if call else None,
    }
    address = getattr(model, "_url", None)
    if callable(address):
        shown["base_url"] = address()
    return _json({name: value for name, value in sorted(shown.items()) if value is not None})


def _digest(values: dict[str, Any]) -> str:
    """A digest of values; equal for equal values, whatever their order."""
    return sha256(_json({name: _plain(values[name]) for name in sorted(values)}).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value as it goes into the digest: with the contents of secrets, and iterators by identity, not read."""
    if isinstance(value, SecretStr | SecretBytes):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _object_token(value) if isinstance(value, Iterator) else value


def _json(value: Any) -> str:
    return to_json(value, fallback=_describe, bytes_mode="base64", inf_nan_mode="strings").decode()


def _describe(value: Any) -> Any:
    """Represent a value that JSON cannot; two values that may differ never get the same representation."""
    if isinstance(value, type):
        schema = value.model_json_schema() if issubclass(value, BaseModel) else None
        return [f"{value.__module__}.{value.__qualname__}", schema]
    shown = repr(value)
    return shown if f"{id(value):x}" not in shown.lower() else [shown, _object_token(value)]


_TOKENS: dict[int, tuple[Any, str]] = {}
"""Objects whose ``repr`` is their address, each with a token: a later object may get the same address."""


_TOKENS_LOCK = make_lock()


def _object_token(value: Any) -> str:
    token = uuid4().hex
    try:
        reference = ref(value)
    except TypeError:  # it cannot be referred to weakly, so each look-up misses
        return token
    with _TOKENS_LOCK:
        found = _TOKENS.get(id(value))
        if found is not None and found[0]() is value:
            return found[1]
        _TOKENS[id(value)] = reference, token
    return token


def _used_tokens(answer: Answer) -> tuple[int | None, int | None]:
    """The input and output tokens of an answer: reported by the provider, or estimated."""
    usage = answer.usage or {}
    messages = [getattr(each, "message", each) for each in answer.generations]
    reported = [found for each in messages if (found := getattr(each, "usage_metadata", None))]
    if reported:
        return max(each["input_tokens"] for each in reported), sum(each["output_tokens"] for each in reported)
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"], usage.get("completion_tokens", 0)
    texts = [each if isinstance(each, BaseMessage) else HumanMessage(content=each.text) for each in messages]
    return None, count_tokens_approximately(texts)
