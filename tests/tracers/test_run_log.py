import asyncio

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.errors import ConfigError
from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableParallel
from prill.tracers.run_log import RunLog, RunLogPatch, apply_ops, pointer

FIRST = {
    "op": "replace",
    "path": "",
    "value": {"id": "1", "streamed_output": [], "final_output": None, "logs": {}, "name": "n", "type": "chain"},
}


def chunk(value):
    return RunLogPatch({"op": "add", "path": "/streamed_output/-", "value": value})


async def patches():
    model = FakeListChatModel(responses=["abc"]) | StrOutputParser()
    chain = RunnableParallel(one=ChatPromptTemplate.from_template("{x}") | model, two=lambda x: x["x"])
    return [patch async for patch in chain.astream_log({"x": "hi"})]


def test_a_patch_and_a_patch_make_a_log():
    log = RunLogPatch(FIRST) + chunk("a")
    assert type(log) is RunLog
    assert log.state["streamed_output"] == ["a"]
    assert len(log.ops) == 2


def test_patches_apply_with_jsonpatch_to_the_same_state():
    told = asyncio.run(patches())
    log, state = told[0], None
    for patch in told[1:]:
        log = log + patch
    for patch in told:
        state = jsonpatch.apply_patch(state, patch.ops)
    assert log.state == state
    assert state["final_output"] == {"one": "abc", "two": "hi"}


def test_adding_leaves_the_log_as_it_was():
    log = RunLogPatch(FIRST) + chunk("a")
    one, two = log + chunk("b"), log + chunk("c")
    assert log.state["streamed_output"] == ["a"]
    assert one.state["streamed_output"] == ["a", "b"]
    assert two.state["streamed_output"] == ["a", "c"]
    assert [len(each.ops) for each in (log, one, two)] == [2, 3, 3]
    assert FIRST["value"]["streamed_output"] == []


def test_states_that_were_looked_at_stay_as_they_were():
    log = RunLogPatch(FIRST) + chunk(0)
    seen = []
    for number in range(1, 5):
        log = log + chunk(number)
        seen.append(log.state)
    assert [len(state["streamed_output"]) for state in seen] == [2, 3, 4, 5]


def test_adding_many_patches_copies_nothing():
    """Each operation is applied once, however many logs there were in between."""
    copies = []

    class Watched(dict):
        def copy(self):
            copies.append(1)
            return Watched(self)

    log = RunLogPatch({**FIRST, "value": Watched(FIRST["value"])}) + chunk(0)
    copies.clear()
    for number in range(1, 1000):
        log = log + chunk(number)
    assert copies == []
    assert log.state["streamed_output"] == list(range(1000))
    assert len(copies) == 1


def test_patches_without_the_first_of_their_run_say_so():
    with pytest.raises(ConfigError, match="do not start with the first"):
        chunk("a") + chunk("b")


def test_only_patches_are_added():
    with pytest.raises(TypeError):
        RunLogPatch(FIRST) + 1
    with pytest.raises(TypeError):
        (RunLogPatch(FIRST) + chunk(1)) + (RunLogPatch(FIRST) + chunk(1))


def test_logs_and_patches_are_equal_by_what_they_say():
    assert chunk("a") == chunk("a")
    assert chunk("a") != chunk("b")
    assert RunLogPatch(FIRST) + chunk("a") == RunLogPatch(FIRST) + chunk("a")
    assert RunLogPatch(FIRST) + chunk("a") != RunLogPatch(FIRST) + chunk("b")


def test_the_reprs_show_operations_and_state():
    assert repr(chunk("a")).startswith("RunLogPatch({'op': 'add'")
    assert repr(RunLogPatch(FIRST) + chunk("a")).startswith("RunLog({'final_output': None")


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4), st.integers())
def test_any_name_makes_a_pointer_that_jsonpatch_understands(keys, value):
    document = {}
    inner = document
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    op = {"op": "add", "path": pointer(*keys), "value": value}
    assert apply_ops(document, [op]) == jsonpatch.apply_patch(document, [op])
