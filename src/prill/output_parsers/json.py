"""JSON that a model writes, as a value that grows while it streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from typing_extensions import TypeVar

from prill.callbacks.run import Run
from prill.errors import OutputParserException
from prill.io import closing
from prill.output_parsers.base import first_text
from prill.output_parsers.inputs import RefusalReader, as_text, check_refusal, cut_reason, cut_short
from prill.output_parsers.transform import BaseCumulativeTransformOutputParser
from prill.outputs import Generation
from prill.runnables.engine.streams import Stream
from prill.transducers.json_diff import diff as json_patch
from prill.transducers.partial_json import NOTHING, PartialJSON, parse_partial, parse_strict

Value = TypeVar("Value", default=Any)


class JsonOutputParser(BaseCumulativeTransformOutputParser[Value]):
    """Reads JSON, bare or behind a Markdown fence, and streams the value as it grows.

    A stream puts out the value each time that what can be seen of it has changed; each replaces the one before.
    Values are never changed once they are out, but share their finished parts: copy one before you change it. With
    ``diff`` the stream puts out JSON Patch operations (RFC 6902) instead, the first of which replaces the whole
    document. ``pydantic_object`` is the model whose schema ``get_format_instructions`` shows; to get instances of it,
    use ``PydanticOutputParser``.

    The text must be whole at its end, in a stream too.

    Raises:
        OutputParserException: the text is not JSON, or is cut off; ``llm_output`` is the text. If the model said
            that its token limit cut it, the message says so.
        ModelRefusalError: the model's message says that it declined to answer.

    Example:
        >>> pieces = iter(['{"name": "Fr', 'ance", "popu', 'lation": 67}'])
        >>> for value in JsonOutputParser().transform(pieces):
        ...     print(value)
        {'name': 'Fr'}
        {'name': 'France'}
        {'name': 'France', 'population': 67}
    """

    pydantic_object: type[BaseModel] | None = None

    def parse(self, text: str) -> Value:
        """Return the value in a whole text."""
        return self._whole(parse_strict(text), text)  # type: ignore[no-any-return]  # JSON is untyped

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the value in the text of the first candidate; with ``partial`` what can be seen of it, or ``None``."""
        text = first_text(result)
        if not partial:
            check_refusal(result)
            try:
                return self.parse(text)
            except OutputParserException as error:
                if (reason := cut_reason(result[0])) is None:
                    raise
                raise cut_short(error, reason) from error
        if "parse" in self._custom:  # it wants a whole text
            return None
        try:
            seen = parse_partial(text)
        except OutputParserException:
            return None
        return None if seen is NOTHING else self._seen(seen)

    def _seen(self, value: Any) -> Any:
        """Return what to show of a value that may not be whole; ``None`` for nothing."""
        return value

    def _whole(self, value: Any, text: str) -> Any:
        """Return what to give for the whole value."""
        return value

    def _diff(self, prev: Any, next: Any) -> Any:
        return json_patch(NOTHING if prev is None else prev, next)

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if self._custom:
            return super()._flow(inputs, run, **kwargs)
        if self.diff:
            return self._flow_patches(inputs)
        return self._flow_values(inputs)

    async def _flow_values(self, inputs: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        async with closing(each_change(inputs)) as changes:
            async for text in changes:
                yield text.value

    async def _flow_patches(self, inputs: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        async with closing(each_change(inputs)) as changes:
            async for text in changes:
                yield text.patch()

    def get_format_instructions(self) -> str:
        """Ask for JSON; by the schema of ``pydantic_object``, if there is one."""
        if self.pydantic_object is None:
            return "Answer with one JSON value and nothing else."
        return schema_instructions(self.pydantic_object)

    @property
    def _type(self) -> str:
        return "simple_json_output_parser"


SimpleJsonOutputParser = JsonOutputParser


async def each_change(inputs: AsyncIterator[Any]) -> AsyncGenerator[PartialJSON, None]:
    """Give the JSON that arrives each time that what can be seen of it has changed.

    Raises:
        OutputParserException: at the end, if it is not whole. A stream without chunks is not an error.
        ModelRefusalError: at the end, if the model declined to answer.
    """
    read = PartialJSON()
    refusals = RefusalReader()
    cut: str | None = None
    started = False
    async with closing(inputs):
        async for chunk in inputs:
            started = True
            if read.feed(as_text(chunk)):
                yield read
            if type(chunk) is not str:
                cut = cut_reason(chunk) or cut
                refusals.feed(chunk)
    if started:
        if (refused := refusals.error(read.text)) is not None:
            raise refused
        try:
            read.finish()
        except OutputParserException as error:
            if cut is None:
                raise
            raise cut_short(error, cut) from error
        if read.replaced_at_end:
            yield read


def schema_instructions(model: type[BaseModel]) -> str:
    """Ask for a JSON object by the schema of ``model``."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    return (
        "Answer with one JSON object that is valid under the JSON schema below, and with nothing else. Write the "
        "object itself, filled with values, not the schema.\n\n"
        f"```json\n{import_module('json').dumps(schema, ensure_ascii=False)}\n```"
    )


def parse_partial_json(s: str, *, strict: bool = False) -> Any:
    """Return the value of a JSON text that may end anywhere: of ``{"a": [1, 2`` it is ``{"a": [1, 2]}``.

    ``strict`` has no effect: line ends and tabs inside strings are taken as they are either way.

    Raises:
        OutputParserException: the text is not the start of JSON, or nothing of it can be seen yet.
    """
    return _need_something(parse_partial(s, markdown=False), s)


def parse_json_markdown(json_string: str) -> Any:
    """Return the same for JSON that may stand behind a Markdown fence, with prose around it.

    Raises:
        OutputParserException: no JSON starts in the text.
    """
    return _need_something(parse_partial(json_string), json_string)


def _need_something(value: Any, text: str) -> Any:
    if value is NOTHING:
        raise OutputParserException(f"no JSON found in the text {text!r:.80}", llm_output=text)
    return value


def parse_and_check_json_markdown(text: str, expected_keys: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object in a whole text, which may stand behind a Markdown fence and must have ``expected_keys``.

    Raises:
        OutputParserException: there is no whole JSON object in the text, or it lacks some of the keys.
    """
    value = parse_strict(text)
    if not isinstance(value, dict):
        raise OutputParserException(f"expected a JSON object, but got {value!r:.80}", llm_output=text)
    if missing := [key for key in expected_keys if key not in value]:
        raise OutputParserException(
            f"the JSON object lacks {', '.join(map(repr, missing))}; it has {', '.join(map(repr, value)) or 'no keys'}",
            llm_output=text,
        )
    return value
