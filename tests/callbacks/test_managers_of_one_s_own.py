"""Managers that a program makes itself: events without a run, managers of nothing, groups that fail."""

import asyncio
import uuid

import langchain_core.callbacks as their
import pytest

import prill.callbacks as ours
from prill.callbacks.manager import atrace_as_chain_group, trace_as_chain_group
from prill.runnables import RunnableLambda


def recorder(module):
    class Recorder(module.BaseCallbackHandler):
        def __init__(self):
            self.seen = []

        def on_custom_event(self, name, data, *, run_id, tags=None, metadata=None, **kwargs):
            self.seen.append((name, data, run_id, tags, metadata))

        def on_chain_start(self, serialized, inputs, **kwargs):
            self.seen.append("start")

        def on_chain_end(self, outputs, **kwargs):
            self.seen.append(("end", outputs))

        def on_chain_error(self, error, **kwargs):
            self.seen.append(("error", repr(error)))

    return Recorder()


def test_handlers_are_told_of_an_event_that_belongs_to_no_run():
    seen = []
    for module in (their, ours):
        handler, run_id = recorder(module), uuid.uuid4()
        manager = module.CallbackManager.configure([handler], inheritable_tags=["t"], inheritable_metadata={"a": 1})
        manager.on_custom_event("said", {"x": 1}, run_id=run_id)
        manager.on_custom_event("again", 2)
        (first, second) = handler.seen
        assert first[2] == run_id
        assert isinstance(second[2], uuid.UUID)
        assert second[2] != run_id
        seen.append([(*each[:2], *each[3:]) for each in handler.seen])
    assert seen[0] == seen[1] == [("said", {"x": 1}, ["t"], {"a": 1}), ("again", 2, ["t"], {"a": 1})]


def test_handlers_are_told_of_it_in_asyncio_too():
    for module in (their, ours):
        handler = recorder(module)
        asyncio.run(module.AsyncCallbackManager([handler]).on_custom_event("said", 1))
        assert [each[:2] for each in handler.seen] == [("said", 1)]


def test_a_manager_of_no_run_tells_nobody():
    manager = ours.CallbackManagerForLLMRun.get_noop_manager()
    manager.on_llm_new_token("x")
    manager.on_text("y")
    manager.on_custom_event("z", 1)
    assert manager.handlers == []
    assert isinstance(manager.run_id, uuid.UUID)
    assert manager.parent_run_id is None
    asyncio.run(ours.AsyncCallbackManagerForToolRun.get_noop_manager().on_text("y"))


def test_a_step_that_is_handed_such_a_manager_is_watched_by_nobody():
    child = ours.CallbackManagerForChainRun.get_noop_manager().get_child()
    assert RunnableLambda(lambda x: x + 1).invoke(1, {"callbacks": child}) == 2


def test_a_group_may_end_with_an_error_that_was_handled():
    handler = recorder(ours)
    with trace_as_chain_group("group", [handler]) as group:
        group.on_chain_error(ValueError("known"))
    assert handler.seen == ["start", ("error", "ValueError('known')")]

    async def main():
        handler = recorder(ours)
        async with atrace_as_chain_group("group", [handler]) as group:
            await group.on_chain_error(ValueError("known"))
        return handler.seen

    assert asyncio.run(main()) == handler.seen


def test_an_error_that_leaves_the_block_counts_more_than_one_that_was_said():
    handler = recorder(ours)

    def fail():
        with trace_as_chain_group("group", [handler]) as group:
            group.on_chain_error(ValueError("said"))
            raise KeyError("left")

    with pytest.raises(KeyError):
        fail()
    assert handler.seen == ["start", ("error", "KeyError('left')")]
