"""Every error says where in the chain it came from."""

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
