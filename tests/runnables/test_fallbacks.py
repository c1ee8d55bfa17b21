"""Another step instead: unseen before the first chunk, by the chosen policy after it, at once."""

import pickle

import pytest
from tests.runnables.flaky import NO_WAIT, Failed, chat, streaming

from prill.errors import Cancelled, CompositionError, ConfigError
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda, StreamRestart
from prill.runnables.engine.chunks import join
from prill.testing import Faults, Reply, check_runnable


def test_an_error_before_the_first_chunk_leads_to_the_next(verbs, server):
    server.fail(503)
    server.reply("one", " two")
    chunks = verbs.stream(chat(server).with_fallbacks([chat(server, model="other")]), "Hi")
    assert [chunk.content for chunk in chunks if chunk.content] == ["one", " two"]
    assert [request.json["model"] for request in server.requests] == ["gpt-4o", "other"]


def test_it_streams_chunk_by_chunk(verbs):
    made = []

    async def source(inputs):
        async for _ in inputs:
            pass
        for number in range(9):
            made.append(number)
            yield [number]

    broken, _ = streaming([ValueError()])
    assert verbs.take(broken.with_fallbacks([RunnableGenerator(source)]), "x", 2) == [[0], [1]]
    assert made == [0, 1]


def test_an_error_after_the_first_chunk_is_raised_with_what_had_come(verbs):
    first, _ = streaming(["a", "b", Failed("cut")])
    other, plan = streaming(["c"])
    with pytest.raises(Failed, match="cut") as raised:
        verbs.stream(first.with_fallbacks([other]), "x")
    assert (raised.value.partial, plan.begun) == ("ab", 0)


def test_or_the_next_begins_after_a_marker(verbs):
    first, _ = streaming(["[1", ", 2", Failed("cut")])
    other, _ = streaming(["[3", "]"])
    chunks = verbs.stream(first.with_fallbacks([other], mid_stream="restart") | JsonOutputParser(), "x")
    assert [type(chunk) for chunk in chunks].count(StreamRestart) == 1
    assert chunks[-1] == [3]


def test_a_model_that_is_cut_is_followed_by_another(verbs, server):
    server.queue(Reply(["one", " two"], faults=Faults(cut_after_events=2)))
    server.reply("three")
    part = chat(server).with_fallbacks([chat(server)], mid_stream="restart") | StrOutputParser()
    assert join(verbs.stream(part, "Hi")) == "three"


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_all_fail_and_the_last_error_is_raised(verbs, verb):
    parts = [streaming([error])[0] for error in (ValueError("one"), KeyError("two"), TypeError("three"))]
    with pytest.raises(TypeError, match="three") as raised:
        getattr(verbs, verb)(parts[0].with_fallbacks(parts[1:]), "x")
    assert any("3 attempts failed; the first with ValueError: one" in note for note in raised.value.__notes__)


def test_only_errors_to_be_handled_are_handled(verbs):
    other, plan = streaming(["late"])
    part = streaming([KeyError("no")])[0].with_fallbacks([other], exceptions_to_handle=(ValueError,))
    with pytest.raises(KeyError):
        verbs.invoke(part, "x")
    assert plan.begun == 0


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_cancelled_run_goes_to_no_fallback(verbs, verb):
    other, plan = streaming(["late"])
    with pytest.raises(Cancelled):
        getattr(verbs, verb)(streaming([Cancelled("stop")])[0].with_fallbacks([other]), "x")
    assert plan.begun == 0


def test_each_fallback_is_told_the_error_before_it(verbs):
    def fail_with(error):
        def fail(given):
            seen.append(given.get("error"))
            raise error

        return fail

    seen = []
    one, two = ValueError("one"), KeyError("two")
    part = RunnableLambda(fail_with(one)).with_fallbacks(
        [fail_with(two), lambda given: (given["error"], given["x"])], exception_key="error"
    )
    assert verbs.invoke(part, {"x": 1}) == (two, 1)
    assert seen == [None, one]
    assert verbs.stream(part, {"x": 1}) == [(two, 1)]


def test_for_that_the_input_is_a_dict(verbs):
    part = RunnableLambda(len).with_fallbacks([len], exception_key="error")
    for verb in (verbs.invoke, verbs.stream):
        with pytest.raises(CompositionError, match="must be a dict"):
            verb(part, "text")


def test_the_end_event_says_which_answered():
    broken, _ = streaming([ValueError()])
    part = broken.with_fallbacks([RunnableLambda(len, name="second")])
    end = [event for event in part.stream_events("four") if event["name"] == "RunnableWithFallbacks"][-1]
    assert end["event"] == "on_chain_end"
    assert (end["metadata"]["answered_by"], end["metadata"]["fallback"]) == ("second", 1)
    part = RunnableLambda(len, name="first").with_fallbacks([len])
    end = [event for event in part.stream_events("four") if event["name"] == "RunnableWithFallbacks"][-1]
    assert (end["metadata"]["answered_by"], end["metadata"]["fallback"]) == ("first", 0)


def test_nothing_is_waited_for(verbs, monkeypatch):
    from prill.io import BLOCKING, get_asyncio_mode

    slept = []
    colour = BLOCKING if verbs.name == "blocking" else get_asyncio_mode()
    monkeypatch.setattr(type(colour), "sleep", lambda self, seconds: slept.append(seconds))
    part = streaming([Failed("busy", retry_after=60)])[0].with_fallbacks([streaming([ValueError()])[0], len])
    assert verbs.invoke(part, "four") == 4
    assert verbs.stream(part, "four") == [4]
    assert slept == []


def test_a_retry_within_and_a_retry_around(verbs):
    inner, plan = streaming([ValueError()], [ValueError()], ["well"])
    assert verbs.stream(inner.with_retry(**NO_WAIT, stop_after_attempt=2).with_fallbacks([inner]), "x") == ["well"]
    assert plan.begun == 3
    both = streaming([ValueError()])[0].with_fallbacks([streaming([ValueError()], ["well"])[0]])
    assert verbs.stream(both.with_retry(**NO_WAIT), "x") == ["well"]


def test_in_a_batch_each_input_has_its_own(verbs):
    def fail_odd(number):
        if number % 2:
            raise ValueError(number)
        return number

    assert verbs.batch(RunnableLambda(fail_odd).with_fallbacks([lambda n: -n]), [0, 1, 2, 3]) == [0, -1, 2, -3]


def test_something_else_than_a_list_of_steps_is_refused():
    for fallbacks in ([], RunnableLambda(len)):
        with pytest.raises(CompositionError, match="list with one Runnable"):
            RunnableLambda(len).with_fallbacks(fallbacks)
    with pytest.raises(ConfigError, match="mid_stream"):
        RunnableLambda(len).with_fallbacks([len], mid_stream="continue")
    with pytest.raises(CompositionError, match="exceptions_to_handle"):
        RunnableLambda(len).with_fallbacks([len], exceptions_to_handle=(ValueError(),))


def upper(chunks):
    for chunk in chunks:
        yield chunk.upper()


def test_it_keeps_the_promises_of_every_runnable():
    check_runnable(RunnableLambda(len).with_fallbacks([RunnableLambda(str)]), "four", expected=4)
    broken = streaming([ValueError()])[0]
    check_runnable(broken.with_fallbacks([upper], mid_stream="restart"), "four", expected="FOUR")


def test_it_can_be_pickled():
    part = RunnableLambda(len).with_fallbacks([RunnableLambda(str)], exception_key="e")
    assert pickle.loads(pickle.dumps(part)) == part
