"""Small public functions."""

import asyncio

import pytest

from prill.runnables import run_in_executor
from prill.runnables.utils import (
    accepts_config,
    accepts_run_manager,
    gather_with_concurrency,
    get_function_first_arg_dict_keys,
    get_function_nonlocals,
    get_lambda_source,
    indent_lines_after_first,
    is_async_callable,
    is_async_generator,
)


def test_parameters_and_colours_of_functions_are_told():
    async def later(x, config): ...
    async def items(x):
        yield x

    assert accepts_config(later)
    assert not accepts_run_manager(later)
    assert is_async_callable(later)
    assert not is_async_callable(len)
    assert is_async_generator(items)
    assert not is_async_generator(later)


def test_what_a_function_reads_is_told():
    around = object()
    assert get_function_nonlocals(lambda: around) == [around]
    assert get_function_first_arg_dict_keys(lambda x: x["b"] + x["a"]) == ["a", "b"]
    assert get_lambda_source(lambda x: x + 1) == "lambda x: x + 1"


def test_lines_are_indented():
    assert indent_lines_after_first("a\nb", "12") == "a\n  b"


def test_no_more_than_n_are_awaited_at_once():
    running, most = 0, []

    async def work(number):
        nonlocal running
        running += 1
        most.append(running)
        await asyncio.sleep(0)
        running -= 1
        return number

    assert asyncio.run(gather_with_concurrency(2, *(work(n) for n in range(5)))) == [0, 1, 2, 3, 4]
    assert max(most) == 2


def test_a_stop_iteration_in_a_thread_is_an_error_and_not_a_hang():
    async def main():
        await run_in_executor(None, next, iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())
