"""Structured answers: a model's JSON as a value of a type, while it streams and at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar, Generic, TypeVar

from prill.callbacks.run import Run
from prill.errors import ModelRefusalError, OutputParserException
from prill.io import closing
from prill.output_parsers.answer_source import AnswerSource
from prill.output_parsers.output_schema import OutputSchema, PartialAnswer
from prill.output_parsers.partials import is_partial
from prill.runnables.base import Runnable
from prill.runnables.engine.chunks import AddableDict
from prill.runnables.engine.streams import ADD, COLLECT, REPLACE, Combine, Stream
from prill.transducers.partial_json import NOTHING, PartialJSON

T = TypeVar("T", covariant=True)


class StructuredParser(Runnable[Any, T], Generic[T]):
    """Reads a model's answer as a value of ``schema``, from its text or from its call of the tool named ``tool``.

    ``schema`` is a pydantic class, a dataclass, a ``TypedDict``, another type such as ``list[Row]``, or a JSON schema.
    A stream shows the value as it grows; each replaces the one before, and the last is whole and valid. Until then:

    - of a pydantic class or a dataclass it is an instance with the fields that have come (check with ``hasattr``),
      which has not been validated as a whole; of other schemas a dict or a list;
    - a field that is whole is validated then, and never changes again; an open text or number is shown as far as it
      has come, of other types (enums, dates, what a validator makes) nothing is shown half; ``CompleteOnly`` and
      ``RequiredFirst`` on a field ask for more;
    - a union is shown as soon as it is sure of which type it is: when its discriminator is whole, or, without one,
      when what has come is valid for one of the types only. Until then it is not there.

    Raises:
        OutputParserException: the answer is not JSON, or not valid; the message has the path of each fault and what
            was expected, ``llm_output`` is the text. If the token limit cut it, the message says so.
        ModelRefusalError: the model declined.
    """

    _kind: ClassVar[str] = "parser"

    def __init__(self, schema: Any, *, tool: str | None = None, name: str | None = None) -> None:
        self.target = schema if isinstance(schema, OutputSchema) else OutputSchema(schema)
        self.tool = tool
        self.name = name

    @property
    def OutputType(self) -> Any:
        return dict[str, Any] if isinstance(self.target.schema, dict) else self.target.schema

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        source = AnswerSource(self.tool)
        source.feed(input)
        return _whole(self.target, source)

    _combine: ClassVar[Combine] = REPLACE

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        target = self.target
        source = AnswerSource(self.tool, closings=not target.is_raw)
        partial = PartialAnswer(target)
        last: Any = NOTHING
        is_all = False  # whether what was shown last is all that has come
        async with closing(inputs):
            async for chunk in inputs:
                if (json := source.feed(chunk)) is None:
                    continue
                shown = partial.update(json)
                is_all = shown is not NOTHING
                if is_all:
                    yield shown
                    # Of JSON as it comes, a view that nobody holds need not be copied for the next one.
                    last = NOTHING if target.is_raw else shown
                del shown
        whole = _whole(target, source)
        if not is_all if target.is_raw else last is NOTHING or is_partial(last) or last != whole:
            yield whole

    def elements(self, field: str | None = None) -> ElementsParser:
        """Return the elements of the answer's list one by one, each when it closes. See ``ElementsParser``."""
        return ElementsParser(self.target, field, tool=self.tool)

    def __repr__(self) -> str:
        return f"StructuredParser({self.target.type_name})"


