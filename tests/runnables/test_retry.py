"""The same step again: unseen before the first chunk, with a marker after it, and never for what cannot pass."""

import asyncio
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runnables.flaky import NO_WAIT, Failed, Names, call_chunk, chat, streaming, text_of

from prill.errors import Cancelled, CompositionError, ConfigError, ModelAuthenticationError, StreamInterrupted
from prill.output_parsers import (
    CommaSeparatedListOutputParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    StrOutputParser,
    XMLOutputParser,
)
from prill.runnables import (
    AddableDict,
    Runnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    StreamRestart,
)
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import join
from prill.testing import Faults, Reply, check_runnable
from prill.testing.witness import Witness


def restarts_in(value):
    if isinstance(value, dict):
        return any(restarts_in(each) for each in value.values())
    return isinstance(value, StreamRestart)


class TestBeforeTheFirstChunk:
    def test_requests_that_fail_are_made_again_unseen(self, verbs, server):
        server.fail(503, times=2)
        server.reply("one", " two", " three")
        chunks = verbs.stream(chat(server).with_retry(**NO_WAIT), "Hi")
        assert [chunk.content for chunk in chunks if chunk.content] == ["one", " two", " three"]
        assert server.request_count == 3

    def test_invoke_is_tried_again_too(self, verbs, server):
        server.fail(503, times=2)
        server.reply("one", " two")
        assert verbs.invoke(chat(server).with_retry(**NO_WAIT), "Hi").content == "one two"
        assert server.request_count == 3

    def test_the_last_error_is_raised_with_a_note_of_the_first(self, verbs):
        part, plan = streaming([ValueError("first")], [KeyError("second")], [TypeError("third")])
        with pytest.raises(TypeError, match="third") as raised:
            verbs.stream(part.with_retry(**NO_WAIT), "x")
        assert plan.begun == 3
        assert any("3 attempts failed; the first with ValueError: first" in note for note in raised.value.__notes__)

    def test_a_stream_without_a_chunk_is_an_answer(self, verbs):
        part, plan = streaming([], ["late"])
        assert verbs.stream(part.with_retry(**NO_WAIT), "x") == []
        assert plan.begun == 1


class TestAfterTheFirstChunk:
    def test_the_error_carries_what_had_come(self, verbs):
        part, plan = streaming(["a", "b", Failed("cut")])
        with pytest.raises(Failed, match="cut") as raised:
            verbs.stream(part.with_retry(**NO_WAIT), "x")
        assert (raised.value.partial, plan.begun) == ("ab", 1)

    def test_foreign_errors_carry_it_too(self, verbs):
        part, _ = streaming(["a", "b", ValueError("cut")])
        with pytest.raises(ValueError, match="cut") as raised:
            verbs.stream(part.with_retry(**NO_WAIT), "x")
        assert raised.value.partial == "ab"

    def test_of_growing_values_the_last_is_the_partial(self, verbs):
        part, _ = streaming(["[1", ", 2", Failed("cut")])
        with pytest.raises(Failed) as raised:
            verbs.stream((part | JsonOutputParser()).with_retry(**NO_WAIT), "x")
        assert raised.value.partial == [1, 2]

    def test_restart_yields_one_marker_and_starts_over(self, verbs):
        error = Failed("cut")
        part, plan = streaming(["a", "b", error], ["c", "d"])
        chunks = verbs.stream(part.with_retry(**NO_WAIT, mid_stream="restart"), "x")
        assert [chunk for chunk in chunks if not restarts_in(chunk)] == ["a", "b", "c", "d"]
        assert (chunks[2].attempt, chunks[2].error) == (2, error)
        assert join(chunks) == "cd"
        assert plan.begun == 2

    def test_a_try_that_gave_nothing_makes_no_second_marker(self, verbs):
        part, _ = streaming(["a", Failed("cut")], [Failed("at once")], ["b"])
        chunks = verbs.stream(part.with_retry(**NO_WAIT, mid_stream="restart"), "x")
        assert [restarts_in(chunk) for chunk in chunks] == [False, True, False]

    def test_a_cut_connection_is_started_over(self, verbs, server):
        server.queue(Reply(["one", " two"], faults=Faults(cut_after_events=2)))
        server.reply("three")
        chunks = verbs.stream(chat(server).with_retry(**NO_WAIT, mid_stream="restart") | StrOutputParser(), "Hi")
        assert sum(restarts_in(chunk) for chunk in chunks) == 1
        assert isinstance(next(chunk for chunk in chunks if restarts_in(chunk)).error, StreamInterrupted)
        assert join(chunks) == "three"

    def test_a_marker_takes_back_more_than_one_block_of_chunks(self):
        marker = StreamRestart(2, ValueError())
        for before, begin, after in (
            (["a"] * 800, marker, "b"),
            ([AddableDict(x="a")] * 800, AddableDict(x=marker), AddableDict(x="b")),
            ([AddableDict(x={"y": "a"})] * 800, marker, AddableDict(x="b")),
        ):
            so_far = Accumulator()
            for chunk in [*before, begin, *[after] * 700]:
                so_far.add(chunk)
            assert so_far.value() == join([after] * 700)

    def test_watched_it_is_told_as_a_restart(self):
        part, _ = streaming(["[1", Failed("cut")], ["[2]"])
        chain = part.with_retry(**NO_WAIT, mid_stream="restart") | JsonOutputParser()
        events = list(chain.stream_events("x"))
        told = [(event["event"], event["name"]) for event in events if event["event"].endswith("_restart")]
        assert ("on_parser_restart", "JsonOutputParser") in told
        assert ("on_chain_restart", "RunnableSequence") in told
        ends = {event["name"]: event["data"]["output"] for event in events if event["event"].endswith("_end")}
        assert (ends["JsonOutputParser"], ends["RunnableSequence"]) == ([2], [2])


