"""Making a conversation fit into a number of tokens."""

from __future__ import annotations

import inspect
from bisect import bisect_right
from collections.abc import Callable, Sequence
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from prill.errors import ConfigError
from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.convert import convert_to_messages
from prill.messages.count import count_tokens_approximately
from prill.messages.filter import Kind, is_of_kind
from prill.messages.function import FunctionMessage
from prill.messages.later import MessageFunction, Messages
from prill.messages.system import SystemMessage
from prill.messages.tool import ToolMessage

Kinds = Kind | Sequence[Kind]
Count = Callable[[list[BaseMessage]], int]


class CountsTokens(Protocol):
    """A language model, as far as it counts tokens."""

    def get_num_tokens_from_messages(self, messages: Any) -> int: ...


class SplitsText(Protocol):
    """Splits a text into pieces that are the text again when joined."""

    def split_text(self, text: str) -> list[str]: ...


@MessageFunction
def trim_messages(
    messages: Messages,
    *,
    max_tokens: int,
    token_counter: Callable[[list[BaseMessage]], int]
    | Callable[[BaseMessage], int]
    | CountsTokens
    | Literal["approximate"],
    strategy: Literal["first", "last"] = "last",
    allow_partial: bool = False,
    end_on: Kinds | None = None,
    start_on: Kinds | None = None,
    include_system: bool = False,
    text_splitter: Callable[[str], list[str]] | SplitsText | None = None,
) -> list[BaseMessage]:
    """The first or the last messages that fit into ``max_tokens``.

    ``token_counter`` is a function of a list of messages, a function of one message (by the type of its parameter, or
    because it fails with a list), a model, or ``"approximate"``. ``allow_partial`` takes a part of the message that
    does not fit as a whole. ``start_on`` and ``end_on`` are the types with which the result must start and end: the
    messages before and after are dropped too. ``include_system`` keeps a ``SystemMessage`` at the start. Tool calls and
    their results are kept or dropped together. Without ``messages`` this returns a Runnable that takes them.

    >>> from prill.messages import AIMessage, HumanMessage
    >>> chat = [HumanMessage("one"), AIMessage("two"), HumanMessage("three")]
    >>> [message.content for message in trim_messages(chat, max_tokens=2, token_counter=len)]
    ['two', 'three']

    Raises ``ConfigError`` for options that cannot be used together, or are unknown.
    """
    if strategy not in ("first", "last"):
        raise ConfigError(f"unknown strategy {strategy!r}; the strategies are 'first' and 'last'")
    if strategy == "first" and (start_on or include_system):
        option = "start_on" if start_on else "include_system"
        raise ConfigError(f"{option} is for strategy='last'; with strategy='first' the start is kept anyway")
    trimmer = _Trimmer(max_tokens, _counter(token_counter), _splitter(text_splitter), strategy, allow_partial)
    given = convert_to_messages(messages)
    groups = _call_groups(given)
    if strategy == "first":
        return _tidied(dict(enumerate(trimmer.fit([], given))), groups, None, end_on)
    ended = _ending_on(given, end_on)
    head = ended[:1] if include_system and ended and isinstance(ended[0], SystemMessage) else []
    tail = trimmer.fit(head, ended[len(head) :])
    start = len(ended) - len(tail)
    return [*head, *_tidied(dict(enumerate(tail, start)), groups, start_on, end_on)]


def _call_groups(messages: list[BaseMessage]) -> list[int | None]:
    """For each message the place of the answer whose tool calls it makes or answers, if any."""
    groups: list[int | None] = []
    callers: dict[str | None, int] = {}
    function_caller: int | None = None  # calls of functions, which came before those of tools, have no ids
    for place, message in enumerate(messages):
        group: int | None = None
        if isinstance(message, ToolMessage):
            group = callers.get(message.tool_call_id)
        elif isinstance(message, AIMessage) and (calls := [*message.tool_calls, *message.invalid_tool_calls]):
            group = place
            callers.update({call["id"]: place for call in calls})
        elif isinstance(message, AIMessage) and message.additional_kwargs.get("function_call"):
            group = function_caller = place
        elif isinstance(message, FunctionMessage):
            group = function_caller
        groups.append(group)
    return groups


def _tidied(
    kept: dict[int, BaseMessage], groups: list[int | None], start_on: Kinds | None, end_on: Kinds | None
) -> list[BaseMessage]:
    """The kept messages by their place, without calls parted from their results, starting and ending as asked for."""
    while True:
        size = len(kept)
        parted = {group for place, group in enumerate(groups) if group is not None and place not in kept}
        kept = {place: message for place, message in kept.items() if groups[place] not in parted}
        places = list(kept)
        while start_on and places and not is_of_kind(kept[places[0]], start_on):
            del kept[places.pop(0)]
        while end_on and places and not is_of_kind(kept[places[-1]], end_on):
            del kept[places.pop()]
        if len(kept) == size:
            return list(kept.values())