class ElementsParser(Runnable[Any, Any]):
    """Streams the elements of the list in an answer one by one, each valid when it closes; invoked, it gives the list.

    ``field`` names the list where the answer is an object with several. The answer as a whole is validated at its end.

    Raises:
        ConfigError: the schema has no list, or several.
        OutputParserException: an element, or at the end the whole answer, is not valid.
    """

    _kind: ClassVar[str] = "parser"

    def __init__(self, schema: Any, field: str | None = None, *, tool: str | None = None) -> None:
        self.target = schema if isinstance(schema, OutputSchema) else OutputSchema(schema)
        self.tool = tool
        self.field = field
        self.name = None
        self._place = self.target.elements(field)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        source = AnswerSource(self.tool)
        source.feed(input)
        whole = _whole(self.target, source)
        if self.target.key is not None:
            return whole
        name = self._place.name
        return whole[name] if isinstance(whole, dict) else getattr(whole, name)

    _combine: ClassVar[Combine] = COLLECT

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        source, place, given = AnswerSource(self.tool), self._place, 0
        start = 0  # which of the values that the text starts is the one given
        async with closing(inputs):
            async for chunk in inputs:
                if (json := source.feed(chunk)) is None:
                    continue
                if json.provisional:
                    continue
                if given and json.starts != start:
                    raise _replaced(json)
                start = json.starts
                path = json.open_path()
                if path and given in path[:2]:
                    continue  # the same element is still open
                items = self._items(json.value)
                end = _open_index(path, place.key, len(items))
                while given < end:
                    yield self.target.element(place, items[given], given, json)
                    given += 1
                del items
        raw, text = source.finish()
        if given and source.json.starts != start:
            raise _replaced(source.json)
        try:
            self.target.whole(raw, text)
        except OutputParserException as error:
            raise source.explained(error) from error
        items = self._items(raw)
        while given < len(items):
            yield self.target.element(place, items[given], given, source.json)
            given += 1

    def _items(self, raw: Any) -> list[Any]:
        if isinstance(raw, dict):
            raw = raw.get(self._place.key)
        return raw if isinstance(raw, list) else []

    def __repr__(self) -> str:
        return f"ElementsParser({self.target.type_name})"


class RawAndParsed(Runnable[Any, dict[str, Any]]):
    """Gives ``{"raw": message, "parsed": value, "parsing_error": error}``: one of the last two is ``None``.

    A stream gives the message chunk by chunk, and between them the value as it grows.
    """

    def __init__(self, parser: StructuredParser[Any]) -> None:
        self.parser = parser
        self.name = None

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        try:
            parsed = await self.parser._step(input, run.child())
        except (OutputParserException, ModelRefusalError) as error:
            return {"raw": input, "parsed": None, "parsing_error": error}
        return {"raw": input, "parsed": parsed, "parsing_error": None}

    _combine: ClassVar[Combine] = ADD

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        target = self.parser.target
        source = AnswerSource(self.parser.tool, closings=not target.is_raw)
        partial = PartialAnswer(target)
        failed: Exception | None = None
        async with closing(inputs):
            async for chunk in inputs:
                yield AddableDict(raw=chunk)
                json = source.feed(chunk)
                if json is None or failed is not None:
                    continue
                try:
                    shown = partial.update(json)
                except OutputParserException as error:
                    failed = error
                    continue
                if shown is not NOTHING:
                    yield AddableDict({"parsed": shown}, replaced=_PARSED)
        parsed = None
        try:
            parsed = _whole(target, source)
        except (OutputParserException, ModelRefusalError) as error:
            failed = error
        yield AddableDict({"parsed": parsed}, replaced=_PARSED)
        yield AddableDict(parsing_error=failed)

    def __repr__(self) -> str:
        return f"RawAndParsed({self.parser!r})"


_PARSED = frozenset({"parsed"})


def _replaced(json: PartialJSON) -> OutputParserException:
    return OutputParserException(
        "the model's text has another answer behind the one whose elements were streamed: use invoke, which waits for "
        "the whole text",
        llm_output=json.text,
    )


def _whole(target: OutputSchema, source: AnswerSource) -> Any:
    raw, text = source.finish()
    try:
        return target.whole(raw, text)
    except OutputParserException as error:
        explained = source.explained(error)
        if explained is error:
            raise
        raise explained from error


def _open_index(path: tuple[str | int, ...] | None, key: str | None, length: int) -> int:
    """Return how many elements of the list, of which ``length`` can be seen, are whole."""
    if path and path[0] == key:
        path = path[1:]
    return path[0] if path and isinstance(path[0], int) else length
