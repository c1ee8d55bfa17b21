"""Every error says where in the chain it came from."""

import asyncio
import pickle

import pytest

from prill.errors import MalformedResponseError, OutputParserException, PrillError
from prill.runnables import (
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnableSequence,
)
from prill.testing.witness import Witness


def fine(x):
    return x


def fails(x):
    raise MalformedResponseError("broken")


def foreign(x):
    raise ValueError("broken")


def fails_late(inputs):
    for x in inputs:
        yield x
        raise MalformedResponseError("broken")


def onward(inputs):
    yield from inputs


def inner(*steps):
    return RunnableSequence(*steps, name="inner")


CASES = {
    "second step": (RunnableLambda(fine) | fails | fine, "RunnableSequence > step 2 (fails)"),
    "nested": (
        RunnableLambda(fine) | inner(fine, fails),
        "RunnableSequence > step 2 (inner) > step 2 (fails)",
    ),
    "after a nested one": (inner(fine, fine) | RunnableLambda(fails), "RunnableSequence > step 2 (fails)"),
    "before a nested one": (
        RunnableLambda(fine) | fails_late | inner(onward, fine, onward),
        "RunnableSequence > step 2 (fails_late)",
    ),
    "parallel": (
        RunnableLambda(fine) | {"a": fine, "b": fails},
        "RunnableSequence > step 2 (RunnableParallel<a,b>) > 'b' (fails)",
    ),
    "before a parallel": (
        RunnableGenerator(fails_late) | {"a": onward, "b": fine},
        "RunnableSequence > step 1 (fails_late)",
    ),
    "before two parallels": (
        RunnableGenerator(fails_late) | {"a": {"c": onward, "d": fine}, "b": inner(onward, fine)},
        "RunnableSequence > step 1 (fails_late)",
    ),
    "deep in a parallel": (
        RunnableParallel(a=inner(fine, {"b": RunnableLambda(fine) | fails})),
        "RunnableParallel<a> > 'a' (inner) > step 2 (RunnableParallel<b>) > 'b' (RunnableSequence) > step 2 (fails)",
    ),
    "each": (
        RunnableLambda(lambda x: [x]) | RunnableLambda(fails).map(),
        "RunnableSequence > step 2 (RunnableEach<fails>) > item 0 (fails)",
    ),
    "assign": (
        RunnableLambda(lambda x: {"k": x}) | RunnablePassthrough.assign(a=fails),
        "RunnableSequence > step 2 (RunnableAssign<a>) > RunnableParallel<a> > 'a' (fails)",
    ),
    "through a passthrough": (
        RunnableGenerator(fails_late) | RunnablePassthrough() | RunnablePassthrough(fine) | onward,
        "RunnableSequence > step 1 (fails_late)",
    ),
    "returned by a function": (
        RunnableLambda(fine) | RunnableLambda(lambda x: inner(fine, fails), name="picks"),
        "RunnableSequence > step 2 (picks) > inner > step 2 (fails)",
    ),
    "binding": (
        RunnableLambda(fine) | RunnableLambda(fails).with_config(run_name="named"),
        "RunnableSequence > step 2 (named)",
    ),
}


@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize("verb", ["invoke", "stream"])
@pytest.mark.parametrize("name", CASES)
def test_the_path_leads_to_the_step(name, verb, watched, verbs):
    part, path = CASES[name]
    config = {"callbacks": [Witness()]} if watched else None
    with pytest.raises(MalformedResponseError) as failed:
        getattr(verbs, verb)(part, "x", config)
    assert " > ".join(failed.value.path) == path
    assert str(failed.value) == f"broken\n  in the chain: {path}"


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_foreign_exception_passes_as_it_is_with_the_path_as_a_note(verb, verbs):
    with pytest.raises(ValueError, match=r"^broken") as failed:
        getattr(verbs, verb)(RunnableLambda(fine) | inner(fine, {"k": foreign}), "x")
    assert str(failed.value) == "broken"
    assert failed.value.__notes__ == [
        "in the chain: RunnableSequence > step 2 (inner) > step 2 (RunnableParallel<k>) > 'k' (foreign)"
    ]


def test_the_path_survives_pickling(verbs):
    with pytest.raises(PrillError) as failed:
        verbs.invoke(RunnableLambda(fine) | fails, "x")
    copy = pickle.loads(pickle.dumps(failed.value))
    assert str(copy) == str(failed.value)