def _ending_on(messages: list[BaseMessage], kinds: Kinds | None) -> list[BaseMessage]:
    end = len(messages)
    while kinds and end and not is_of_kind(messages[end - 1], kinds):
        end -= 1
    return messages[:end]


class _Trimmer:
    def __init__(
        self,
        max_tokens: int,
        count: Count,
        split: Callable[[str], list[str]],
        strategy: Literal["first", "last"],
        allow_partial: bool,
    ) -> None:
        self._max_tokens = max_tokens
        self._count = count
        self._split = split
        self._from_start = strategy == "first"
        self._allow_partial = allow_partial

    def fits(self, messages: list[BaseMessage]) -> bool:
        return self._count(messages) <= self._max_tokens

    def fit(self, head: list[BaseMessage], messages: list[BaseMessage]) -> list[BaseMessage]:
        """As many as fit together with ``head``, from the start or from the end."""
        whole = self._longest(len(messages), lambda number: self.fits([*head, *self._take(messages, number)]))
        kept = self._take(messages, whole)
        if self._allow_partial and whole < len(messages):
            cut = messages[whole] if self._from_start else messages[-whole - 1]
            part = self._part(head, kept, cut)
            kept = [*kept, *part] if self._from_start else [*part, *kept]
        return kept

    def _take(self, parts: list[Any], number: int) -> list[Any]:
        return parts[:number] if self._from_start else parts[len(parts) - number :]

    @staticmethod
    def _longest(most: int, fits: Callable[[int], bool]) -> int:
        """The greatest number that fits, where every smaller number fits too."""
        return bisect_right(range(1, most + 1), False, key=lambda number: not fits(number))

    def _part(self, head: list[BaseMessage], kept: list[BaseMessage], cut: BaseMessage) -> list[BaseMessage]:
        """The longest part of ``cut`` that still fits: some of its blocks, or some pieces of its text."""

        def with_content(content: Any) -> list[BaseMessage]:
            return [cut.model_copy(update={"content": content})]

        def fits(content: Any) -> bool:
            part = with_content(content)
            return self.fits([*head, *kept, *part] if self._from_start else [*head, *part, *kept])

        content = cut.content
        if isinstance(content, list):
            number = self._longest(len(content) - 1, lambda some: fits(self._take(content, some))) if content else 0
            if number:
                return with_content(self._take(content, number))
        pieces = self._split(str(cut.text))
        number = self._longest(len(pieces), lambda some: fits("".join(self._take(pieces, some))))
        text = "".join(self._take(pieces, number))
        return with_content(text) if text else []


def _counter(given: Any) -> Count:
    if given == "approximate":
        return count_tokens_approximately
    if hasattr(given, "get_num_tokens_from_messages"):
        return given.get_num_tokens_from_messages  # type: ignore[no-any-return]  # a model's method
    if not callable(given):
        raise ConfigError(f"token_counter is a {type(given).__name__}; it must be a function, a model or 'approximate'")
    one = _takes_one_message(given)
    if one is None:
        return _GuessedCounter(given)
    return (lambda messages: sum(given(message) for message in messages)) if one else given


class _GuessedCounter:
    """A function whose parameter has no type: it takes the list of messages, or, where that fails, one message."""

    def __init__(self, function: Callable[[Any], int]) -> None:
        self._function = function
        self._takes_one = False

    def __call__(self, messages: list[BaseMessage]) -> int:
        if not self._takes_one:
            try:
                return self._function(messages)
            except (AttributeError, TypeError) as error:
                try:
                    count = sum(map(self._function, messages))
                except Exception:
                    raise error from None
                self._takes_one = bool(messages)
                return count
        return sum(map(self._function, messages))


def _takes_one_message(function: Callable[..., Any]) -> bool | None:
    """Whether the function takes one message, by the type of its parameter; ``None`` where that has none."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin such as len
        return False
    annotation = parameters[0].annotation if parameters else None
    if annotation is inspect.Parameter.empty:
        return None
    return _is_of_message(annotation)


def _is_of_message(annotation: Any) -> bool:
    """Whether an annotation is a class of messages, or a union that has one."""
    if isinstance(annotation, str):
        return "[" not in annotation and any(part.strip().endswith("Message") for part in annotation.split("|"))
    if isinstance(annotation, type) and not isinstance(annotation, GenericAlias):
        return issubclass(annotation, BaseMessage)
    if get_origin(annotation) is Annotated:
        return _is_of_message(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and any(map(_is_of_message, get_args(annotation)))


def _splitter(given: Any) -> Callable[[str], list[str]]:
    if given is None:
        return lambda text: text.splitlines(keepends=True)
    if callable(given):
        return given  # type: ignore[no-any-return]  # checked as far as it can be
    if hasattr(given, "split_text"):
        return given.split_text  # type: ignore[no-any-return]  # a splitter's method
    raise ConfigError(f"text_splitter is a {type(given).__name__}; it must be a function or have the method split_text")
