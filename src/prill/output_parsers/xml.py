"""XML that a model writes, as nested dictionaries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar, Literal

from prill.callbacks.run import Run
from prill.errors import OutputParserException
from prill.io import closing
from prill.output_parsers.base import first_text
from prill.output_parsers.inputs import as_text, cut_reason, cut_short
from prill.output_parsers.transform import BaseTransformOutputParser
from prill.output_parsers.xml_chunk import XMLChunk
from prill.output_parsers.xml_reader import XMLReader
from prill.outputs import Generation
from prill.runnables.engine.chunks import AddableDict
from prill.runnables.engine.streams import ADD, Combine, Stream


class XMLOutputParser(BaseTransformOutputParser[dict[str, Any]]):
    """Reads XML into nested dictionaries: an element is ``{name: text}``, or ``{name: [its elements]}``.

    Prose, reasoning (``<think>...</think>``) and a Markdown fence around the XML are left out, attributes too. An empty
    element is ``{name: None}``; text between elements is kept, as a string in the list. A stream puts out each element
    without children as soon as it is complete, inside the elements around it; the chunks add up to the whole.

    ``tags`` are the names that ``get_format_instructions`` asks for; one of them is never taken for reasoning.
    ``parser`` has no effect: reading is safe against entity attacks either way.

    Raises:
        OutputParserException: there is no XML, it is broken or cut off, or declares a document type or entities;
            ``llm_output`` is the text.

    Example:
        >>> XMLOutputParser().invoke("<film><name>Jaws</name><year>1975</year></film>")
        {'film': [{'name': 'Jaws'}, {'year': '1975'}]}
    """

    _combine: ClassVar[Combine] = ADD

    tags: list[str] | None = None
    parser: Literal["defusedxml", "xml"] = "defusedxml"

    def parse(self, text: str) -> dict[str, Any]:
        """Return the value of a whole text."""
        reader = XMLReader(data_names=self.tags or ())
        try:
            chunks = [*reader.feed(text), *reader.finish()]
        except OutputParserException as error:
            error.llm_output = text
            raise
        return dict(XMLChunk.merge_many(chunks))

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> dict[str, Any]:
        """Return the value of the text of the first candidate."""
        text = first_text(result)
        try:
            return self.parse(text)
        except OutputParserException as error:
            if (reason := cut_reason(result[0])) is None:
                raise
            raise cut_short(error, reason) from error

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        return (
            super()._flow(inputs, run, **kwargs)
            if self._custom
            else _elements(inputs, XMLReader(data_names=self.tags or ()))
        )

    def get_format_instructions(self) -> str:
        """Ask for XML, with ``tags`` if they are given."""
        asked = "Answer with XML that has one root element around all others, closes every tag and has no attributes."
        if self.tags:
            asked += f" Use these tags: {', '.join(self.tags)}."
        return f"{asked} Like this:\n\n<film>\n  <name>Jaws</name>\n  <year>1975</year>\n</film>"

    @property
    def _type(self) -> str:
        return "xml"


async def _elements(inputs: AsyncIterator[Any], reader: XMLReader) -> AsyncGenerator[AddableDict, None]:
    cut: str | None = None
    started = False
    async with closing(inputs):
        async for chunk in inputs:
            started = True
            for element in reader.feed(as_text(chunk)):
                yield element
            cut = cut_reason(chunk) or cut
    if started:
        try:
            last = reader.finish()
        except OutputParserException as error:
            if cut is None:
                raise
            raise cut_short(error, cut) from error
        for element in last:
            yield element
