"""Functions about configs that only programs written for LangChain use."""

import asyncio
from contextvars import ContextVar

from prill.callbacks import BaseCallbackHandler
from prill.compat.config import (
    ContextThreadPoolExecutor,
    acall_func_with_variable_args,
    call_func_with_variable_args,
    get_executor_for_config,
    set_config_context,
)
from prill.runnables import RunnableLambda, run_in_executor
from prill.runnables.config import get_async_callback_manager_for_config, get_callback_manager_for_config

VARIABLE = ContextVar("VARIABLE", default=0)


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
