"""Running a parser in both colours."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

import pytest


class ExecutionMode(Protocol):
    def invoke(self, parser: Any, input: Any) -> Any: ...
    def stream(self, parser: Any, chunks: Iterable[Any]) -> list[Any]: ...


class Blocking:
    def invoke(self, parser: Any, input: Any) -> Any:
        return parser.invoke(input)

    def stream(self, parser: Any, chunks: Iterable[Any]) -> list[Any]:
        return list(parser.transform(iter(chunks)))


class Asyncio:
    def invoke(self, parser: Any, input: Any) -> Any:
        return asyncio.run(parser.ainvoke(input))

    def stream(self, parser: Any, chunks: Iterable[Any]) -> list[Any]:
        async def source() -> AsyncIterator[Any]:
            for chunk in chunks:
                yield chunk

        async def collect() -> list[Any]:
            return [value async for value in parser.atransform(source())]

        return asyncio.run(collect())


@pytest.fixture(params=[Blocking(), Asyncio()], ids=["blocking", "asyncio"])
def colour(request: pytest.FixtureRequest) -> Any:
    return request.param


class Tracked:
    """A source that notes which chunks were asked for, and whether it was closed."""

    def __init__(self, chunks: Iterable[Any]) -> None:
        self._chunks = list(chunks)
        self.asked = 0
        self.closed = False

    def __iter__(self) -> Any:
        try:
            for chunk in self._chunks:
                self.asked += 1
                yield chunk
        finally:
            self.closed = True


@pytest.fixture
def tracked() -> type[Tracked]:
    return Tracked
