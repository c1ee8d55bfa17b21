"""Choosing a step by its input: only the chosen one runs, and its output streams."""

import pickle

import pytest
from tests.runnables.flaky import streaming

from prill.errors import CompositionError
from prill.output_parsers import JsonOutputParser
from prill.runnables import RouterRunnable, RunnableBranch, RunnableGenerator, RunnableLambda
from prill.testing import check_runnable
from prill.testing.witness import Witness


def even(number):
    return number % 2 == 0


def halve(number):
    return number // 2


def double(number):
    return number * 2


def digits(chunks):
    for chunk in chunks:
        yield from str(chunk)


BRANCH = RunnableBranch((lambda n: n > 100, lambda n: "big"), (even, halve), double)


@pytest.mark.parametrize(("number", "expected"), [(200, "big"), (8, 4), (7, 14)])
def test_the_first_condition_that_holds_decides(verbs, number, expected):
    assert verbs.invoke(BRANCH, number) == expected
    assert verbs.stream(BRANCH, number) == [expected]
    assert verbs.batch(BRANCH, [number, 8]) == [expected, 4]


def test_later_conditions_are_not_asked(verbs):
    asked = []
    part = RunnableBranch((even, halve), (asked.append, halve), double)
    assert verbs.invoke(part, 8) == 4
    assert asked == []


def test_the_chosen_step_streams(verbs):
    made = []

    async def source(inputs):
        async for _ in inputs:
            pass
        for number in range(9):
            made.append(number)
            yield number

    for part, given in (
        (RunnableBranch((even, RunnableGenerator(source)), double), 2),
        (RunnableBranch((even, double), RunnableGenerator(source)), 3),
        (RouterRunnable({"a": RunnableGenerator(source)}), {"key": "a", "input": 1}),
    ):
        made.clear()
        assert verbs.take(part, given, 2) == [0, 1]
        assert made == [0, 1]


def test_it_is_given_the_whole_input(verbs):
    part = RunnableBranch((str.isupper, str.lower), len)
    assert verbs.transform(part, ["AB", "CD"]) == ["abcd"]


def test_growing_values_of_the_chosen_step_are_not_added_up(verbs):
    text, _ = streaming(["[1", ", 2", "]"])
    for part, given in (
        (RunnableBranch((bool, text | JsonOutputParser()), len), "x"),
        (RouterRunnable({"a": text | JsonOutputParser()}), {"key": "a", "input": "x"}),
        ((text | JsonOutputParser()).with_retry(), "x"),
        ((text | JsonOutputParser()).with_fallbacks([len]), "x"),
    ):
        assert verbs.stream(part | (lambda found: found), given) == [[1, 2]]


def test_a_router_runs_the_named_step(verbs):
    router = RouterRunnable({"double": double, "halve": halve})
    assert verbs.invoke(router, {"key": "double", "input": 4}) == 8
    inputs = [{"key": "double", "input": 4}, {"key": "halve", "input": 4}]
    assert verbs.batch(router, inputs) == [8, 2]


def test_a_router_says_what_it_has(verbs):
    router = RouterRunnable({"double": double})
    with pytest.raises(CompositionError, match="no step 'triple'; it has 'double'"):
        verbs.invoke(router, {"key": "triple", "input": 4})
    for given in (4, {"key": "double"}, {"input": 4}):
        with pytest.raises(CompositionError, match="the input of a router must be"):
            verbs.invoke(router, given)


def test_runs_are_labelled(verbs):
    witness = Witness()
    verbs.invoke(BRANCH, 8, {"callbacks": [witness]})
    assert [run.tags for run in witness.runs()] == [[], ["condition:1"], ["condition:2"], ["branch:2"]]
    witness = Witness()
    verbs.stream(BRANCH, 7, {"callbacks": [witness]})
    assert witness.runs()[-1].tags == ["branch:default"]
    assert witness.complaints() == []


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_errors_name_the_branch(verbs, verb):
    def fail(number):
        raise ValueError("no")

    cases = [
        (RunnableBranch((fail, halve), double), 1, "RunnableBranch > condition 1 (fail)"),
        (RunnableBranch((even, fail), double), 2, "RunnableBranch > branch 1 (fail)"),
        (RunnableBranch((even, halve), fail), 1, "RunnableBranch > default (fail)"),
        (RouterRunnable({"a": fail}), {"key": "a", "input": 1}, "RouterRunnable > 'a' (fail)"),
    ]
    for part, given, path in cases:
        with pytest.raises(ValueError, match="no") as raised:
            getattr(verbs, verb)(part, given)
        assert f"in the chain: {path}" in raised.value.__notes__


@pytest.mark.parametrize("branches", [((len, len), (len, len)), (len, len), ((len,), len), ((len, 3), len)])
def test_what_is_no_branch_is_refused(branches):
    with pytest.raises(CompositionError):
        RunnableBranch(*branches)


@pytest.mark.parametrize("branches", [(), (len,), ((len, len),)])
def test_a_branch_without_a_condition_or_a_default_is_a_value_error(branches):
    with pytest.raises(ValueError, match="at least one"):
        RunnableBranch(*branches)


def test_the_type_arguments_of_a_branch_are_its_types():
    branch = RunnableBranch[int, str]((lambda x: x > 0, lambda x: "positive"), lambda x: "other")
    assert branch.get_input_jsonschema() == {"title": "RunnableBranchInput", "type": "integer"}
    assert (branch.InputType, branch.OutputType) == (int, str)
    assert branch.invoke(1) == "positive"


def test_an_empty_router_is_refused():
    with pytest.raises(CompositionError, match="one step or more"):
        RouterRunnable({})


def test_they_keep_the_promises_of_every_runnable():
    check_runnable(RunnableBranch((even, halve), digits), 8, expected=4)
    check_runnable(RunnableBranch((even, halve), digits), 123, expected="123")
    check_runnable(RouterRunnable({"a": digits}), {"key": "a", "input": 12}, expected="12")


def test_they_can_be_pickled_and_compared():
    part = RunnableBranch((even, halve), double)
    assert pickle.loads(pickle.dumps(part)) == part != BRANCH
    router = RouterRunnable({"a": RunnableLambda(double)})
    assert pickle.loads(pickle.dumps(router)) == router
