"""What a run of an agent starts from: new messages, a state, a thread that goes on, or a pause that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from prill.agents.approval import Approvals
from prill.agents.history import open_calls, repair, with_ids
from prill.agents.interrupts import INTERRUPT, Command, Interrupt
from prill.agents.state import JUMP_TO, StateSchema
from prill.errors import ConfigError, ThreadNotFoundError
from prill.messages import BaseMessage, convert_to_messages
from prill.tools.base import BaseTool

_COMMAND_KEYS = frozenset(each.name for each in fields(Command))


class Entry(NamedTuple):
    """The start of a run.

    ``messages`` are all of them, of which the last ``new`` are not stored yet; ``values`` are changes of other keys.
    ``replaces`` says that stored messages were changed too.
    """

    messages: list[BaseMessage]
    values: dict[str, Any]
    stored: list[BaseMessage]
    resumes: bool = False
    decisions: dict[str, Any] = {}  # noqa: RUF012 - never changed
    answers: dict[str, tuple[Any, ...]] = {}  # noqa: RUF012 - never changed
    paused_states: dict[str, Any] = {}  # noqa: RUF012 - never changed


def read_messages(given: Any) -> list[BaseMessage]:
    """The messages that an input holds.

    Raises:
        ConfigError: the input has no messages.
    """
    messages = with_ids(convert_to_messages(given if isinstance(given, list | tuple) else [given]))
    if not messages:
        raise ConfigError("an agent needs at least one message, and the list of messages is empty")
    return messages


def read_input(input: Any, schema: StateSchema) -> tuple[list[BaseMessage], dict[str, Any]]:
    """The messages and the other keys of an input: a state, a list of messages, one message, or a text.

    Raises:
        ConfigError: it is none of these, has no messages, or a key that the state does not have.
    """
    if isinstance(input, Mapping) and not ("role" in input or "type" in input):
        if "messages" not in input:
            found = f"it has {', '.join(map(repr, input))}" if input else "it is empty"
            raise ConfigError(f"the input of an agent has the key 'messages', and {found}: {{'messages': 'Hi'}}")
        values = {key: value for key, value in input.items() if key not in ("messages", JUMP_TO, INTERRUPT)}
        if unknown := [key for key in values if key not in schema.reducers]:
            raise ConfigError(schema.describe_unknown(unknown[0], "the input"))
        return read_messages(input["messages"]), values
    if isinstance(input, str | list | tuple | BaseMessage | Mapping):
        return read_messages(input), {}
    raise ConfigError(
        f"the input of an agent is a dict with 'messages', a list of messages, one message or a text, not "
        f"{type(input).__name__} ({input!r:.80})"
    )


class Reader:
    """Reads inputs for one agent."""

    def __init__(self, schema: StateSchema, approvals: Approvals, tools: Mapping[str, BaseTool]) -> None:
        self._schema = schema
        self._approvals = approvals
        self._tools = tools

    def read(self, input: Any, stored: Any, thread_id: str | None) -> Entry:
        """The start of a run with ``input``; ``stored`` is the state of its thread, if it has one.

        Raises:
            ConfigError: the input cannot be read, or decisions are missing or wrong. Nothing has been run or stored.
            ThreadNotFoundError: a thread is to go on that does not exist.
        """
        input = _as_command(input)
        if isinstance(input, Command) and input.resume is not None:
            return self._resume(input, stored, thread_id)
        if input is None or (isinstance(input, Command) and input.update is None):
            return self._continue(stored, thread_id)
        known = [] if stored is None else stored.messages
        if isinstance(input, Command):
            update = dict(input.update)
            messages = read_messages(update.pop("messages")) if "messages" in update else []
            if not known and not messages:
                raise ConfigError("an agent needs at least one message, and the update of the Command has none")
            return Entry(repair([*known, *messages], keep_open=True), update, known)
        messages, values = read_input(input, self._schema)
        return Entry(self._join(known, messages), values, known)

    def _join(self, known: list[BaseMessage], new: list[BaseMessage]) -> list[BaseMessage]:
        """The history with new messages; one that is there already, by its id, takes the place of the old one."""
        places = {message.id: place for place, message in enumerate(known)}
        joined = list(known)
        for message in new:
            if (place := places.get(message.id)) is not None:
                joined[place] = message
            else:
                joined.append(message)
        return repair(joined, keep_open=True)

    def _continue(self, stored: Any, thread_id: str | None) -> Entry:
        if stored is None:
            raise ConfigError("an agent without threads cannot go on from nothing: give it messages as the input")
        if not stored.messages:
            raise ThreadNotFoundError(f"no thread {thread_id!r:.80} is stored, so it cannot go on")
        if stored.ended:
            raise ConfigError(f"the last run of the thread {thread_id!r:.80} has ended: give it new messages")
        return Entry(list(stored.messages), {}, stored.messages, resumes=True)

    def _resume(self, command: Command, stored: Any, thread_id: str | None) -> Entry:
        values: dict[str, Any] = dict(command.update or {})
        if stored is None or not stored.length:
            if stored is not None and "messages" not in values:
                raise ThreadNotFoundError(f"no thread {thread_id!r:.80} is stored, so it cannot be resumed")
            if "messages" not in values:
                raise ConfigError(
                    "without threads an agent is resumed from its paused state: Command(resume=..., update=state)"
                )
            messages = repair(read_messages(values.pop("messages")), keep_open=True)
            asked = [_as_interrupt(each) for each in values.pop(INTERRUPT, [])]
            known: list[BaseMessage] = []
        else:
            messages, asked = list(stored.messages), list(stored.interrupts)
            known = stored.messages
            if "messages" in values:
                raise ConfigError("a thread is resumed with its own messages: leave 'messages' out of the update")
        values.pop(INTERRUPT, None)
        gated = [call for call in open_calls(messages) if self._approvals.needs(call)]
        asking = {each.tool_call_id: each for each in asked if each.tool_call_id is not None}
        if not gated and not asking:
            which = f"the thread {thread_id!r:.80}" if known else "the state"
            raise ConfigError(f"{which} is not paused: there is nothing to resume")
        decisions, answers = self._match(command.resume, gated, asked)
        states = {id: each.state for id, each in asking.items() if each.state is not None}
        given = {id: (*asking[id].answers, answer) for id, answer in answers.items()}
        return Entry(messages, values, known, True, decisions, given, states)

    def _match(self, resume: Any, gated: list[Any], asked: list[Interrupt]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The decisions on calls, and the answers for tools, in what a program resumes with."""
        asking = [each for each in asked if each.tool_call_id is not None]
        if not asking:
            return self._approvals.decide(gated, _without_batch(resume, asked), self._tools), {}
        if not gated and len(asking) == 1 and not _names(resume, asking[0]):
            return {}, {str(asking[0].tool_call_id): resume}
        ids = {id for each in asking for id in (each.id, each.tool_call_id)}
        if not isinstance(resume, Mapping) or any(not _names(resume, each) for each in asking):
            raise ConfigError(
                f"the agent waits for several answers: resume with a dict of one for each of "
                f"{', '.join(each.id for each in asked)}"
            )
        answers = {str(each.tool_call_id): resume.get(each.id, resume.get(each.tool_call_id)) for each in asking}
        rest = {key: value for key, value in resume.items() if key not in ids}
        if not gated and rest:
            raise ConfigError(f"nothing waits for {next(iter(rest))!r:.80}")
        return (self._approvals.decide(gated, _without_batch(rest, asked), self._tools) if gated else {}), answers


def _as_command(input: Any) -> Any:
    """The ``Command`` that ``input`` is in JSON, as it comes from a client over HTTP; else ``input``."""
    is_command = isinstance(input, Mapping) and "resume" in input and set(input) <= _COMMAND_KEYS
    return Command(**input) if is_command else input


def _names(resume: Any, asked: Interrupt) -> bool:
    return isinstance(resume, Mapping) and (asked.id in resume or asked.tool_call_id in resume)


def _without_batch(resume: Any, asked: list[Interrupt]) -> Any:
    """Decisions that are given under the id of their request."""
    batches = [each.id for each in asked if each.tool_call_id is None]
    if isinstance(resume, Mapping) and len(resume) == 1 and (key := next(iter(resume))) in batches:
        value = resume[key]
        is_decision = isinstance(value, Mapping) and "type" in value
        return resume if is_decision else value
    return resume


def _as_interrupt(given: Any) -> Interrupt:
    return given if isinstance(given, Interrupt) else Interrupt.from_dict(given)
