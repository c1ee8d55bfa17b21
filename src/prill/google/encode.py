"""Messages as the Gemini API takes them.

Format: https://ai.google.dev/api/caching#Content
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from prill.google.parts import PROVIDER, Part, encode_parts
from prill.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
)
from prill.providers.turns import make_refusal, split_system

Content = dict[str, Any]

NO_SIGNATURE = "skip_thought_signature_validator"
"""Stands for the signature of a call that another model made.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""


def encode_messages(messages: Sequence[BaseMessage], *, sign: bool = False) -> tuple[Content | None, list[Content]]:
    """The request's ``systemInstruction`` and ``contents``.

    Neighbours of one kind become one entry, and results of calls stand in the order of their calls. ``sign`` marks
    calls that other models made, for models that want a signature with each.

    Raises:
        ModelInvalidRequestError: the API would refuse the order of the messages, or a message cannot be said to it.
    """
    said, others = split_system(messages, PROVIDER, "system instruction")
    system = [part for message in said for part in encode_parts(message.content)]
    turns: list[_Turn] = []
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in others:
        _add_turn(turns, message, answered, sign)
    if not any(turn.role == "user" for turn in turns):
        raise make_refusal(PROVIDER, "the messages hold no user message to answer")
    _check_calls(turns)
    return ({"parts": system} if system else None), [{"role": turn.role, "parts": turn.parts} for turn in turns]


class _Turn(NamedTuple):
    """An entry of ``contents``: the calls that it makes, by id, or those that it answers."""

    role: str
    parts: list[Part]
    calls: dict[str, _Called]
    answers: bool = False


class _Called(NamedTuple):
    """A call: the function's name, and the id that the provider gave the call, if it gave one."""

    name: str
    own_id: str | None


def _add_turn(turns: list[_Turn], message: BaseMessage, answered: set[str], sign: bool) -> None:
    if isinstance(message, ToolMessage):
        _answer(turns, message)
        return
    role = _role(message)
    foreign = isinstance(message, AIMessage) and message.response_metadata.get("model_provider") != PROVIDER
    parts = encode_parts(message.content, foreign=foreign)
    calls: dict[str, _Called] = {}
    if isinstance(message, AIMessage):
        _sign_text(parts, message)
        _add_calls(parts, calls, message, answered, sign=sign and foreign)
    if not parts:
        if role == "user":
            raise make_refusal(PROVIDER, "a user message is empty")
        return
    if turns and turns[-1].role == role and not turns[-1].answers:
        turns[-1].parts.extend(parts)
        turns[-1].calls.update(calls)
    else:
        turns.append(_Turn(role, parts, calls))


def _role(message: BaseMessage) -> str:
    if isinstance(message, AIMessage):
        return "model"
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, ChatMessage) and message.role in ("user", "model", "assistant"):
        return "user" if message.role == "user" else "model"
    raise make_refusal(
        PROVIDER, f"it knows no messages of the kind {type(message).__name__} (role {getattr(message, 'role', None)!r})"
    )


# Calls


def _sign_text(parts: list[Part], message: AIMessage) -> None:
    """Put the signature of a text that is not in a block to the last of the text's parts."""
    signature = message.additional_kwargs.get("thought_signature")
    if signature and isinstance(message.content, str):
        if not parts:
            parts.append({"text": ""})
        parts[-1] = {**parts[-1], "thoughtSignature": signature}


def _add_calls(
    parts: list[Part], calls: dict[str, _Called], message: AIMessage, answered: set[str], *, sign: bool
) -> None:
    """Add the calls of an answer; broken ones only where they were answered all the same."""
    whole: list[ToolCall | InvalidToolCall] = [*message.tool_calls]
    whole += [call for call in message.invalid_tool_calls if call["id"] in answered]
    own = message.response_metadata.get("model_provider") == PROVIDER
    for call in whole:
        args = call["args"] if isinstance(call["args"], dict) else {"INVALID_JSON": call["args"] or ""}
        name, id = call["name"] or "", call["id"] or f"{MADE_ID}{len(calls)}"
        own_id = id if own and not id.startswith(MADE_ID) else None
        function = {"name": name, "args": args, **({"id": own_id} if own_id else {})}
        signature = find_signature(call)
        if signature is None and sign and not calls:
            signature = NO_SIGNATURE
        parts.append({"functionCall": function, **({"thoughtSignature": signature} if signature else {})})
        calls[id] = _Called(name, own_id)


MADE_ID = "call_"
"""How the ids of calls start that the provider gave none."""


def signature_extras(signature: str) -> dict[str, Any]:
    """The signature of a call, as a call keeps it: in the form that Google's server for OpenAI's protocol takes too."""
    return {"extra_content": {"google": {"thought_signature": signature}}}


def find_signature(call: Mapping[str, Any]) -> str | None:
    """The signature that a call keeps."""
    extras: Any = call.get("extras")
    for key in ("extra_content", "google", "thought_signature"):
        extras = extras.get(key) if isinstance(extras, Mapping) else None
    return extras if isinstance(extras, str) else None


# Results


def _answer(turns: list[_Turn], message: ToolMessage) -> None:
    if not turns or not turns[-1].answers:
        turns.append(_Turn("user", [], {}, answers=True))
    turn = turns[-1]
    asked = turns[-2].calls if len(turns) > 1 else {}
    id = message.tool_call_id
    if id not in asked:
        raise make_refusal(PROVIDER, f"the result {id!r} answers no tool call of the message before it")
    if id in turn.calls:
        raise make_refusal(PROVIDER, f"the tool call {id!r} has two results")
    called = asked[id]
    response: Part = {"name": called.name, "response": _result(message)}
    if called.own_id:
        response["id"] = called.own_id
    if data := [part for part in _data_parts(message) if "text" not in part]:
        response["parts"] = data
    turn.parts.append({"functionResponse": response})
    turn.calls[id] = called


def _result(message: ToolMessage) -> dict[str, Any]:
    """What a function returned: ``output``, or ``error`` where it failed."""
    if isinstance(message.content, str):
        text = message.content
    else:
        text = "\n".join(part["text"] for part in _data_parts(message) if "text" in part)
    return {"error": text} if message.status == "error" else {"output": _read(text)}


def _read(text: str) -> Any:
    """An object or a list that is written as JSON; any other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return from_json(text)
    except ValueError:
        return text


def _data_parts(message: ToolMessage) -> list[Part]:
    return [] if isinstance(message.content, str) else encode_parts(message.content)


def _check_calls(turns: list[_Turn]) -> None:
    """Check that each call is answered in the next entry, and bring the results in the order of the calls."""
    for turn, after in zip(turns, [*turns[1:], None], strict=True):
        if turn.answers or not turn.calls:
            continue
        given = after.calls if after is not None and after.answers else {}
        if missing := [id for id in turn.calls if id not in given]:
            raise make_refusal(
                PROVIDER, f"the tool calls {missing} have no result: a ToolMessage for each must follow at once"
            )
        assert after is not None
        places = list(turn.calls)
        ordered = sorted(zip(given, after.parts, strict=True), key=lambda pair: places.index(pair[0]))
        after.parts[:] = [part for _, part in ordered]