def test_the_source_of_a_transform_is_no_step():
    def given():
        yield 1
        raise OutputParserException("the caller's own")

    with pytest.raises(OutputParserException) as failed:
        list((RunnableGenerator(onward) | onward).transform(given()))
    assert failed.value.path == ()


class Unnotable(Exception):
    """An error that takes no notes."""

    def add_note(self, note):
        raise RuntimeError("no notes")

    __notes__ = property(lambda error: [])


def test_an_error_that_takes_no_notes_is_raised_all_the_same(verbs):
    def unnotable(x):
        raise Unnotable("mine")

    with pytest.raises(Unnotable, match="mine"):
        verbs.invoke(RunnableLambda(fine) | unnotable, "x")


ONE = {"foreign": lambda: ValueError("shared"), "own": lambda: MalformedResponseError("shared")}


def raising(error):
    def api(x):
        raise error

    return api


def get_path(error):
    if isinstance(error, PrillError):
        return " > ".join(error.path)
    (note,) = error.__notes__
    return note.removeprefix("in the chain: ")


@pytest.mark.parametrize("verb", ["invoke", "stream"])
@pytest.mark.parametrize("kind", ONE)
def test_the_path_of_an_error_that_is_raised_by_many_runs_does_not_grow(kind, verb, verbs):
    error = ONE[kind]()
    for part, path in (
        (RunnableLambda(fine) | raising(error), "RunnableSequence > step 2 (api)"),
        (
            RunnableLambda(fine) | inner(fine, {"k": raising(error)}),
            "RunnableSequence > step 2 (inner) > step 2 (RunnableParallel<k>) > 'k' (api)",
        ),
        (RunnableParallel(a=raising(error)), "RunnableParallel<a> > 'a' (api)"),
    ):
        for _ in range(3):
            with pytest.raises(type(error)):
                getattr(verbs, verb)(part, "x")
            assert get_path(error) == path


@pytest.mark.parametrize("verb", ["invoke", "stream"])
@pytest.mark.parametrize("kind", ONE)
def test_the_path_of_an_error_that_is_raised_again_by_a_retry_does_not_grow(kind, verb, verbs):
    error = ONE[kind]()
    part = (RunnableLambda(fine) | raising(error)).with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
    with pytest.raises(type(error)):
        getattr(verbs, verb)(RunnableLambda(fine) | part, "x")
    path = "RunnableSequence > step 2 (RunnableSequence) > step 2 (api)"
    if isinstance(error, PrillError):
        assert " > ".join(error.path) == path
    else:
        assert f"in the chain: {path}" in error.__notes__


@pytest.mark.parametrize("kind", ONE)
def test_the_path_of_an_error_that_many_inputs_of_a_batch_raise_does_not_grow(kind, verbs):
    error = ONE[kind]()
    part = RunnableLambda(fine) | inner(fine, RunnableLambda(raising(error)).map())
    outcomes = verbs.batch(part, [["x"] * 3] * 20, return_exceptions=True)
    assert outcomes == [error] * 20
    assert get_path(error).startswith("RunnableSequence > step 2 (inner) > step 2 (RunnableEach<api>)")
    assert get_path(error).count(" > ") <= 3


def test_a_chain_that_is_run_inside_a_function_is_part_of_the_path():
    def outer(x):
        return inner(fine, foreign).invoke(x)

    with pytest.raises(ValueError, match="broken") as failed:
        (RunnableLambda(fine) | outer).invoke("x")
    assert get_path(failed.value) == "RunnableSequence > step 2 (outer) > inner > step 2 (foreign)"

    async def later(x):
        return await inner(fine, foreign).ainvoke(x)

    with pytest.raises(ValueError, match="broken") as failed:
        asyncio.run((RunnableLambda(fine) | later).ainvoke("x"))
    assert get_path(failed.value) == "RunnableSequence > step 2 (later) > inner > step 2 (foreign)"


def test_a_binding_with_a_name_keeps_the_path_of_what_is_inside(verbs):
    part = RunnableLambda(fine) | inner(fine, {"k": foreign}).with_config(run_name="named")
    with pytest.raises(ValueError, match="broken") as failed:
        verbs.invoke(part, "x")
    assert get_path(failed.value) == (
        "RunnableSequence > step 2 (named) > inner > step 2 (RunnableParallel<k>) > 'k' (foreign)"
    )
