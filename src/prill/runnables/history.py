"""A conversation: a step that is given the earlier messages, and whose answer is stored for the next turn."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from prill.callbacks.config import Config
from prill.callbacks.run import Run, inside
from prill.chat_history import BaseChatMessageHistory
from prill.errors import AsyncRequiredError, Cancelled, CompositionError, ConfigError, carry_path
from prill.io import closing
from prill.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    convert_to_messages,
    message_chunk_to_message,
)
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.config_fields import ConfigurableFieldSpec
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import EMPTY, Stream, collect
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

GetSessionHistoryCallable = Callable[..., BaseChatMessageHistory]
MessagesOrDictWithMessages = Sequence[BaseMessage] | dict[str, Any]


_SESSION_ID = ConfigurableFieldSpec(
    "session_id", str, "Session ID", "Unique identifier for a session.", default="", is_shared=True
)


class RunnableWithMessageHistory(Runnable[Input, Output], metaclass=PatchAware):
    """``runnable``, given the conversation so far; each question and answer is added to it.

        chats = {}

        def history(session_id: str) -> InMemoryChatMessageHistory:
            return chats.setdefault(session_id, InMemoryChatMessageHistory())

        chat = RunnableWithMessageHistory(prompt | model, history, input_messages_key="question",
                                          history_messages_key="history")
        chat.invoke({"question": "Who?"}, {"configurable": {"session_id": "a"}})

    - ``get_session_history``: makes the history of a session; it is given the ``session_id``, or by name the values
      of all fields in ``history_factory_config`` (``ConfigurableFieldSpec``: the keys in ``configurable``). One
      without parameters needs no session.
    - ``input_messages_key``: where in an input that is a dict the new messages are (text, a message, or several);
      left out, its only key, or ``"input"``. An input that is not a dict is the messages themselves.
    - ``history_messages_key``: where in the dict the history is put. Left out, it is put before the new messages.
    - ``output_messages_key``: where in an output that is a dict the answer is; left out, its only key, or ``"output"``.
    - ``interrupted``: what becomes of an answer that the consumer left or cancelled when some of its text had come:
      ``"store"`` keeps the text as an ``AIMessage`` with ``response_metadata["interrupted"]``, ``"drop"`` keeps
      nothing of the turn. A turn that failed, or in which nothing had come, is never kept.

    Raises ``ConfigError`` for a run without a session, an input in which the messages are not found, and, when the
    answer has been given out, for one that holds no messages.
    """

    def __init__(
        self,
        runnable: Any,
        get_session_history: GetSessionHistoryCallable,
        *,
        input_messages_key: str | None = None,
        output_messages_key: str | None = None,
        history_messages_key: str | None = None,
        history_factory_config: Sequence[ConfigurableFieldSpec] | None = None,
        interrupted: Literal["store", "drop"] = "store",
        name: str | None = None,
    ) -> None:
        if interrupted not in ("store", "drop"):
            raise ConfigError(f"interrupted is 'store' or 'drop', not {interrupted!r}")
        self.runnable = coerce_to_runnable(runnable)
        self.get_session_history = get_session_history
        self.input_messages_key = input_messages_key
        self.output_messages_key = output_messages_key
        self.history_messages_key = history_messages_key
        self.history_factory_config = [_SESSION_ID] if history_factory_config is None else list(history_factory_config)
        self.interrupted = interrupted
        self.name = name
        takes_none = history_factory_config is None and _takes_no_arguments(get_session_history)
        self._ids = [] if takes_none else [field.id for field in self.history_factory_config]
        _require_parameters(get_session_history, self._ids)

    @property
    def bound(self) -> Runnable[Any, Any]:
        """The same as ``runnable``."""
        return self.runnable

    _buffers_input = True

    def _may_restart_stream(self) -> bool:
        return self.runnable._may_restart_stream()

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return [*self.history_factory_config, *self.runnable.config_specs]

    def _structure(self) -> Structure:
        return Structure("choice", [Part(self.runnable)])

    def _structure_for_graph(self, config: Config | None) -> Structure:
        return Structure()

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        is_dict = self.input_messages_key or (side == "output" and self.history_messages_key)
        return dict[str, Any] if is_dict else list[AnyMessage]

    def _get_input_fields(self) -> dict[str, Any] | None:
        """The keys of an input that is a dict, with the type and the default of each."""
        if self.input_messages_key is None:
            return None
        return {self.input_messages_key: (str | AnyMessage | list[AnyMessage], ...)}

    def _describe_streaming(self) -> Streaming:
        return Streaming(
            "buffers", False, "the whole input is joined with the history; the step inside streams as it can"
        )

    # The bodies

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        turn = await self._start_turn(input, run)
        try:
            output = await self.runnable._step(turn.given, run.child(), **kwargs)
        except BaseException as error:
            carry_path(error, self.runnable.get_name(), self.get_name())
            await self._store_partial(turn, run, error, getattr(error, "partial", None))
            raise
        await _store_messages(turn, run, self._get_output_messages(output))
        return output

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        turns: list[_ConversationTurn] = []
        stream = self.runnable._step_flow(Stream(self._add_history_to_input(inputs, run, turns)), run.child(), **kwargs)
        return stream.through(self._store_output_messages(stream, run, turns))

    async def _add_history_to_input(
        self, inputs: Stream[Any], run: Run, turns: list[_ConversationTurn]
    ) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is not EMPTY:
            turns.append(await self._start_turn(input, run))
            yield turns[0].given

    async def _store_output_messages(
        self, stream: Stream[Any], run: Run, turns: list[_ConversationTurn]
    ) -> AsyncGenerator[Any, None]:
        so_far = stream.new_accumulator()
        try:
            async with closing(stream.source) as source:
                async for chunk in source:
                    so_far.add(chunk)
                    yield chunk
        except BaseException as error:
            carry_path(error, self.runnable.get_name(), self.get_name())
            if turns:
                await self._store_partial(turns[0], run, error, so_far.value())
            raise
        if turns:
            await _store_messages(turns[0], run, self._get_output_messages(so_far.value()))

    async def _start_turn(self, input: Any, run: Run) -> _ConversationTurn:
        asked = self._get_new_messages(input)
        history = await self._get_session_history(run)
        before = list(history.messages if run.io.blocking else await history.aget_messages())
        if self.history_messages_key is not None:
            if not isinstance(input, dict):
                raise ConfigError(
                    f"history_messages_key={self.history_messages_key!r} is a key of the input, which must be a dict, "
                    f"not {type(input).__name__} ({input!r:.80})"
                )
            given: Any = {**input, self.history_messages_key: before}
        elif isinstance(input, dict) and self.input_messages_key is not None:
            given = {**input, self.input_messages_key: before + asked}
        else:
            given = before + asked
        return _ConversationTurn(history, asked, given)

    async def _get_session_history(self, run: Run) -> BaseChatMessageHistory:
        said = run.said("configurable") or {}
        if missing := [id for id in self._ids if id not in said]:
            example = {"configurable": dict.fromkeys(self._ids, "…")}
            raise ConfigError(
                f"{self.get_name()} cannot identify the conversation: {', '.join(missing)} is missing. "
                f"Pass it in the config: chain.invoke(input, {example})"
            )
        make = self.get_session_history
        if len(self._ids) == 1:
            make = partial(make, said[self._ids[0]])
        else:
            make = partial(make, **{id: said[id] for id in self._ids})
        with inside(run):
            history: Any = await run.io.call(make)
            if inspect.isawaitable(history):
                if run.io.blocking:
                    history.close()  # type: ignore[attr-defined]  # a coroutine, which would complain otherwise
                    raise AsyncRequiredError("get_session_history is an async function: use ainvoke, astream or abatch")
                history = await history
        return history  # type: ignore[no-any-return]  # what the user's function gives

    async def _store_partial(
        self, turn: _ConversationTurn, run: Run, error: BaseException, partial_output: Any
    ) -> None:
        """Store an answer that the consumer has ended early, if that is wanted; one that failed is never stored."""
        failed = isinstance(error, Exception) and not isinstance(error, Cancelled)
        if failed or self.interrupted == "drop" or partial_output is None:
            return
        try:
            answer = [self._mark_as_partial(message) for message in self._get_output_messages(partial_output)]
        except ConfigError:
            return  # half an output may hold no messages yet; what ended the turn is the news
        if any(message.content for message in answer):
            await run.io.shield(partial(_store_messages, turn, run, answer))

    def _mark_as_partial(self, message: BaseMessage) -> BaseMessage:
        # Its text alone: a tool call without the tool's answer would make providers refuse the next turn.
        metadata = {**message.response_metadata, "interrupted": True}
        usage = getattr(message, "usage_metadata", None)
        return AIMessage(content=str(message.text), id=message.id, response_metadata=metadata, usage_metadata=usage)

    # Where the messages are

    def _get_new_messages(self, input: Any) -> list[BaseMessage]:
        """The new messages of an input."""
        if isinstance(input, dict):
            key = _find_messages_key(input, self.input_messages_key, "input")
            if key is None:
                hint = "give input_messages_key, or one of these keys"
                raise ConfigError(f"the messages are not in the input, which has the keys {list(input)}: {hint}")
            input = input[key]
        messages = _convert_to_messages(input, HumanMessage)
        if messages is None:
            raise ConfigError(
                f"the input of a conversation must be text, a message or a list of messages, not "
                f"{type(input).__name__} ({input!r:.80})"
            )
        return messages

    def _get_output_messages(self, output: Any) -> list[BaseMessage]:
        """The messages of an output, whole ones."""
        found = output
        if isinstance(output, dict):
            key = _find_messages_key(output, self.output_messages_key, "output")
            if key is None:
                raise ConfigError(
                    f"the answer was not stored: it is not in the output, which has the keys {list(output)}. Give "
                    "output_messages_key"
                )
            found = output[key]
        messages = _convert_to_messages(found, AIMessage)
        if messages is None:
            raise ConfigError(
                f"the answer was not stored: {type(found).__name__} ({found!r:.80}) is neither text nor a message. "
                "Put the history around the step that gives the message, and this one after it"
            )
        return [message_chunk_to_message(message) for message in messages]

    def __repr__(self) -> str:
        return f"RunnableWithMessageHistory({self.runnable!r})"


class _ConversationTurn(NamedTuple):
    """One turn of a conversation: its history, the new messages, and the input of the runnable."""

    history: BaseChatMessageHistory
    asked: list[BaseMessage]
    given: Any


async def _store_messages(turn: _ConversationTurn, run: Run, answer: list[BaseMessage]) -> None:
    messages = [*turn.asked, *answer]
    if run.io.blocking:
        turn.history.add_messages(messages)
    else:
        await turn.history.aadd_messages(messages)


def _find_messages_key(values: dict[str, Any], named: str | None, usual: str) -> str | None:
    """The key of the messages: the one named, the only one there is, the usual one."""
    key = named or (next(iter(values)) if len(values) == 1 else usual)
    return key if key in values else None


def _convert_to_messages(value: Any, kind: type[HumanMessage] | type[AIMessage]) -> list[BaseMessage] | None:
    """Convert to messages; a text becomes one of ``kind``. ``None`` for anything else."""
    if isinstance(value, str):
        return [kind(content=value)]
    if isinstance(value, BaseMessage):
        return [value]
    if isinstance(value, list | tuple):
        return convert_to_messages(value)
    return None


def _takes_no_arguments(make: Callable[..., Any]) -> bool:
    try:
        return not inspect.signature(make).parameters
    except (TypeError, ValueError):
        return False


def _require_parameters(make: Callable[..., Any], ids: list[str]) -> None:
    """Reject a factory that does not take the fields by name."""
    if not callable(make):
        raise CompositionError(f"get_session_history is a function from a session_id to a history, not {make!r:.80}")
    if len(ids) == 1:
        return
    try:
        inspect.signature(make).bind(**dict.fromkeys(ids))
    except TypeError as error:
        raise ConfigError(
            f"get_session_history is called with {', '.join(ids)} by name, and does not take them: {error}"
        ) from error
