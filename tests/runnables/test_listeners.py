"""Listeners hear of one step, not of what is within it."""

import asyncio

import pytest

from prill.errors import ConfigError
from prill.runnables import RunnableLambda


def double(x):
    return x * 2


def fail(x):
    raise ValueError("no")


def test_start_and_end_are_told_once_with_inputs_and_outputs(verbs):
    told = []
    chain = (RunnableLambda(double) | double).with_listeners(
        on_start=lambda run: told.append(("start", run.name, run.inputs)),
        on_end=lambda run, config: told.append(("end", run.outputs, "tags" in config)),
    )
    assert verbs.invoke(chain, 1) == 4
    assert told == [("start", "RunnableSequence", {"input": 1}), ("end", {"output": 4}, True)]


def test_an_error_is_told(verbs):
    told = []
    part = RunnableLambda(fail).with_listeners(on_error=lambda run: told.append(run.error), on_end=told.append)
    with pytest.raises(ValueError, match="no"):
        verbs.invoke(part, 1)
    assert len(told) == 1
    assert "no" in told[0]


def test_async_listeners_are_awaited_in_both_colours():
    told = []

    async def heard(run):
        await asyncio.sleep(0)
        told.append(run.outputs)

    part = RunnableLambda(double).with_alisteners(on_end=heard)
    assert part.invoke(1) == 2
    assert asyncio.run(part.ainvoke(2)) == 4
    assert told == [{"output": 2}, {"output": 4}]


def test_a_step_inside_a_watched_chain_is_heard(verbs):
    told = []
    inner = RunnableLambda(double).with_listeners(on_end=lambda run: told.append(run.name))
    verbs.invoke(RunnableLambda(double) | inner, 1)
    assert told == ["double"]


def test_what_is_no_function_is_refused():
    with pytest.raises(ConfigError, match="on_end must be a function"):
        RunnableLambda(double).with_listeners(on_end=3)
