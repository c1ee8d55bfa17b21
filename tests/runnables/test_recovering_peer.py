"""Retries, fallbacks, branches and routers give what the peer's give; where they are meant to differ, they do."""

import asyncio
import warnings

import pytest

import prill.runnables as ours

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import langchain_core.runnables as theirs

NO_WAIT = {"wait_exponential_jitter": False}


def failing(times, error=ValueError):
    left = [times]

    def work(x):
        if left[0]:
            left[0] -= 1
            raise error("no")
        return x

    return work


def cut(x):
    yield "a"
    raise ValueError("cut")


def divide(m):
    return m.RunnableLambda(lambda x: 1 // x, name="divide")


def branch(m):
    big = m.RunnableLambda(lambda x: "big", name="big")
    return m.RunnableBranch((m.RunnableLambda(lambda x: x > 1, name="c"), big), m.RunnableLambda(str, name="small"))


def router(m):
    return m.RouterRunnable({"a": m.RunnableLambda(lambda x: x + 1, name="ra")})


SAME = {
    "a retry that helps": (lambda m: m.RunnableLambda(failing(2)).with_retry(**NO_WAIT), 1),
    "a retry too few": (lambda m: m.RunnableLambda(failing(2)).with_retry(**NO_WAIT, stop_after_attempt=2), 1),
    "a retry of others": (
        lambda m: m.RunnableLambda(failing(2)).with_retry(**NO_WAIT, retry_if_exception_type=(KeyError,)),
        1,
    ),
    "no failure": (lambda m: divide(m).with_fallbacks([m.RunnableLambda(str)]), 1),
    "a fallback": (lambda m: divide(m).with_fallbacks([m.RunnableLambda(str)]), 0),
    "a second fallback": (lambda m: divide(m).with_fallbacks([divide(m), m.RunnableLambda(str)]), 0),
    "none for this error": (
        lambda m: divide(m).with_fallbacks([m.RunnableLambda(str)], exceptions_to_handle=(KeyError,)),
        0,
    ),
    "told the error": (
        lambda m: m.RunnableLambda(lambda x: 1 // x["n"]).with_fallbacks(
            [m.RunnableLambda(lambda x: type(x["e"]).__name__)], exception_key="e"
        ),
        {"n": 0},
    ),
    "cut": (lambda m: m.RunnableGenerator(cut).with_fallbacks([m.RunnableLambda(str)]), 1),
    "branch": (branch, 2),
    "default": (branch, 1),
    "router": (router, {"key": "a", "input": 1}),
}


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error)


async def listed(stream):
    return [chunk async for chunk in stream]


@pytest.mark.parametrize("name", SAME)
def test_the_outcome_is_the_same(name):
    make, given = SAME[name]

    def verbs(m):
        return {
            "invoke": outcome(lambda: make(m).invoke(given)),
            "ainvoke": outcome(lambda: asyncio.run(make(m).ainvoke(given))),
            "batch": outcome(lambda: make(m).batch([given])),
            "abatch": outcome(lambda: asyncio.run(make(m).abatch([given]))),
        } | (
            {}
            if name
            in ("a retry that helps", "cut")  # the peer retries no stream, and joins a plain generator's in asyncio
            else {
                "stream": outcome(lambda: list(make(m).stream(given))),
                "astream": outcome(lambda: asyncio.run(listed(make(m).astream(given)))),
            }
        )

    assert verbs(ours) == verbs(theirs)


@pytest.mark.parametrize("name", ["no failure", "a fallback", "a second fallback", "branch", "default"])
def test_the_events_are_the_same(name):
    make, given = SAME[name]

    def events(m):
        found = asyncio.run(listed(make(m).astream_events(given, version="v2")))
        return [
            (event["event"], event["name"], event["tags"], event["data"].get("chunk"))
            for event in found
            if not event["event"].endswith("_error")
        ]

    assert events(ours) == events(theirs)


@pytest.mark.parametrize("return_exceptions", [False, True])
def test_batches_are_the_same(return_exceptions):
    def batch(m, part):
        inputs = [0, 1, 2]
        return outcome(lambda: [repr(each) for each in part.batch(inputs, return_exceptions=return_exceptions)])

    for make in (
        lambda m: divide(m).with_retry(**NO_WAIT),
        lambda m: divide(m).with_fallbacks([m.RunnableLambda(str)]),
        lambda m: divide(m).with_fallbacks([divide(m)]),
    ):
        assert batch(ours, make(ours)) == batch(theirs, make(theirs))


class TestMeantToDiffer:
    def test_streams_are_retried(self):
        def chunks(m):
            return outcome(lambda: list(m.RunnableLambda(failing(2)).with_retry(**NO_WAIT).stream(1)))

        assert (chunks(ours), chunks(theirs)) == ([1], ValueError)

    def test_the_last_error_is_raised_not_the_first(self):
        def error(m):
            parts = [m.RunnableLambda(failing(9, kind)) for kind in (ValueError, KeyError)]
            return outcome(lambda: parts[0].with_fallbacks(parts[1:]).invoke(1))

        assert (error(ours), error(theirs)) == (KeyError, ValueError)

    def test_numbers_that_make_no_sense_are_refused(self):
        def none(m):
            return outcome(lambda: m.RunnableLambda(str).with_retry(stop_after_attempt=0).invoke(1))

        def no_width(m):
            return outcome(lambda: m.RunnableLambda(str).batch([1], {"max_concurrency": 0}))

        def no_fallbacks(m):
            return outcome(lambda: m.RunnableLambda(str).with_fallbacks([]).invoke(1))

        assert [issubclass(call(ours), Exception) for call in (none, no_width, no_fallbacks)] == [True] * 3
        assert (none(theirs), no_width(theirs), no_fallbacks(theirs)) == ("1", ["1"], "1")

    def test_a_router_is_a_run_of_its_own(self):
        def names(m):
            events = asyncio.run(listed(router(m).astream_events({"key": "a", "input": 1}, version="v2")))
            return {event["name"] for event in events}

        assert (names(ours), names(theirs)) == ({"RouterRunnable", "ra"}, {"ra"})

    def test_a_wrong_key_of_a_router_is_a_wrong_composition(self):
        def error(m):
            return outcome(lambda: router(m).invoke({"key": "b", "input": 1}))

        assert (issubclass(error(ours), TypeError), error(theirs)) == (True, ValueError)
