"""Small public functions."""

import asyncio
from contextvars import ContextVar

import pytest

from prill.callbacks import BaseCallbackHandler
from prill.runnables import RunnableLambda
from prill.runnables.config import (
    ContextThreadPoolExecutor,
    acall_func_with_variable_args,
    call_func_with_variable_args,
    get_async_callback_manager_for_config,
    get_callback_manager_for_config,
    get_executor_for_config,
    run_in_executor,
    set_config_context,
)
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

VARIABLE = ContextVar("VARIABLE", default=0)


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


def test_threads_see_the_context_of_their_caller():
    async def main():
        return await run_in_executor(None, VARIABLE.get)

    token = VARIABLE.set(3)
    try:
        with ContextThreadPoolExecutor(2) as pool:
            assert pool.submit(VARIABLE.get).result() == 3
            assert list(pool.map(lambda x: x + VARIABLE.get(), iter([1, 2]))) == [4, 5]
        with get_executor_for_config({"max_concurrency": 1}) as pool:
            assert pool.submit(VARIABLE.get).result() == 3
        assert asyncio.run(main()) == 3
    finally:
        VARIABLE.reset(token)


def test_a_stop_iteration_in_a_thread_is_an_error_and_not_a_hang():
    async def main():
        await run_in_executor(None, next, iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())


def test_functions_are_called_with_what_they_take():
    async def later(x, config):
        return x, config

    config = {"tags": ["t"]}
    assert call_func_with_variable_args(lambda x: x, 1, config) == 1
    assert call_func_with_variable_args(lambda x, config: config["tags"], 1, config) == ["t"]
    assert asyncio.run(acall_func_with_variable_args(later, 1, config)) == (1, config)


def test_a_context_carries_a_config():
    with set_config_context({"tags": ["outer"]}) as context:
        found = context.run(RunnableLambda(lambda x, config: config["tags"]).invoke, 1)
    assert found == ["outer"]


def test_managers_have_the_handlers_of_a_config():
    handler = BaseCallbackHandler()
    for make in (get_callback_manager_for_config, get_async_callback_manager_for_config):
        assert make({"callbacks": [handler]}).handlers == [handler]
