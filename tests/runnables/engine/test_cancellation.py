"""A token stops the runs it was given to, from any thread, wherever they wait."""

import asyncio
import copy
import threading
import time

import pytest
from tests.runnables.flaky import NO_WAIT, chat, streaming

from prill.anthropic import ChatAnthropic
from prill.errors import Cancelled, ConfigError
from prill.output_parsers import StrOutputParser
from prill.runnables import CancelToken, RunnableLambda, RunnableParallel, StreamRestart
from prill.testing import Faults, Reply, check_runnable
from prill.testing.witness import Witness

SOON = 40.0
"""Seconds that a busy machine may take to send a request, or to see a closed connection."""


@pytest.fixture
def token():
    return CancelToken()


@pytest.fixture
def cancel_when(token):
    """Cancel the token in another thread, once a condition holds; ``at`` is when."""
    threads = []

    class Cancelling:
        def __init__(self, condition):
            self.at = None
            self._condition = condition
            threads.append(threading.Thread(target=self._run, name="cancelling"))
            threads[-1].start()

        def _run(self):
            held = self._condition()
            time.sleep(0.03)  # until the request is waited for
            self.at = time.monotonic()
            token.cancel()  # in any case: a run that nothing cancels would never end
            assert held

    yield Cancelling
    for thread in threads:
        thread.join()


SILENCES = {
    "no answer": Faults(first_delay=60),
    "headers alone": Faults(stall_at=0),
    "two chunks": Faults(stall_at=3),
}


def silent(silence, seen):
    # A plain answer is one event.
    return SILENCES[silence] if seen.streaming or silence == "no answer" else Faults(stall_at=0)


SHAPES = {
    "alone": lambda model: model,
    "chain": lambda model: RunnableLambda(lambda text: text) | model | StrOutputParser(),
    "parallel": lambda model: RunnableParallel(one=model, two=lambda text: text),
    "retry": lambda model: model.with_retry(mid_stream="restart"),
    "retry of everything": lambda model: model.with_retry(
        mid_stream="restart", retry_if_exception_type=(BaseException,)
    ),
    "fallbacks": lambda model: model.with_fallbacks([lambda _: "late"], mid_stream="restart"),
    "timeout": lambda model: model.with_timeout(first_chunk=50, between_chunks=50, total=60),
    "nested run": lambda model: RunnableLambda(
        lambda text: model.invoke(text), afunc=lambda_async(lambda text: model.ainvoke(text))
    ),
}


def lambda_async(make):
    async def call(text):
        return await make(text)

    return call