TEXTS = {
    "json": ('{"a": [1, {"b": "two"}], "c": null}', '{"a": []}'),
    "xml": ("<a><b>1</b><c>2</c></a>", "<a><b>3</b></a>"),
    "list": ("one, two, three", "four"),
    "text": ("hello world", "bye"),
}


def upper(chunks):
    for chunk in chunks:
        yield chunk.upper() if isinstance(chunk, str) else chunk


async def each(chunks):
    async for chunk in chunks:
        yield chunk


class Own(Runnable):
    """A user's own class that streams by the public verbs."""

    def invoke(self, input, config=None, **kwargs):
        return f"<{input}>"

    def transform(self, input, config=None, **kwargs):
        yield "<"
        yield from input
        yield ">"

    async def atransform(self, input, config=None, **kwargs):
        yield "<"
        async for chunk in input:
            yield chunk
        yield ">"


CHAINS = {
    "str": ("text", lambda part: part | StrOutputParser()),
    "json": ("json", lambda part: part | JsonOutputParser()),
    "xml": ("xml", lambda part: part | XMLOutputParser()),
    "list": ("list", lambda part: part | CommaSeparatedListOutputParser()),
    "parallel": ("json", lambda part: part | {"text": StrOutputParser(), "json": JsonOutputParser()}),
    "in parallel": ("json", lambda part: RunnableParallel(a=part, b=lambda _: 1)),
    "in parallel, in parallel": ("json", lambda part: RunnableParallel(a={"b": part | JsonOutputParser()})),
    "pick": ("json", lambda part: RunnableParallel(a=part, b=lambda _: 1).pick("a") | JsonOutputParser()),
    "pick two": ("text", lambda part: RunnableParallel(a=part, b=part, c=len).pick(["a", "b"])),
    "assign": (
        "json",
        lambda part: RunnableParallel(a=part).assign(b=RunnablePassthrough().pick("a") | JsonOutputParser()),
    ),
    "assign after": ("json", lambda part: part | JsonOutputParser() | RunnablePassthrough.assign(b=len)),
    "passthrough": ("text", lambda part: part | RunnablePassthrough() | upper),
    "looking passthrough": ("text", lambda part: part | RunnablePassthrough(lambda text: None)),
    "generators": ("text", lambda part: part | upper | each | upper),
    "function": ("text", lambda part: part | len),
    "returned": ("json", lambda part: RunnableLambda(lambda _: part) | JsonOutputParser()),
    "branch": ("json", lambda part: RunnableBranch((lambda _: True, part), len) | JsonOutputParser()),
    "json in a branch": (
        "json",
        lambda part: RunnableBranch((bool, part | JsonOutputParser()), len) | RunnableLambda(str),
    ),
    "fallbacks": ("json", lambda part: part.with_fallbacks([len]) | JsonOutputParser()),
    "retry around": ("json", lambda part: (part | JsonOutputParser()).with_retry(**NO_WAIT)),
    "timeout": ("json", lambda part: part.with_timeout(total=60) | JsonOutputParser()),
    "bound": ("text", lambda part: part.with_config(tags=["a"]) | upper),
    "nested": ("json", lambda part: (each | (part | JsonOutputParser())) | (RunnablePassthrough() | each)),
    "own class": ("text", lambda part: part | Own() | upper),
}


@st.composite
def tries(draw, text, other):
    """Up to two tries that break off, then a whole one."""
    cuts = st.lists(st.integers(1, 6), max_size=4)
    broken = draw(st.lists(st.tuples(st.sampled_from([text, other]), cuts, st.integers(0, 4)), max_size=2))
    whole = text_of(text, draw(cuts))
    return [[*text_of(some, cut)[:count], Failed("cut")] for some, cut, count in broken] + [whole]


