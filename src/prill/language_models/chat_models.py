"""Chat models: messages in, a message out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload

from pydantic import Field

from prill.callbacks.run import Run, inside
from prill.errors import ConfigError, EmptyResponseError
from prill.io import closing, drive
from prill.language_models.base import (
    BaseLanguageModel,
    LanguageModelInput,
    answer_id,
    config_from,
    copy_message,
    set_id,
)
from prill.language_models.cache_and_limits import ChatCall
from prill.language_models.stream_notifications import notify_chunks, streams_for_observers, streams_in_invoke
from prill.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    convert_to_messages,
    merge_chunks,
    message_chunk_to_message,
)
from prill.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from prill.prompt_values import PromptValue
from prill.runnables.base import Runnable
from prill.runnables.engine.runs import start_asyncio_run, start_run
from prill.runnables.engine.streams import ADD, EMPTY, Combine, Stream, collect, each_inside
from prill.runnables.sequence import RunnableSequence

Parsed = TypeVar("Parsed", covariant=True)
Element = TypeVar("Element")


class StructuredModel(RunnableSequence[LanguageModelInput, Parsed]):
    """A model, and what reads its answers; made by ``with_structured_output``."""

    @overload
    def elements(
        self: StructuredModel[list[Element]], field: None = None
    ) -> RunnableSequence[LanguageModelInput, Element]: ...
    @overload
    def elements(self, field: str | None = None) -> RunnableSequence[LanguageModelInput, Any]: ...
    def elements(self, field: str | None = None) -> RunnableSequence[LanguageModelInput, Any]:
        """The elements of the answer's list one by one, each valid when it closes; invoked, it gives the list.

        The schema is ``list[Row]``, or has one field that is a list; ``field`` names it where there are several.

        >>> for row in model.with_structured_output(list[Row]).elements().stream("..."):  # doctest: +SKIP
        ...     print(row)
        """
        last: Any = self.steps[-1]
        return RunnableSequence(*self.steps[:-1], last.elements(field))


T = TypeVar("T")
StructuredMethod = Literal["function_calling", "json_schema", "json_mode"]


class BaseChatModel(BaseLanguageModel[AIMessage]):
    """A model that answers messages with a message.

    Your own is a subclass with ``_generate`` (messages → ``ChatResult``) and ``_llm_type``; with ``_stream``, which
    yields ``ChatGenerationChunk``, it streams; ``_agenerate`` and ``_astream`` are their asyncio forms, without which
    an asyncio run calls the plain ones in a worker thread. Where the model has an attribute ``streaming`` that is
    true, or a call says ``stream=True``, ``invoke`` streams too and reports each token to handlers.

    ``disable_streaming``: ``True`` makes the streaming verbs wait for the whole answer, ``"tool_calling"`` only when
    tools are bound.
    """

    _kind: ClassVar[str] = "chat_model"
    _combine: ClassVar[Combine] = ADD

    disable_streaming: bool | Literal["tool_calling"] = Field(default=False, repr=False)

    @property
    def OutputType(self) -> Any:
        return AnyMessage

    # The hooks that subclasses write. Those that are not written are None here, which the bodies check.

    @abstractmethod
    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        """Answer in one piece."""

    if TYPE_CHECKING:

        async def _agenerate(
            self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> ChatResult:
            """The asyncio form of ``_generate``."""
            raise NotImplementedError

        def _stream(
            self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> Iterator[ChatGenerationChunk]:
            """Answer piece by piece."""
            raise NotImplementedError

        def _astream(
            self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[ChatGenerationChunk]:
            """The asyncio form of ``_stream``."""
            raise NotImplementedError
    else:
        _agenerate: ClassVar[Any] = None
        _stream: ClassVar[Any] = None
        _astream: ClassVar[Any] = None

    # The bodies. These call the hooks; Prill's own models override them, and subclasses of those may write hooks again.

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        """Answer in one piece."""
        return _owned(await self._call_hooks(messages, run, kwargs))

    async def _call_hooks(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        if streams_in_invoke(self, run, kwargs) and not self._streaming_is_disabled(kwargs):
            return await self._answer_by_streaming(messages, run, kwargs)
        with inside(run):
            if run.io.blocking:
                return self._generate(messages, run_manager=run.manager, **kwargs)
            if "_agenerate" in self._async_hooks:
                result: ChatResult = await self._agenerate(messages, run_manager=run.manager, **kwargs)
                return result
            return await run.io.call(partial(self._generate, messages, run_manager=run.plain_manager, **kwargs))

    def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[BaseMessageChunk] | None:
        """Answer piece by piece; ``None`` from a model that cannot."""
        if not run.io.blocking and "_astream" in self._async_hooks:
            return _messages_in(each_inside(run, self._astream(messages, run_manager=run.manager, **kwargs)))
        if self._stream is None:
            return None
        make = partial(self._stream, messages, run_manager=run.plain_manager, **kwargs)
        return _messages_in(each_inside(run, run.io.pull(make)))

    def _stream_chunks(
        self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]
    ) -> AsyncIterator[BaseMessageChunk] | None:
        """Answer piece by piece, by the hooks where a subclass wrote them."""
        if self._streams_by_hooks:
            return BaseChatModel._chunks(self, messages, run, **kwargs)
        return self._chunks(messages, run, **kwargs)

    async def _answer_by_streaming(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        """Answer in one piece, made of a stream whose chunks are reported to observers."""
        stream = self._stream_chunks(messages, run, kwargs)
        named = None if stream is None else _named(stream, run)
        chunks = [chunk async for chunk in notify_chunks(run, named)]
        if not chunks:
            raise EmptyResponseError(f"{self.get_name()} ended the stream without a chunk")
        message = message_chunk_to_message(merge_chunks(chunks))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _work(self, input: Any, run: Run, *, results_: list[Any] | None = None, **kwargs: Any) -> Any:
        messages = as_messages(input)
        answer = self._answer_with_cache if self._has_cache_or_limiter() else self._answer_body
        result = await answer(messages, run, _with_stop(kwargs))
        if not result.generations:
            raise EmptyResponseError(f"{self.get_name()} returned no message")
        message = result.generations[0].message
        if message.id is None:
            set_id(message, answer_id(run))
        if results_ is not None:
            results_.append(result)
        if run.observers is not None:
            run.state["result"] = result
        return message

    def _answer_body(
        self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]
    ) -> Coroutine[Any, Any, ChatResult]:
        """Answer in one piece, by the hooks where a subclass wrote them."""
        if run.observers is not None and streams_for_observers(run) and self._streams_output(run, kwargs):
            return self._answer_by_streaming(messages, run, kwargs)
        if self._answers_by_hooks:
            return BaseChatModel._answer(self, messages, run, **kwargs)
        return self._answer(messages, run, **kwargs)

    async def _answer_with_cache(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        call = ChatCall(self, messages, run, kwargs)
        if (known := await call.lookup()) is not None:
            return ChatResult(generations=known)
        async with call.limited() as answer:
            result = await self._answer_body(messages, run, kwargs)
            answer.generations = result.generations
        await call.store(result.generations)
        return result

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        streams = self._streams_output(run, kwargs)
        chunks = self._stream_chunks(as_messages(input), run, _with_stop(kwargs)) if streams else None
        if chunks is None:
            yield await self._work(input, run, **kwargs)
            return
        if self._has_cache_or_limiter():
            chunks = ChatCall(self, as_messages(input), run, _with_stop(kwargs)).chunks(chunks)
        id = None
        async with closing(chunks):
            async for chunk in chunks:
                if chunk.id is None:
                    id = id or answer_id(run)
                    chunk.__dict__["id"] = id  # to its set of fields it belongs already
                yield chunk
                input = None
        if input is not None:
            raise EmptyResponseError(f"{self.get_name()} ended the stream without a chunk")

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        return not self._streaming_is_disabled(kwargs) and (
            (type(self)._chunks is not BaseChatModel._chunks and not self._streams_by_hooks)
            or self._stream is not None
            or (not run.io.blocking and "_astream" in self._async_hooks)
        )

    def _streaming_is_disabled(self, kwargs: dict[str, Any]) -> bool:
        if self.disable_streaming == "tool_calling":
            return bool(kwargs.get("tools"))
        return bool(self.disable_streaming)

    def _get_reported_input(self, input: Any) -> Any:
        return {"messages": [as_messages(input)]}

    # generate

    async def _results(self, inputs: Sequence[Any], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        sinks: list[list[ChatResult]] = [[] for _ in inputs]
        pairs = zip(inputs, sinks, strict=True)
        await run.io.gather(
            [partial(self._step, input, run.again(), results_=sink, **kwargs) for input, sink in pairs],
            run.limit,
        )
        results = [sink[0] for sink in sinks]
        outputs = [result.llm_output for result in results]
        generations = [list(result.generations) for result in results]
        return LLMResult(generations=generations, llm_output=self._combine_llm_outputs(outputs))

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """Merge several ``llm_output``: token usage is summed, of other values the last one is kept."""
        return combine_llm_outputs(llm_outputs)

    def generate(
        self, messages: Sequence[Sequence[Any]], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Answer several lists of messages concurrently; the result keeps the provider's metadata of each."""
        run = start_run(config_from(callbacks, kwargs))
        return drive(self._results(messages, run, {"stop": stop, **kwargs}))

    async def agenerate(
        self, messages: Sequence[Sequence[Any]], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Answer several lists of messages concurrently; the result keeps the provider's metadata of each."""
        run = start_asyncio_run(config_from(callbacks, kwargs))
        return await self._results(messages, run, {"stop": stop, **kwargs})

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_model_type": "chat"}

    # Tools and structured answers

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with ``tools`` that it may call.

        Raises:
            NotImplementedError: this model does not support tools.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not define bind_tools, so it cannot call tools. To get "
            "values from its text, add a parser: model | StructuredParser(schema)"
        )

    @overload
    def with_structured_output(
        self,
        schema: type[T],
        *,
        method: StructuredMethod = "function_calling",
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> StructuredModel[T]: ...
    @overload
    def with_structured_output(
        self,
        schema: Mapping[str, Any],
        *,
        method: StructuredMethod = "function_calling",
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> StructuredModel[dict[str, Any]]: ...
    @overload
    def with_structured_output(
        self,
        schema: Any,
        *,
        method: StructuredMethod = "function_calling",
        include_raw: Literal[True],
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any]]: ...
    @overload
    def with_structured_output(  # unions and Literal are no classes to a type checker
        self,
        schema: Any,
        *,
        method: StructuredMethod = "function_calling",
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> StructuredModel[Any]: ...
    def with_structured_output(
        self,
        schema: Any,
        *,
        method: StructuredMethod = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return this model, answering with values of ``schema``.

        A stream shows the value as it grows, each replacing the one before; the last is whole and valid. Of a pydantic
        class or a dataclass the earlier ones are instances with the fields that have come. ``.elements()`` streams the
        elements of a list one by one.

        Args:
            schema: a pydantic class, a dataclass, a ``TypedDict``, another type such as ``list[Row]``, or a JSON
                schema, whose values are dicts.
            method: ``"function_calling"`` has the model call a tool of that form, ``"json_schema"`` asks the provider
                to keep the text to the schema, ``"json_mode"`` to JSON (the prompt must say which).
            include_raw: give ``{"raw": message, "parsed": value, "parsing_error": error or None}`` instead.
            strict: have the provider keep to the schema strictly, where it can.
            **kwargs: bound to the model too.

        Raises:
            ConfigError: the schema cannot be described to a model, or the model does not know the method.
            OutputParserException: when run: the answer is not whole, or not valid.
        """
        from prill.providers.chat import structured_output  # noqa: PLC0415 - its room is above this one

        return structured_output(self, schema, method, include_raw, strict, kwargs)

    def _bind_output_schema(
        self, form: dict[str, Any], method: str, strict: bool | None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, asked for answers of a form: ``name``, ``description``, ``parameters``, the JSON schema."""
        if method != "function_calling":
            raise ConfigError(f"{type(self).__name__} supports only method='function_calling', not {method!r}")
        if strict is not None:
            kwargs["strict"] = strict
        return self.bind_tools([{"type": "function", "function": form}], tool_choice="any", **kwargs)


class SimpleChatModel(BaseChatModel):
    """A chat model that answers with text: a subclass writes ``_call`` (messages → text) and ``_llm_type``."""

    @abstractmethod
    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> str:
        """Answer messages with text."""

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        text = self._call(messages, stop=stop, run_manager=run_manager, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def as_messages(input: LanguageModelInput) -> list[BaseMessage]:
    """Convert the input of a chat model (text, message-likes or a prompt value) to messages."""
    if isinstance(input, str):
        return [HumanMessage(content=input)]
    if isinstance(input, PromptValue):
        return input.to_messages()
    if isinstance(input, Sequence):
        return convert_to_messages(input if type(input) is list else list(input))
    raise ConfigError(
        f"the input of a chat model must be text, a list of messages or a prompt value, not {type(input).__name__} "
        f"({input!r:.80})"
    )


def _with_stop(kwargs: dict[str, Any]) -> dict[str, Any]:
    # Subclasses are always called with ``stop``, as they expect.
    return kwargs if "stop" in kwargs else {"stop": None, **kwargs}


async def _messages_in(chunks: AsyncIterator[ChatGenerationChunk]) -> AsyncIterator[BaseMessageChunk]:
    """The message chunks that a hook yields; copies where an id will be set, for they belong to the user's code."""
    async with closing(chunks):
        async for chunk in chunks:
            message = chunk.message
            if message.id is None:
                message = copy_message(message)
            if chunk.generation_info:
                message = message.model_copy()
                message.response_metadata = {**chunk.generation_info, **message.response_metadata}
            yield message


def _owned(result: ChatResult) -> ChatResult:
    """A hook's result, with a copy of the answer that has the facts beside it, and may be given an id."""
    if not result.generations:
        return result
    first, *others = result.generations
    info = first.generation_info
    if first.message.id is not None and not info:
        return result
    message = copy_message(first.message)
    if info:
        message.response_metadata = {**info, **message.response_metadata}
    answer = first.model_copy(update={"message": message})
    return ChatResult(generations=[answer, *others], llm_output=result.llm_output)


async def _named(chunks: AsyncIterator[BaseMessageChunk], run: Run) -> AsyncIterator[BaseMessageChunk]:
    """The chunks, with the id of the run's answer where they have none."""
    id = answer_id(run)
    async with closing(chunks):
        async for chunk in chunks:
            if chunk.id is None:
                chunk.__dict__["id"] = id
            yield chunk


def combine_llm_outputs(outputs: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Merge several ``llm_output``: token usage is summed, of other values the last one is kept."""
    combined: dict[str, Any] = {}
    for output in outputs:
        for key, value in (output or {}).items():
            old = combined.get(key)
            combined[key] = _add_counts(old, value) if key == "token_usage" and old else value
    return combined


def _add_counts(left: Any, right: Any) -> Any:
    if isinstance(left, dict) and isinstance(right, dict):
        return {key: _add_counts(left.get(key), right.get(key)) for key in {**left, **right}}
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left + right
    return left if right is None else right


def generate_from_stream(stream: Iterator[ChatGenerationChunk]) -> ChatResult:
    """The whole answer of a stream of generations, for a ``_generate`` that is made of a ``_stream``."""
    return _whole(list(stream))


async def agenerate_from_stream(stream: AsyncIterator[ChatGenerationChunk]) -> ChatResult:
    """The whole answer of a stream of generations, for an ``_agenerate`` that is made of an ``_astream``."""
    return _whole([chunk async for chunk in stream])


def _whole(chunks: list[ChatGenerationChunk]) -> ChatResult:
    if not chunks:
        raise EmptyResponseError("the stream ended without a chunk")
    info: dict[str, Any] = {}
    for chunk in chunks:
        info.update(chunk.generation_info or {})
    message = message_chunk_to_message(merge_chunks([chunk.message for chunk in chunks]))
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=info or None)])
