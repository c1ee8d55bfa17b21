"""Parsers of OpenAI's function calls, the form that preceded tool calls; new programs use the parsers of tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ValidationError, model_validator

from prill.errors import OutputParserException
from prill.output_parsers.base import BaseGenerationOutputParser
from prill.output_parsers.inputs import cut_reason, cut_short
from prill.output_parsers.pydantic import validation_failed
from prill.output_parsers.transform import BaseCumulativeTransformOutputParser
from prill.outputs import ChatGeneration, Generation
from prill.transducers.partial_json import NOTHING, parse_partial, parse_strict

__all__ = [
    "JsonKeyOutputFunctionsParser",
    "JsonOutputFunctionsParser",
    "OutputFunctionsParser",
    "PydanticAttrOutputFunctionsParser",
    "PydanticOutputFunctionsParser",
]


def _function_call(result: list[Generation]) -> Mapping[str, Any] | None:
    """Return the ``function_call`` of the first candidate, ``None`` if it has none."""
    if len(result) != 1 or not isinstance(result[0], ChatGeneration):
        raise OutputParserException("a parser of function calls needs one message of a chat model", llm_output="")
    call = result[0].message.additional_kwargs.get("function_call")
    return call if isinstance(call, Mapping) else None


def _no_call(result: list[Generation]) -> OutputParserException:
    text = result[0].text
    return OutputParserException(f"the model called no function; it wrote {text!r:.80}", llm_output=text)


def _arguments(result: list[Generation]) -> tuple[str, str, Any]:
    """Return the name, the text and the value of the arguments; they must be complete."""
    call = _function_call(result)
    if call is None:
        raise _no_call(result)
    name, text = str(call.get("name") or ""), call.get("arguments") or ""
    try:
        return name, text, parse_strict(text, markdown=False)
    except OutputParserException as error:
        failed = OutputParserException(
            f"the arguments of the function call {name!r} are not valid JSON: {error.message}", llm_output=text
        )
        reason = cut_reason(result[0])
        raise (failed if reason is None else cut_short(failed, reason)) from error


class JsonOutputFunctionsParser(BaseCumulativeTransformOutputParser[Any]):
    """Returns the arguments of a function call as a dict, which grows while they stream.

    With ``args_only=False`` it is ``{"name": ..., "arguments": {...}}``. ``strict`` has no effect.

    Raises:
        OutputParserException: the message has no function call, or its arguments are not complete JSON.
    """

    strict: bool = False
    args_only: bool = True

    def parse(self, text: str) -> Any:
        """Not supported: function calls are part of messages, not of their text."""
        raise NotImplementedError(f"{type(self).__name__} reads messages, not text: use invoke")

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the arguments of the first candidate's call; with ``partial`` as far as they can be seen."""
        if not partial:
            name, _, arguments = _arguments(result)
            return self._shown(name, arguments)
        call = _function_call(result)
        if call is None:
            return None
        try:
            seen = parse_partial(call.get("arguments") or "", markdown=False)
        except OutputParserException:
            return None
        return None if seen is NOTHING else self._shown(str(call.get("name") or ""), seen)

    def _shown(self, name: str, arguments: Any) -> Any:
        return arguments if self.args_only else {"name": name, "arguments": arguments}

    @property
    def _type(self) -> str:
        return "json_functions"


class JsonKeyOutputFunctionsParser(JsonOutputFunctionsParser):
    """Returns the argument ``key_name`` of a function call."""

    key_name: str

    def _shown(self, name: str, arguments: Any) -> Any:
        return arguments.get(self.key_name) if isinstance(arguments, dict) else None


class OutputFunctionsParser(BaseGenerationOutputParser[Any]):
    """Returns the arguments of a function call as text; with ``args_only=False`` the whole call, a dict of texts.

    Raises:
        OutputParserException: the message has no function call.
    """

    args_only: bool = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the arguments of the first candidate's call."""
        call = _function_call(result)
        if call is None:
            raise _no_call(result)
        return call.get("arguments") if self.args_only else dict(call)


class PydanticOutputFunctionsParser(BaseGenerationOutputParser[Any]):
    """Returns the arguments of a function call as an instance of ``pydantic_schema``.

    ``pydantic_schema`` is a class, or a dict of classes by the names of the functions.

    Raises:
        OutputParserException: the message has no function call, or its arguments are not valid.
    """

    pydantic_schema: type[BaseModel] | dict[str, type[BaseModel]]
    args_only: bool = True

    @model_validator(mode="after")
    def _check_schema(self) -> Self:
        if isinstance(self.pydantic_schema, dict):
            self.__dict__["args_only"] = False
        return self

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the instance for the first candidate's call."""
        name, text, arguments = _arguments(result)
        schema = self.pydantic_schema
        if isinstance(schema, dict):
            if name not in schema:
                known = ", ".join(schema)
                raise OutputParserException(f"the model called {name!r}, which is not one of {known}", llm_output=text)
            schema = schema[name]
        try:
            return schema.model_validate(arguments)
        except ValidationError as error:
            raise validation_failed(schema, error, text) from error


class PydanticAttrOutputFunctionsParser(PydanticOutputFunctionsParser):
    """Returns the attribute ``attr_name`` of the instance that ``PydanticOutputFunctionsParser`` makes."""

    attr_name: str

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the attribute of the instance for the first candidate's call."""
        return getattr(super().parse_result(result), self.attr_name)