@settings(max_examples=12)
@given(data=st.data())
@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize("name", CHAINS)
def test_the_sum_of_a_stream_is_the_last_tries_alone(name, watched, verbs, data):
    kind, make = CHAINS[name]
    plans = data.draw(tries(*TEXTS[kind]))

    def chain(*plan):
        return make(streaming(*plan)[0].with_retry(**NO_WAIT, mid_stream="restart"))

    expected = chain(plans[-1]).invoke("x")
    witness = Witness()
    config = {"callbacks": [witness]} if watched else None
    chunks = verbs.stream(chain(*plans), "x", config)
    assert last_of(chunks, expected) == expected
    assert verbs.invoke(chain(*plans), "x", config) == expected
    assert witness.complaints() == []


def last_of(chunks, expected):
    """The value of a stream; some streams put out growing values, of which the last counts."""
    joined = join(chunks) if chunks else None
    return joined if joined == expected or not chunks else chunks[-1]


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 5), max_size=5), kept=st.integers(0, 5))
def test_a_tool_call_begins_anew(verbs, cuts, kept):
    pieces = [call_chunk("", "look"), *[call_chunk(text) for text in text_of('{"city": "Oslo", "days": 3}', cuts)]]
    part, _ = streaming([*pieces[:kept], Failed("cut")], pieces)
    chunks = verbs.stream(part.with_retry(**NO_WAIT, mid_stream="restart") | JsonOutputToolsParser(), "x")
    assert chunks[-1] == [{"type": "look", "args": {"city": "Oslo", "days": 3}}]


@settings(max_examples=25)
@given(
    fails=st.lists(st.integers(0, 4), min_size=1, max_size=6),
    attempts=st.integers(1, 4),
    return_exceptions=st.booleans(),
)
def test_each_place_of_a_batch_holds_the_result_or_the_error_of_its_own_input(
    verbs, fails, attempts, return_exceptions
):
    tried = dict.fromkeys(range(len(fails)), 0)

    async def fail_first(index):
        tried[index] += 1
        if tried[index] <= fails[index]:
            raise ValueError(f"{index}:{tried[index]}")
        return f"did {index}"

    def plain(index):
        return _finish(fail_first(index))

    part = RunnableLambda(plain, afunc=fail_first).with_retry(**NO_WAIT, stop_after_attempt=attempts)
    too_often = [index for index, count in enumerate(fails) if count >= attempts]
    if too_often and not return_exceptions:
        with pytest.raises(ValueError, match=f":{attempts}") as raised:
            verbs.batch(part, list(tried))
        assert raised.value.batch_index in too_often
        assert all(value == f"did {index}" for index, value in raised.value.batch_outputs.items())
        return
    outputs = verbs.batch(part, list(tried), return_exceptions=return_exceptions)
    for index, output in enumerate(outputs):
        assert str(output) == (f"{index}:{attempts}" if index in too_often else f"did {index}")
        assert isinstance(output, ValueError) == (index in too_often)
        assert tried[index] == min(fails[index] + 1, attempts)


def _finish(coroutine):
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    return stop.value.value


class TestWhatIsTriedAgain:
    def test_a_wrong_key_is_asked_with_once(self, verbs, server):
        server.fail(401, times=3)
        with pytest.raises(ModelAuthenticationError):
            verbs.invoke(chat(server).with_retry(**NO_WAIT), "Hi")
        assert server.request_count == 1

    def test_unless_it_is_named(self, verbs, server):
        server.fail(401, times=2)
        server.reply("well")
        part = chat(server).with_retry(**NO_WAIT, retry_if_exception_type=(ModelAuthenticationError,))
        assert verbs.invoke(part, "Hi").content == "well"
        assert server.request_count == 3

    def test_other_errors_than_the_named_pass_at_once(self, verbs):
        part, plan = streaming([KeyError("no")], ["late"])
        with pytest.raises(KeyError):
            verbs.invoke(part.with_retry(**NO_WAIT, retry_if_exception_type=(ValueError,)), "x")
        assert plan.begun == 1

    def test_a_function_may_decide(self, verbs):
        part, plan = streaming([ValueError("maybe")], [ValueError("never")], ["late"])
        retrying = part.with_retry(**NO_WAIT, retry_if_exception_type=lambda error: "maybe" in str(error))
        with pytest.raises(ValueError, match="never"):
            verbs.invoke(retrying, "x")
        assert plan.begun == 2

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, Cancelled("stop")])
    @pytest.mark.parametrize("verb", ["invoke", "stream"])
    @pytest.mark.parametrize("around", ["retry", "fallbacks", "retry of everything"])
    def test_what_stops_a_program_or_a_run_passes(self, error, verb, around):
        part, plan = streaming([error() if isinstance(error, type) else error], ["late"])
        if around == "fallbacks":
            guarded = part.with_fallbacks([lambda x: "late"], exceptions_to_handle=(BaseException, Exception))
        else:
            everything = {} if around == "retry" else {"retry_if_exception_type": (BaseException,)}
            guarded = part.with_retry(**NO_WAIT, mid_stream="restart", **everything)
        kind = error if isinstance(error, type) else type(error)
        with pytest.raises(kind):
            guarded.invoke("x") if verb == "invoke" else list(guarded.stream("x"))
        assert plan.begun == 1

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
    def test_nor_is_it_ever_among_the_results_of_a_batch(self, error):
        def stop(number):
            if number == 2:
                raise error
            return number

        with pytest.raises(error):
            RunnableLambda(stop).with_retry(**NO_WAIT).batch([1, 2, 3], return_exceptions=True)
        with pytest.raises(error):
            list(RunnableLambda(stop).with_retry(**NO_WAIT).batch_as_completed([1, 2, 3], return_exceptions=True))


