"""The tool calls that a model wants, as dictionaries or instances, while they arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from prill.callbacks.run import Run
from prill.errors import OutputParserException
from prill.io import closing
from prill.messages.call_types import InvalidToolCall
from prill.output_parsers.inputs import RefusalReader, check_refusal
from prill.output_parsers.pydantic import validation_failed
from prill.output_parsers.tool_call_reader import OpenToolCall, ToolCallReader
from prill.output_parsers.transform import BaseCumulativeTransformOutputParser
from prill.outputs import ChatGeneration, Generation
from prill.runnables.engine.streams import Stream
from prill.transducers.partial_json import NOTHING, parse_partial


class JsonOutputToolsParser(BaseCumulativeTransformOutputParser[Any]):
    """Gives the tool calls of a message as ``[{"type": name, "args": {...}}]``, growing while they stream.

    ``return_id`` adds their ``"id"``; with ``first_tool_only`` it is the first call itself, without the list (an empty
    list where there is none). A call is seen as soon as its name is. ``strict`` has no effect: arguments must be whole
    JSON either way.

    Raises:
        OutputParserException: at the end, if the arguments of a call are not whole; ``llm_output`` is their text.
            Also where the input is not a message of a chat model.
        ModelRefusalError: the model's message says that it declined to answer.
    """

    strict: bool = False
    return_id: bool = False
    first_tool_only: bool = False

    def parse(self, text: str) -> Any:
        """Not for this parser: tool calls stand in messages, not in their text."""
        raise NotImplementedError(f"{type(self).__name__} reads messages, not text: use invoke")

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the tool calls of the first candidate; with ``partial`` as far as they can be seen."""
        reader = ToolCallReader()
        first = result[0] if result else None
        reader.feed(first.message if isinstance(first, ChatGeneration) else first and first.text)
        if partial:
            return self._seen(self._chosen(reader.calls))
        check_refusal(result)
        return self._whole(reader)

    def _wants(self, call: OpenToolCall) -> bool:
        return True

    def _chosen(self, calls: list[OpenToolCall]) -> list[OpenToolCall]:
        """Return those that can be seen and are wanted."""
        chosen = [call for call in calls if call.name and call.args is not None and self._wants(call)]
        return chosen[:1] if self.first_tool_only else chosen

    def _seen(self, calls: list[OpenToolCall]) -> Any:
        """Return what to show of calls that may not be whole; ``None`` for nothing."""
        return self._shown([self._as_dict(call, call.args) for call in calls])

    def _whole(self, reader: ToolCallReader) -> Any:
        """Return what to give for whole calls."""
        pairs = zip(reader.calls, reader.finish(), strict=True)
        return self._shown([self._as_dict(call, args) for call, args in pairs if self._wants(call)])

    def _as_dict(self, call: OpenToolCall, args: Any) -> dict[str, Any]:
        return {"args": args, "id": call.id, "type": call.name} if self.return_id else {"args": args, "type": call.name}

    def _shown(self, values: list[Any]) -> Any:
        return values[0] if self.first_tool_only and values else values

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if self._custom or self.diff:
            return super()._flow(inputs, run, **kwargs)
        return self._flow_calls(inputs)

    async def _flow_calls(self, inputs: Stream[Any]) -> AsyncGenerator[Any, None]:
        reader, refusals = ToolCallReader(), RefusalReader()
        last: Any = None
        started = False
        async with closing(inputs):
            async for chunk in inputs:
                changed = reader.feed(chunk)
                refusals.feed(chunk)
                chosen = self._chosen(reader.calls) if changed or not started else []
                if not started or any(call in chosen for call in changed):
                    value = self._seen(chosen)
                    if value is not None and value != last:
                        yield value
                        last = value
                started = True
        if (refused := refusals.error("")) is not None:
            raise refused
        if started and (value := self._whole(reader)) is not None and value != last:
            yield value


