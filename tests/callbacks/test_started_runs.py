"""Runnables of a user's own report their runs with callback managers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from prill.callbacks import AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from prill.messages import AIMessage, HumanMessage
from prill.outputs import ChatGeneration, Generation, LLMResult
from prill.runnables import Runnable, RunnableLambda
from prill.runnables.config import get_async_callback_manager_for_config, get_callback_manager_for_config


class Hooks(BaseCallbackHandler):
    """Records each hook with the run and its parent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, Any, Any]] = []


def _hook(name: str) -> Any:
    def record(self: Hooks, *args: Any, **kwargs: Any) -> None:
        self.seen.append((name, kwargs.get("name"), kwargs["run_id"], kwargs.get("parent_run_id")))

    return record


for _kind in ("chain", "tool", "retriever", "llm"):
    for _end in ("start", "end", "error"):
        setattr(Hooks, f"on_{_kind}_{_end}", _hook(f"on_{_kind}_{_end}"))
Hooks.on_chat_model_start = _hook("on_chat_model_start")  # type: ignore[method-assign]


class Mine(Runnable[int, int]):
    """A Runnable that reports its run itself."""

    def invoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
        manager = get_callback_manager_for_config(config or {})
        run = manager.on_chain_start({"name": "x"}, {"input": input}, name="mine")
        try:
            output = RunnableLambda(lambda number: 10 // number).invoke(input, {"callbacks": run.get_child()})
        except ZeroDivisionError as error:
            run.on_chain_error(error)
            raise
        run.on_chain_end({"output": output})
        return output

    async def ainvoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
        manager = get_async_callback_manager_for_config(config or {})
        run = await manager.on_chain_start({"name": "x"}, {"input": input}, name="mine")
        output = await RunnableLambda(lambda number: 10 // number).ainvoke(input, {"callbacks": run.get_child()})
        await run.on_chain_end({"output": output})
        return output


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_a_run_that_is_started_by_hand_is_a_parent_and_a_child(colour: str) -> None:
    seen = Hooks()
    chain = RunnableLambda(lambda number: number) | Mine()
    config: Any = {"callbacks": [seen]}
    assert (chain.invoke(5, config) if colour == "blocking" else asyncio.run(chain.ainvoke(5, config))) == 2
    starts = {name: (id, parent) for hook, name, id, parent in seen.seen if hook == "on_chain_start"}
    root = starts["RunnableSequence"][0]
    mine, parent = starts["mine"]
    assert parent == root
    assert [hook for hook, name, id, parent in seen.seen if parent == mine] == ["on_chain_start", "on_chain_end"]
    assert [hook for hook, _, id, _ in seen.seen if id == mine] == ["on_chain_start", "on_chain_end"]


def test_a_run_that_fails_ends_with_its_error() -> None:
    seen = Hooks()
    with pytest.raises(ZeroDivisionError):
        Mine().invoke(0, {"callbacks": [seen]})
    mine = seen.seen[0][2]
    assert [hook for hook, _, id, _ in seen.seen if id == mine] == ["on_chain_start", "on_chain_error"]


def test_models_tools_and_retrievers_are_started_too() -> None:
    seen = Hooks()
    manager = CallbackManager.configure([seen])
    for run in manager.on_llm_start({}, ["a", "b"]):
        run.on_llm_end(LLMResult(generations=[[Generation(text="x")]]))
    for run in manager.on_chat_model_start({}, [[HumanMessage("a")]]):
        run.on_llm_end(LLMResult(generations=[[ChatGeneration(message=AIMessage("x"))]]))
    manager.on_tool_start({"name": "t"}, "in").on_tool_end("out")
    manager.on_retriever_start({}, "q").on_retriever_error(ValueError("x"))
    assert [hook for hook, *_ in seen.seen] == [
        "on_llm_start",
        "on_llm_start",
        "on_llm_end",
        "on_llm_end",
        "on_chat_model_start",
        "on_llm_end",
        "on_tool_start",
        "on_tool_end",
        "on_retriever_start",
        "on_retriever_error",
    ]


def test_the_asyncio_manager_is_awaited() -> None:
    async def start() -> list[str]:
        seen = Hooks()
        manager = AsyncCallbackManager.configure([seen])
        run = await manager.on_tool_start({"name": "t"}, "in")  # type: ignore[misc]  # configure gives one of its class
        await run.on_tool_end("out")
        return [hook for hook, *_ in seen.seen]

    assert asyncio.run(start()) == ["on_tool_start", "on_tool_end"]


def test_merged_managers_keep_what_children_inherit() -> None:
    handlers = [Hooks() for _ in range(4)]
    one = CallbackManager([handlers[0]], [handlers[1]])
    other = CallbackManager([handlers[2]], [handlers[3]])
    merged = one.merge(other)
    assert merged.handlers == [handlers[0], handlers[2]]
    assert merged.inheritable_handlers == [handlers[1], handlers[3]]
