"""In asyncio too, a chunk leaves before the next is asked for, and leaving a stream closes its source at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from prill.messages.ai import AIMessageChunk
from prill.output_parsers import (
    BaseTransformOutputParser,
    CommaSeparatedListOutputParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    NumberedListOutputParser,
    PydanticOutputParser,
    StrOutputParser,
    XMLOutputParser,
)


class Numbers(BaseModel):
    of: list[int] = []


class Upper(BaseTransformOutputParser[str]):
    def parse(self, text: str) -> str:
        return text.upper()


def call(args: str) -> AIMessageChunk:
    piece = {"name": "f", "args": args, "id": "1", "index": 0}
    return AIMessageChunk("", tool_call_chunks=[piece])


CASES: list[tuple[Any, list[Any]]] = [
    (StrOutputParser(), ["a", "b", "c"]),
    (Upper(), ["a", "b", "c"]),
    (JsonOutputParser(), ["[1", ", 2", ", 3]"]),
    (JsonOutputParser(diff=True), ["[1", ", 2", ", 3]"]),
    (PydanticOutputParser(pydantic_object=Numbers), ['{"of": [1', ", 2", ", 3]}"]),
    (CommaSeparatedListOutputParser(), ["a,", "b,", "c"]),
    (NumberedListOutputParser(), ["1. a\n", "2. b\n", "3. c"]),
    (XMLOutputParser(), ["<a><b>1</b>", "<b>2</b>", "<b>3</b></a>"]),
    (JsonOutputToolsParser(), [call('{"a": 1'), call(', "b": 2'), call(', "c": 3}')]),
]


@pytest.mark.parametrize(("parser", "chunks"), CASES, ids=lambda case: type(case).__name__)
def test_two_chunks_are_asked_for_to_get_two_and_then_the_source_is_closed(parser: Any, chunks: list[Any]) -> None:
    asked: list[int] = []
    closed: list[bool] = []

    async def source() -> AsyncIterator[Any]:
        try:
            for number, chunk in enumerate(chunks, 1):
                asked.append(number)
                yield chunk
        finally:
            closed.append(True)

    async def main() -> None:
        stream = parser.atransform(source())
        await anext(stream)
        assert asked == [1]
        await anext(stream)
        assert asked == [1, 2]
        assert not closed
        await stream.aclose()
        assert closed

    asyncio.run(main())
