"""What a tool answers: its output as it is, or as a message to the model that called it."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from prill.errors import ConfigError, ToolException
from prill.messages import BaseMessage, ToolMessage
from prill.messages.tool import ToolOutputMixin


class Answering(Protocol):
    """A tool, as far as its answers go."""

    name: str
    response_format: Literal["content", "content_and_artifact"]


def format_output(tool: Answering, output: Any, call_id: str | None) -> Any:
    """The answer with a function's output; a ``ToolMessage`` if ``call_id`` is the id of a call."""
    artifact = None
    if tool.response_format == "content_and_artifact":
        if not isinstance(output, tuple) or len(output) != 2:
            raise ConfigError(
                f"the tool {tool.name} has response_format='content_and_artifact' and so returns a pair of both, "
                f"not {type(output).__name__}"
            )
        output, artifact = output
    if call_id is None or isinstance(output, ToolOutputMixin) or _are_answers(output):
        return output
    return ToolMessage(_content(tool.name, output), artifact=artifact, tool_call_id=call_id, name=tool.name)


def format_failure(tool: Answering, handler: Any, error: ToolException | ValidationError, call_id: str | None) -> Any:
    """The answer after an error, as ``handler`` says; the error itself is raised where it says nothing."""
    if not handler:
        raise error
    if handler is True:
        output: Any = _text_of(error)
    elif isinstance(handler, str):
        output = handler
    elif callable(handler):
        output = handler(error)
    else:
        raise ConfigError(f"errors of the tool {tool.name} are handled by True, a text or a function; not {handler!r}")
    if call_id is None or isinstance(output, ToolOutputMixin):
        return output
    return ToolMessage(_content(tool.name, output), tool_call_id=call_id, name=tool.name, status="error")


def _text_of(error: ToolException | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return error.__notes__[-1] if getattr(error, "__notes__", None) else str(error)
    said = "" if not error.args or error.args[0] is None else str(error.args[0])
    return said or f"the tool failed ({type(error).__name__})"


def _are_answers(output: Any) -> bool:
    return isinstance(output, list) and bool(output) and all(isinstance(each, ToolOutputMixin) for each in output)


def _content(tool: str, output: Any) -> Any:
    """What the model reads of an output: texts and blocks as they are, other things as JSON."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and output and all(_is_block(each) for each in output):
        return output
    try:
        return _as_json(output)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return str(output)
    except (ValueError, RecursionError) as error:  # it has too many digits, or is too deep
        raise ConfigError(f"the output of the tool {tool} cannot be written as text: {error}") from error


def _as_json(output: Any) -> str:
    try:
        return json.dumps(output, ensure_ascii=False)
    except TypeError:
        if not (isinstance(output, BaseModel | dict | list | tuple | set | frozenset) or is_dataclass(output)):
            raise
        if isinstance(output, BaseMessage):
            raise
        return json.dumps(to_jsonable_python(output), ensure_ascii=False)


def _is_block(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and "type" in part)