class TestPauses:
    def sleeps(self, monkeypatch, verbs):
        """The pauses that a colour is asked for; no time passes."""
        from prill.io import BLOCKING, get_asyncio_mode

        slept = []

        async def sleep(self, seconds):
            slept.append(seconds)

        colour = BLOCKING if verbs.name == "blocking" else get_asyncio_mode()
        monkeypatch.setattr(type(colour), "sleep", sleep)
        return slept

    def test_a_providers_advice_is_the_least_that_is_waited(self, verbs, monkeypatch):
        slept = self.sleeps(monkeypatch, verbs)
        part, _ = streaming([Failed("busy", retry_after=0.05)], [Failed("busy", retry_after=7)], ["well"])
        assert verbs.invoke(part.with_retry(**NO_WAIT), "x") == "well"
        assert slept == [0.05, 7]

    def test_the_pause_really_lasts(self, verbs, server):
        server.fail(429, times=1, retry_after=0.05)
        server.reply("well")
        assert verbs.invoke(chat(server).with_retry(**NO_WAIT), "Hi").content == "well"
        first, second = server.requests
        assert second.received_at - first.received_at >= 0.05

    def test_pauses_grow_and_have_an_end(self, verbs, monkeypatch):
        slept = self.sleeps(monkeypatch, verbs)
        part, _ = streaming([KeyError()])
        waits = {"initial": 1, "exp_base": 2, "jitter": 0, "max": 3}
        with pytest.raises(KeyError):
            verbs.invoke(part.with_retry(exponential_jitter_params=waits, stop_after_attempt=5), "x")
        assert slept == [1, 2, 3, 3]

    def test_without_waiting_there_is_no_pause(self, verbs, monkeypatch):
        slept = self.sleeps(monkeypatch, verbs)
        part, _ = streaming([ValueError()], ["well"])
        assert verbs.invoke(part.with_retry(**NO_WAIT), "x") == "well"
        assert slept == []


class TestBuilding:
    @pytest.mark.parametrize("attempts", [0, -1, 1.5, "3"])
    def test_a_number_of_tries_that_is_none_is_refused(self, attempts):
        with pytest.raises(ConfigError, match="stop_after_attempt"):
            RunnableLambda(len).with_retry(stop_after_attempt=attempts)

    def test_types_that_are_no_errors_are_refused(self):
        with pytest.raises(CompositionError, match="retry_if_exception_type"):
            RunnableLambda(len).with_retry(retry_if_exception_type=("ValueError",))

    def test_another_policy_than_the_two_is_refused(self):
        with pytest.raises(ConfigError, match="mid_stream"):
            RunnableLambda(len).with_retry(mid_stream="ignore")

    def test_it_is_seen_as_its_attempts_are(self, verbs):
        part, _ = streaming([ValueError()], ["well"])
        names = Names()
        verbs.invoke(part.with_retry(**NO_WAIT), "x", {"callbacks": [names]})
        assert [each for each in names.seen if each[1] == "flaky"] != []

    def test_it_keeps_the_promises_of_every_runnable(self):
        check_runnable(RunnableLambda(len).with_retry(**NO_WAIT), "four", expected=4)
        check_runnable(RunnableGenerator(upper).with_retry(mid_stream="restart"), "four", expected="FOUR")

    def test_it_can_be_pickled(self):
        part = RunnableLambda(len).with_retry(stop_after_attempt=5)
        assert pickle.loads(pickle.dumps(part)) == part
