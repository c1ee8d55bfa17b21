"""The turns of a conversation, for APIs that know two roles and want calls to be answered in the turn that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from prill.errors import ModelInvalidRequestError
from prill.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

Block = dict[str, Any]
GetId = Callable[[Block], str | None]


def make_refusal(provider: str, reason: str) -> ModelInvalidRequestError:
    """The error for messages that a provider would refuse."""
    return ModelInvalidRequestError(f"{provider} would refuse the messages: {reason}.", provider=provider)


def split_system(
    messages: Iterable[BaseMessage], provider: str, name: str
) -> tuple[list[SystemMessage], list[BaseMessage]]:
    """The system messages, and the others.

    Raises:
        ModelInvalidRequestError: there are system messages in two places, and the API takes one ``name``.
    """
    system: list[SystemMessage] = []
    others: list[BaseMessage] = []
    last: BaseMessage | None = None
    for message in messages:
        if not isinstance(message, SystemMessage):
            others.append(message)
        elif system and not isinstance(last, SystemMessage):
            raise make_refusal(provider, f"there are system messages in two places: it takes one {name}")
        else:
            system.append(message)
        last = message
    return system, others


def get_role(message: BaseMessage, provider: str) -> Literal["user", "assistant"]:
    """Whose turn a message belongs to; results of tools are the user's.

    Raises:
        ModelInvalidRequestError: the API knows no messages of this kind.
    """
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, HumanMessage | ToolMessage):
        return "user"
    if isinstance(message, ChatMessage) and message.role in ("user", "assistant"):
        return "user" if message.role == "user" else "assistant"
    role = getattr(message, "role", None)
    raise make_refusal(provider, f"it knows no messages of the kind {type(message).__name__} (role {role!r})")


def place_results(turns: Sequence[Block], provider: str, get_call_id: GetId, get_result_id: GetId) -> None:
    """Check that each call is answered in the next turn, and bring the results to the start of theirs.

    Args:
        turns: each a dict with ``role`` and ``content``, the list of its blocks.
        provider: its name, for the errors.
        get_call_id: the id of the call that a block is, if it is one.
        get_result_id: the id of the call that a block answers, if it does.

    Raises:
        ModelInvalidRequestError: there is no user's turn, a call has no result, or a result no call.
    """
    if not any(turn["role"] == "user" for turn in turns):
        raise make_refusal(provider, "the messages hold no user message to answer")
    calls: list[str] = []
    for turn in [*turns, {"role": "user", "content": []}]:  # calls at the very end have no answer either
        content = turn["content"]
        if turn["role"] == "assistant":
            calls = [id for block in content if (id := get_call_id(block)) is not None]
            continue
        found = {id: block for block in content if (id := get_result_id(block)) is not None}
        if missing := [id for id in calls if id not in found]:
            reason = f"the tool calls {missing} have no result: a ToolMessage for each must follow at once"
            raise make_refusal(provider, reason)
        if extra := [id for id in found if id not in calls]:
            raise make_refusal(provider, f"the results {extra} answer no tool call of the message before them")
        results = [block for block in content if get_result_id(block) is not None]
        turn["content"] = [*results, *(block for block in content if get_result_id(block) is None)]
        calls = []
