"""What a type checker says of chains. It is checked, never run."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from prill.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableParallel, RunnablePassthrough, chain


def length(text: str) -> int:
    return len(text)


def half(number: int) -> float:
    return number / 2


async def later(number: int) -> str:
    return str(number)


def letters(inputs: Iterator[str]) -> Iterator[str]:
    for text in inputs:
        yield from text


async def aletters(inputs: AsyncIterator[str]) -> AsyncIterator[str]:
    async for text in inputs:
        for letter in text:
            yield letter


@chain
def shout(text: str) -> str:
    return text.upper()


@chain
async def ashout(text: str) -> str:
    return text.upper()


counts: RunnableLambda[str, int] = RunnableLambda(length)

assert_type(shout, Runnable[str, str])
assert_type(ashout, Runnable[str, str])
assert_type(counts | half, Runnable[str, float])
assert_type(counts | later, Runnable[str, str])
assert_type(shout | counts, Runnable[str, int])
assert_type(shout | letters, Runnable[str, str])
assert_type(shout | aletters | counts, Runnable[str, int])
assert_type(shout | {"a": length}, Runnable[str, dict[str, Any]])
assert_type(counts.map().invoke(["a"]), list[int])
assert_type((counts | half).invoke("x"), float)
assert_type(counts.batch(["x"]), list[int])
assert_type(counts.batch(["x"], return_exceptions=True), list[int | Exception])
assert_type(counts.with_config(tags=["t"]), Runnable[str, int])
assert_type(counts.bind(a=1), Runnable[str, int])
assert_type(next(counts.stream("x")), int)
assert_type(next(counts.batch_as_completed(["x"]))[0], int)
parallel: RunnableParallel[str] = RunnableParallel(a=length)
assert_type(parallel.invoke("x"), dict[str, Any])
passed: RunnablePassthrough[str] = RunnablePassthrough()
assert_type(passed.invoke("x"), str)
generated: RunnableGenerator[str, str] = RunnableGenerator(letters)
assert_type(generated | counts, Runnable[str, int])


async def asyncio_verbs() -> None:
    assert_type(await counts.ainvoke("x"), int)
    assert_type(await counts.abatch(["x"]), list[int])
    async for chunk in counts.astream("x"):
        assert_type(chunk, int)


counts | shout  # type: ignore[operator]  # an int is no str
counts | length  # type: ignore[operator]  # as above
shout | 3  # type: ignore[operator]  # a number is no step
counts.invoke(3)  # type: ignore[arg-type]  # it takes a str
counts.batch("x", return_exceptions=3)  # type: ignore[call-overload]  # it is a bool