@pytest.mark.parametrize("verb", ["invoke", "stream", "batch", "as_completed"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("silence", SILENCES)
def test_a_run_that_waits_ends_and_its_connection_is_closed(verbs, server, token, cancel_when, verb, shape, silence):
    server.replies(lambda seen: Reply(["one", " two", " three"], faults=silent(silence, seen)))
    many = verb in ("batch", "as_completed")
    cancel_when(lambda: server.wait_requests(2 if many else 1, SOON))
    part = SHAPES[shape](chat(server))
    given = ["Hi", "Ho"] if many else "Hi"
    with pytest.raises(Cancelled):
        getattr(verbs, verb)(part, given, {"cancel": token})
    assert server.wait_closed(SOON)
    assert server.request_count == (2 if many else 1)
    assert server.closed_early == server.request_count


def test_the_error_carries_what_had_come(verbs, server, token, cancel_when):
    server.replies(lambda seen: Reply(["one", " two", " three"], faults=Faults(stall_at=3)))
    received = []
    cancel_when(lambda: wait_until(lambda: "".join(received) == "one two"))
    with pytest.raises(Cancelled, match="was cancelled") as raised:
        take_each(verbs, chat(server) | StrOutputParser(), token, received.append)
    assert raised.value.partial == "one two"


def again_and_silent(server):
    """Answer the first request, then say no more."""
    server.replies(
        lambda seen: Reply(
            ["one", " two"], usage=(12, 3), faults=Faults(stall_at=0) if server.request_count > 1 else Faults()
        )
    )


class TestTheTokens:
    """What the models of a stopped run have used is told, wherever in it they are."""

    @staticmethod
    def claude(server):
        return ChatAnthropic(model="claude-haiku-4-5", base_url=server.anthropic_url, api_key="none", max_retries=0)

    def test_of_a_stream_that_had_begun(self, verbs, server, token, cancel_when):
        server.replies(lambda seen: Reply(["one", " two", " three"], usage=(12, 3), faults=Faults(stall_at=4)))
        received = []
        cancel_when(lambda: wait_until(lambda: received))
        with pytest.raises(Cancelled) as raised:
            take_each(verbs, self.claude(server) | StrOutputParser(), token, received.append)
        assert raised.value.usage["input_tokens"] == 12

    @pytest.mark.parametrize("verb", ["invoke", "stream"])
    @pytest.mark.parametrize("shape", ["one after the other", "inside a function", "a failed try", "watched"])
    def test_of_a_model_before_the_one_that_was_waited_for(self, verbs, server, token, cancel_when, verb, shape):
        again_and_silent(server)
        model, config = self.claude(server), {"cancel": token}
        first = model | StrOutputParser()
        if shape == "inside a function":

            async def ask(text):
                return await (model | StrOutputParser()).ainvoke(text)

            first = RunnableLambda(lambda text: (model | StrOutputParser()).invoke(text), ask)
        elif shape == "a failed try":
            tries = []

            def fail_once(text):
                tries.append(text)
                if len(tries) == 1:
                    raise ValueError("not yet")
                return text

            first = (first | fail_once).with_retry(**NO_WAIT)
        elif shape == "watched":
            config["callbacks"] = [Witness()]
        cancel_when(lambda: server.wait_requests(2, SOON))
        with pytest.raises(Cancelled) as raised:
            getattr(verbs, verb)(first | model | StrOutputParser(), "Hi", config)
        usage = raised.value.usage
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (12, 3, 15)

    def test_of_none_there_are_none(self, verbs, token):
        part, _ = streaming(["a", "b"])
        with pytest.raises(Cancelled) as raised:
            take_each(verbs, part, token, lambda chunk: token.cancel())
        assert raised.value.usage is None


def take_each(verbs, part, token, take):
    async def main():
        async for chunk in part.astream("x", {"cancel": token}):
            take(chunk)

    if verbs.name == "asyncio":
        asyncio.run(main())
        return
    for chunk in part.stream("x", {"cancel": token}):
        take(chunk)


def test_between_two_chunks_the_consumer_may_cancel(verbs, token):
    part, _ = streaming(["a", "b", "c"])
    taken = []

    def take(chunk):
        taken.append(chunk)
        token.cancel()

    with pytest.raises(Cancelled) as raised:
        take_each(verbs, part, token, take)
    assert (taken, raised.value.partial) == (["a"], "a")


def test_all_runs_of_a_token_end(server, token, cancel_when):
    server.replies(lambda seen: Reply(["one"], faults=Faults(stall_at=0)))
    cancel_when(lambda: server.wait_requests(4, SOON))
    ended = []

    def work():
        with pytest.raises(Cancelled):
            chat(server).invoke("Hi", {"cancel": token})
        ended.append("thread")

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()

    async def main():
        model = chat(server)
        runs = [model.ainvoke("Hi", {"cancel": token}) for _ in range(2)]
        return await asyncio.gather(*runs, return_exceptions=True)

    assert [type(error) for error in asyncio.run(main())] == [Cancelled, Cancelled]
    for thread in threads:
        thread.join(5)
    assert ended == ["thread", "thread"]


@pytest.mark.parametrize("verb", ["invoke", "stream", "batch", "as_completed"])
def test_with_a_cancelled_token_nothing_begins(verbs, token, verb):
    token.cancel()
    begun = []
    given = [1, 2] if verb in ("batch", "as_completed") else 1
    with pytest.raises(Cancelled):
        getattr(verbs, verb)(RunnableLambda(begun.append) | begun.append, given, {"cancel": token})
    assert begun == []


def test_no_further_step_begins(verbs, token):
    begun = []

    def first(_):
        token.cancel()

    with pytest.raises(Cancelled):
        verbs.invoke(RunnableLambda(first) | begun.append, 1, {"cancel": token})
    assert begun == []


def test_no_further_input_of_a_batch_begins(verbs, token):
    begun = []

    def work(number):
        begun.append(number)
        if number == 2:
            token.cancel()
        return number

    with pytest.raises(Cancelled) as raised:
        verbs.batch(RunnableLambda(work), range(50), {"cancel": token, "max_concurrency": 1}, return_exceptions=True)
    assert begun == [0, 1, 2]
    assert raised.value.batch_outputs == {0: 0, 1: 1}


def test_one_of_several_tokens_stops_its_own_input_alone(verbs):
    tokens = [CancelToken(), CancelToken()]
    tokens[1].cancel()
    configs = [{"cancel": token} for token in tokens]
    done, cancelled = verbs.batch(RunnableLambda(len), ["one", "two"], configs, return_exceptions=True)
    assert done == 3
    assert isinstance(cancelled, Cancelled)


def test_a_run_that_a_function_begins_is_stopped_too(verbs, token):
    begun = []

    def outer(text):
        token.cancel()
        return RunnableLambda(begun.append).invoke(text)

    with pytest.raises(Cancelled):
        verbs.invoke(RunnableLambda(outer), "x", {"cancel": token})
    assert begun == []


def test_what_could_not_be_stopped_is_not_lost(token):
    def stubborn(text):
        token.cancel()
        return text.upper()

    with pytest.raises(Cancelled, match="ran to its end") as raised:
        RunnableLambda(stubborn).invoke("done", {"cancel": token})
    assert raised.value.partial == "DONE"


def test_a_pause_before_the_next_try_is_ended(verbs, token, cancel_when):
    part, plan = streaming([ValueError()])
    cancel_when(lambda: wait_until(lambda: plan.begun))
    waits = {"initial": 60, "jitter": 0, "max": 60}
    with pytest.raises(Cancelled):
        verbs.invoke(part.with_retry(exponential_jitter_params=waits), "x", {"cancel": token})
    assert plan.begun == 1


def wait_until(condition):
    end = time.monotonic() + SOON
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_watched_it_is_told_as_cancelled(verbs, server, token, cancel_when, verb):
    server.replies(lambda seen: Reply(["one", " two"], faults=Faults(stall_at=0)))
    cancel_when(lambda: server.wait_requests(1, SOON))
    witness = Witness()
    chain = RunnableLambda(lambda text: text) | chat(server)
    with pytest.raises(Cancelled):
        getattr(verbs, verb)(chain, "Hi", {"cancel": token, "callbacks": [witness]})
    assert witness.complaints() == []
    assert {run.name for run, _ in witness.of("cancel")} == {"RunnableSequence", "ChatOpenAI"}
    assert witness.of("error") == []


def test_a_partial_is_that_of_the_last_try(verbs, token):
    part, _ = streaming(["a", ValueError()], ["b", "c"])
    stream = part.with_retry(**NO_WAIT, mid_stream="restart")

    def take(chunk):
        if chunk == "b":
            token.cancel()

    with pytest.raises(Cancelled) as raised:
        take_each(verbs, stream, token, take)
    assert raised.value.partial == "b"
    assert not isinstance(raised.value.partial, StreamRestart)


def test_a_live_view_is_ended_too(server, token, cancel_when):
    server.replies(lambda seen: Reply(["one", " two"], faults=Faults(stall_at=0)))
    cancel_when(lambda: server.wait_requests(1, SOON))
    with pytest.raises(Cancelled):
        list(chat(server).stream_events("Hi", {"cancel": token}))
    assert server.wait_closed(SOON)


def test_runs_that_end_well_are_forgotten(verbs, token):
    for _ in range(3):
        verbs.invoke(RunnableLambda(len), "four", {"cancel": token})
        verbs.stream(RunnableLambda(len), "four", {"cancel": token})
        verbs.take(streaming(["a", "b"])[0], "x", 1, {"cancel": token})
    assert not token._stop_functions


def test_something_else_than_a_token_is_refused():
    with pytest.raises(ConfigError, match="cancel must be a CancelToken"):
        RunnableLambda(len).invoke("x", {"cancel": threading.Event()})


def test_a_copied_config_has_the_same_token(token):
    assert copy.deepcopy({"cancel": token})["cancel"] is token


def test_a_run_with_a_token_keeps_the_promises_of_every_runnable(token):
    def upper(chunks):
        for chunk in chunks:
            yield chunk.upper()

    check_runnable(RunnableLambda(len), "four", expected=4, config={"cancel": token})
    chain = RunnableLambda(str) | upper
    check_runnable(chain, "four", expected="FOUR", config={"cancel": token})
