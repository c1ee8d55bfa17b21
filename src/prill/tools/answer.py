"""Formats a tool's output: returned as it is, or as the ``ToolMessage`` that answers a call."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from prill.errors import ConfigError, ToolException
from prill.messages import BaseMessage, ToolMessage
from prill.messages.tool import ToolOutputMixin, text_answer


class Answering(Protocol):
    """The attributes of a tool that its answers depend on."""

    name: str
    response_format: Literal["content", "content_and_artifact"]


def format_output(tool: Answering, output: Any, call_id: str | None) -> Any:
    """Return a function's output; as a ``ToolMessage`` if ``call_id`` is the id of a call."""
    artifact = None
    if tool.response_format == "content_and_artifact":
        if not isinstance(output, tuple) or len(output) != 2:
            raise ConfigError(
                f"the tool {tool.name} has response_format='content_and_artifact': it must return a tuple "
                f"(content, artifact), not {type(output).__name__}"
            )
        output, artifact = output
    if call_id is None or isinstance(output, ToolOutputMixin) or _are_answers(output):
        return output
    content = _content(tool.name, output)
    if type(content) is str and type(call_id) is str:
        return text_answer(content, call_id, tool.name, artifact)
    return ToolMessage(content, artifact=artifact, tool_call_id=call_id, name=tool.name)


def format_failure(tool: Answering, handler: Any, error: ToolException | ValidationError, call_id: str | None) -> Any:
    """Return the answer to a failed call that ``handler`` asks for; raise the error if there is no handler."""
    if not handler:
        raise error
    if handler is True:
        output: Any = _get_text(error)
    elif isinstance(handler, str):
        output = handler
    elif callable(handler):
        output = handler(error)
    else:
        raise ConfigError(f"error handlers of the tool {tool.name} must be True, a text or a function, not {handler!r}")
    if call_id is None or isinstance(output, ToolOutputMixin):
        return output
    return ToolMessage(_content(tool.name, output), tool_call_id=call_id, name=tool.name, status="error")


def _get_text(error: ToolException | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return error.__notes__[-1] if getattr(error, "__notes__", None) else str(error)
    text = "" if not error.args or error.args[0] is None else str(error.args[0])
    return text or f"the tool failed ({type(error).__name__})"


def _are_answers(output: Any) -> bool:
    return isinstance(output, list) and bool(output) and all(isinstance(each, ToolOutputMixin) for each in output)


def _content(tool: str, output: Any) -> Any:
    """The message content for an output: texts and content blocks as they are, other values as JSON."""
    if isinstance(output, str):
        return output
    if isinstance(output, list | tuple) and output and all(_is_block(each) for each in output):
        return list(output)
    try:
        return _as_json(output)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return str(output)
    except (ValueError, RecursionError) as error:  # it has too many digits, or is too deep
        raise ConfigError(f"the output of the tool {tool} cannot be converted to text: {error}") from error


def _as_json(output: Any) -> str:
    try:
        return json.dumps(output, ensure_ascii=False)
    except TypeError:
        if not (isinstance(output, BaseModel | dict | list | tuple | set | frozenset) or is_dataclass(output)):
            raise
        if isinstance(output, BaseMessage):
            raise
        return json.dumps(to_jsonable_python(output), ensure_ascii=False)


_BLOCK_TYPES = frozenset(
    ("custom_tool_call_output", "document", "file", "image", "image_url", "json", "search_result", "text")
)
"""Content blocks that providers take in the answer to a tool call; other dicts are data, which is sent as JSON."""


def _is_block(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and part.get("type") in _BLOCK_TYPES)


def describe_wrong_arguments(
    tool: str, error: ValidationError, given: Mapping[Any, Any], arguments: Collection[str]
) -> str:
    """One line for each argument that is missing, does not fit, or does not exist."""
    lines = [f"the tool {tool} was called with wrong arguments:"]
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(map(str, fault["loc"])) or "(all of them)"
        found = "is missing" if fault["type"] == "missing" else f"{fault['msg']}; found {fault['input']!r:.80}"
        lines.append(f"  {place}: {found}")
    unknown = [str(name) for name in given if name not in arguments]
    if unknown and arguments:
        lines.append(f"  {', '.join(unknown)}: no argument of this tool; it takes {', '.join(arguments)}")
    return "\n".join(lines)
