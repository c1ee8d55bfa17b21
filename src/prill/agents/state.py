"""The state of an agent: its messages, and the keys that schemas add; how updates change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, Required, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from prill.agents.history import with_ids
from prill.errors import ConfigError, did_you_mean
from prill.messages import AnyMessage, BaseMessage, RemoveMessage, convert_to_messages

REMOVE_ALL_MESSAGES = "__remove_all__"
"""The id of a ``RemoveMessage`` that removes all messages before it."""

JUMP_TO = "jump_to"
"""The key with which a hook says where the loop goes on; it never becomes part of the state."""


class PrivateStateAttr:
    """Marks a key of a state schema that is neither input nor output: ``Annotated[int, PrivateStateAttr]``."""


def add_messages(left: Any, right: Any) -> list[BaseMessage]:
    """The messages of ``left`` with those of ``right`` added.

    One with the id of an earlier message takes its place; a ``RemoveMessage`` takes it away, and one with the id
    ``REMOVE_ALL_MESSAGES`` takes away all before it.

    Raises:
        ConfigError: a message to remove does not exist.
    """
    merged = with_ids(convert_to_messages(_as_list(left)))
    for message in with_ids(convert_to_messages(_as_list(right))):
        if isinstance(message, RemoveMessage) and message.id == REMOVE_ALL_MESSAGES:
            merged.clear()
            continue
        place = next((index for index, old in enumerate(merged) if old.id == message.id), None)
        if isinstance(message, RemoveMessage):
            if place is None:
                raise ConfigError(f"no message has the id {message.id!r}, so it cannot be removed")
            del merged[place]
        elif place is None:
            merged.append(message)
        else:
            merged[place] = message
    return merged


def _as_list(messages: Any) -> list[Any]:
    return list(messages) if isinstance(messages, list | tuple) else [messages]


class AgentState(TypedDict, total=False):
    """The state of an agent; a ``state_schema`` of your own extends it with keys.

    A key's type may name a function that combines the old value with an update, ``Annotated[list[str], operator.add]``;
    without one an update replaces the value.
    """

    messages: Required[Annotated[list[AnyMessage], add_messages]]
    jump_to: NotRequired[str | None]
    structured_response: NotRequired[Any]


class OpenState(BaseModel):
    """What any agent takes and gives, as schemas show it: messages in all the forms they may have, and other keys."""

    model_config = ConfigDict(extra="allow")

    messages: Any = None


class StateSchema:
    """The keys that a state may have: those of ``AgentState``, and those of the schemas given."""

    def __init__(self, schemas: Sequence[Any]) -> None:
        self.reducers: dict[str, Callable[[Any, Any], Any] | None] = {"structured_response": None}
        self.private: set[str] = set()
        self.defaults: dict[str, Callable[[], Any]] = {}
        for schema in schemas:
            self._add(schema)
        self.reducers.pop("messages", None)
        self.reducers.pop(JUMP_TO, None)

    def _add(self, schema: Any) -> None:
        try:
            hints = get_type_hints(schema, include_extras=True)
        except (TypeError, NameError) as error:
            raise ConfigError(
                f"a state schema is a TypedDict, a dataclass or a pydantic class with resolvable types, not "
                f"{schema!r:.80}: {error}"
            ) from error
        for name, hint in hints.items():
            marks = _marks(hint)
            self.reducers[name] = _reducer(marks) or self.reducers.get(name)
            if any(mark is PrivateStateAttr or isinstance(mark, PrivateStateAttr) for mark in marks):
                self.private.add(name)
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            for name, field in schema.model_fields.items():
                if not field.is_required():
                    self.defaults[name] = lambda field=field: field.get_default(call_default_factory=True)  # type: ignore[misc]  # bound now

    @property
    def keys(self) -> list[str]:
        """The names of all keys."""
        return ["messages", *self.reducers]

    def combine(self, key: str, old: Any, new: Any) -> Any:
        """The value of ``key`` after an update with ``new``."""
        reducer = self.reducers[key]
        if reducer is None:
            return new
        return reducer(_empty_like(new) if old is None else old, new)

    def apply(self, state: dict[str, Any], update: Mapping[str, Any], source: str) -> None:
        """Change ``state`` by the keys of an update; ``source`` is where it came from, for errors.

        Raises:
            ConfigError: it has a key that the state does not have.
        """
        for key, value in update.items():
            if key == JUMP_TO:
                continue
            if key == "messages":
                state["messages"][:] = add_messages(state["messages"], value)
            elif key in self.reducers:
                state[key] = self.combine(key, state.get(key), value)
            else:
                raise ConfigError(self.describe_unknown(key, source))

    def describe_unknown(self, key: Any, source: str) -> str:
        """What is said of a key that the state does not have."""
        hint = did_you_mean(str(key), self.keys) or f": it has {', '.join(self.keys)}; others need a state_schema"
        return f"{source} has the key {key!r}, which the agent's state does not have{hint}"

    def output(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What a run gives out of its state."""
        shown = {key: value for key, value in state.items() if key not in self.private}
        shown["messages"] = list(state["messages"])
        return shown


def _marks(hint: Any) -> tuple[Any, ...]:
    while get_origin(hint) in (Required, NotRequired):
        hint = get_args(hint)[0]
    if get_origin(hint) is not Annotated:
        return ()
    inner, *marks = get_args(hint)
    return (*_marks(inner), *marks)


def _reducer(marks: Sequence[Any]) -> Callable[[Any, Any], Any] | None:
    functions = [mark for mark in marks if callable(mark) and not isinstance(mark, type)]
    return functions[-1] if functions else None


def _empty_like(value: Any) -> Any:
    """The value that a reducer starts with."""
    return type(value)()