class JsonOutputKeyToolsParser(JsonOutputToolsParser):
    """Gives the arguments of the calls of one tool, ``key_name``: ``[{...}, ...]``.

    With ``first_tool_only`` it is the arguments of the first one, ``None`` where there is none; with ``return_id``
    the calls are given with their ``"type"`` and ``"id"``.
    """

    key_name: str

    def _wants(self, call: OpenToolCall) -> bool:
        return call.name == self.key_name

    def _as_dict(self, call: OpenToolCall, args: Any) -> Any:
        return super()._as_dict(call, args) if self.return_id else args

    def _shown(self, values: list[Any]) -> Any:
        if self.first_tool_only:
            return values[0] if values else None
        return values


class PydanticToolsParser(JsonOutputToolsParser):
    """Gives the tool calls as instances of ``tools``, the models that the calls are named after.

    A stream shows those that are valid so far. With ``first_tool_only`` it is the first one, ``None`` where there is
    none.

    Raises:
        OutputParserException: also where a call's arguments are not valid, or it is of none of ``tools``.
    """

    tools: list[type[BaseModel]]

    def _model(self, name: str) -> type[BaseModel] | None:
        return next((tool for tool in self.tools if name in (tool.__name__, tool.model_config.get("title"))), None)

    def _seen(self, calls: list[OpenToolCall]) -> Any:
        values = []
        for call in calls:
            if (model := self._model(call.name)) is not None:
                try:
                    values.append(model.model_validate(call.args))
                except ValidationError:
                    continue
        return self._shown(values)

    def _as_dict(self, call: OpenToolCall, args: Any) -> Any:
        if (model := self._model(call.name)) is None:
            names = ", ".join(tool.__name__ for tool in self.tools)
            raise OutputParserException(
                f"the model called {call.name!r}, which is none of the tools {names}", llm_output=json.dumps(args)
            )
        try:
            return model.model_validate(args)
        except ValidationError as error:
            raise validation_failed(model, error, json.dumps(args)) from error

    def _shown(self, values: list[Any]) -> Any:
        if self.first_tool_only:
            return values[0] if values else None
        return values


def parse_tool_call(
    raw_tool_call: dict[str, Any], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> dict[str, Any] | None:
    """Read a tool call in OpenAI's form, ``{"id": ..., "function": {"name": ..., "arguments": "{...}"}}``.

    ``None`` where it has no function; with ``partial`` also where none of the arguments can be seen yet. ``strict``
    refuses line ends and tabs inside strings.

    Raises:
        OutputParserException: the arguments are not whole JSON.
    """
    if "function" not in raw_tool_call:
        return None
    function = raw_tool_call["function"]
    text = function.get("arguments") or ""
    args: Any = {}
    if partial:
        try:
            args = parse_partial(text, markdown=False)
        except OutputParserException:
            return None
        if args is NOTHING:
            return None
    elif text.strip():
        try:
            args = json.loads(text, strict=strict)
        except ValueError as error:
            raise OutputParserException(
                f"the arguments of the tool call {function.get('name')} are no whole JSON: {error}", llm_output=text
            ) from error
    call = {"name": function.get("name") or "", "args": args or {}}
    return {**call, "id": raw_tool_call.get("id"), "type": "tool_call"} if return_id else call


def parse_tool_calls(
    raw_tool_calls: Sequence[dict[str, Any]], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> list[dict[str, Any]]:
    """Read tool calls in OpenAI's form; see ``parse_tool_call``. One error lists all that are broken."""
    calls: list[dict[str, Any]] = []
    errors: list[OutputParserException] = []
    for raw in raw_tool_calls:
        try:
            call = parse_tool_call(raw, partial=partial, strict=strict, return_id=return_id)
        except OutputParserException as error:
            errors.append(error)
            continue
        if call:
            calls.append(call)
    if errors:
        message = "\n".join(error.message for error in errors)
        raise OutputParserException(message, llm_output="\n".join(str(error.llm_output) for error in errors))
    return calls


def make_invalid_tool_call(raw_tool_call: dict[str, Any], error_msg: str | None) -> InvalidToolCall:
    """Return a tool call in OpenAI's form that cannot be read, with the reason."""
    function = raw_tool_call["function"]
    return InvalidToolCall(
        name=function["name"],
        args=function["arguments"],
        id=raw_tool_call.get("id"),
        error=error_msg,
        type="invalid_tool_call",
    )
