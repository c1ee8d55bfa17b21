"""Types that are inferred from the arguments of constructors; checked by mypy and pyright, never run."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, assert_type

from prill.language_models import BaseChatModel
from prill.messages import ToolMessage
from prill.runnables import (
    Runnable,
    RunnableBranch,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from prill.tools import tool


def length(text: str) -> int:
    return len(text)


def configured(text: str, config: RunnableConfig) -> int:
    return len(text)


async def later(text: str) -> float:
    return 1.0


def letters(text: str) -> Iterator[str]:
    yield from text


def upper(texts: Iterator[str]) -> Iterator[bytes]:
    for text in texts:
        yield text.encode()


async def aupper(texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for text in texts:
        yield text.encode()


def is_even(number: int) -> bool:
    return number % 2 == 0


def is_long(text: str) -> bool:
    return len(text) > 3


function = RunnableLambda(length)
assert_type(function, RunnableLambda[str, int])
assert_type(function.invoke("x"), int)
with_config = RunnableLambda(configured)
assert_type(with_config, RunnableLambda[str, int])
coroutine = RunnableLambda(later)
assert_type(coroutine, RunnableLambda[str, float])
yielding = RunnableLambda(letters)
assert_type(yielding, RunnableLambda[str, str])
generator = RunnableGenerator(upper)
assert_type(generator, RunnableGenerator[str, bytes])
agenerator = RunnableGenerator(aupper)
assert_type(agenerator, RunnableGenerator[str, bytes])
parallel = RunnableParallel(a=length, b=function)
assert_type(parallel, RunnableParallel[str])
named = RunnableParallel({"a": length})
assert_type(named, RunnableParallel[str])
branch = RunnableBranch((is_long, length), length)
assert_type(branch.invoke("x"), int)
passed = RunnablePassthrough()
assert_type(passed, RunnablePassthrough[Any])
tapped = RunnablePassthrough(length)
assert_type(tapped, RunnablePassthrough[str])
chained = function | is_even
assert_type(chained, Runnable[str, bool])

with closing(function.stream("x")) as chunks:
    for chunk in chunks:
        assert_type(chunk, int)


async def watched() -> None:
    async with aclosing(function.astream("x")) as chunks:
        async for chunk in chunks:
            assert_type(chunk, int)


function.invoke("x", {"tags": ["mine"]})
function.invoke("x", {"tag": ["mine"]})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
function.with_config({"run_nam": "x"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


if add.func is not None:
    total = add.func(1, 2)
    assert_type(total, int)
    add.func("1", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
added = add.invoke({"a": 1, "b": 2})
assert_type(added, int)
answered = add.invoke({"type": "tool_call", "name": "add", "args": {"a": 1, "b": 2}, "id": "1"})
assert_type(answered, ToolMessage)


@tool
async def fetch(url: str) -> bytes:
    """Fetch."""
    return b""


@tool("plus", return_direct=True)
def plus(a: int) -> float:
    """Add."""
    return a


assert_type(fetch.invoke({"url": "x"}), bytes)
assert_type(plus.invoke({"a": 1}), float)


def rows(model: BaseChatModel) -> None:
    for row in model.with_structured_output(list[int]).elements().stream("x"):
        assert_type(row, int)
