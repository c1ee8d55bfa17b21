"""``langchain_core.output_parsers.openai_tools`` and ``utils.json``, with the errors that packages store or catch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from prill.errors import OutputParserException
from prill.output_parsers import json as prill_json
from prill.output_parsers import openai_tools

_HELP = "https://docs.langchain.com/oss/python/langchain/errors/OUTPUT_PARSING_FAILURE"


def parse_tool_call(
    raw_tool_call: dict[str, Any], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> dict[str, Any] | None:
    """Read a tool call in OpenAI's form; the text of the error is what packages keep with the invalid call.

    Raises:
        OutputParserException: the arguments are not whole JSON.
    """
    try:
        return openai_tools.parse_tool_call(raw_tool_call, partial=partial, strict=strict, return_id=return_id)
    except OutputParserException as error:
        function = raw_tool_call["function"]
        cause = error.__cause__
        raise OutputParserException(
            f"Function {function['name']} arguments:\n\n{function['arguments']}\n\nare not valid JSON. Received "
            f"{type(cause).__name__} {cause}\nFor troubleshooting, visit: {_HELP} ",
            llm_output=error.llm_output,
        ) from cause


def parse_tool_calls(
    raw_tool_calls: Sequence[dict[str, Any]], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> list[dict[str, Any]]:
    """Read tool calls in OpenAI's form; one error has the texts of all that are broken."""
    calls: list[dict[str, Any]] = []
    broken: list[str] = []
    for raw in raw_tool_calls:
        try:
            call = parse_tool_call(raw, partial=partial, strict=strict, return_id=return_id)
        except OutputParserException as error:
            broken.append(error.message)
        else:
            calls += [call] if call else []
    if broken:
        raise OutputParserException("\n\n".join(broken))
    return calls


def parse_partial_json(s: str, *, strict: bool = False) -> Any:
    """The value of a JSON text as far as it can be read, also where it goes on with what is not JSON.

    Raises:
        json.JSONDecodeError: nothing of it can be read.
    """
    for end in range(len(s), 0, -1):
        try:
            return prill_json.parse_partial_json(s[:end], strict=strict)
        except OutputParserException:
            continue
    return json.loads(s, strict=strict)
