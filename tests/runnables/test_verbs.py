"""The verbs, in both colours, and what may be a step."""

import asyncio
import functools
import threading

import pytest
from tests.helpers import label

from prill.errors import AsyncRequiredError, CompositionError, ConfigError
from prill.runnables import (
    Runnable,
    RunnableBinding,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSequence,
    chain,
)
from prill.testing.check import check_runnable


def add_one(number):
    return number + 1


def double(number):
    return number * 2


def letters(inputs):
    for text in inputs:
        yield from text


async def aletters(inputs):
    async for text in inputs:
        for letter in text:
            yield letter


class OnlyInvoke(Runnable):
    def invoke(self, input, config=None, **kwargs):
        return input + 1


PARTS = {
    "lambda": (RunnableLambda(add_one), 1, 2),
    "sequence": (RunnableLambda(add_one) | double, 1, 4),
    "nested sequence": (RunnableSequence(RunnableLambda(add_one), double, name="inner") | str | list, 1, ["4"]),
    "parallel": (RunnableParallel(a=add_one, b=double), 5, {"a": 6, "b": 10}),
    "parallel of generators": (RunnableParallel(a=letters, b=aletters), "abc", {"a": "abc", "b": "abc"}),
    "generator into parallel": (
        RunnableGenerator(letters) | {"a": letters, "b": len, "c": RunnablePassthrough()},
        "abc",
        {"a": "abc", "b": 3, "c": "abc"},
    ),
    "passthrough": (RunnablePassthrough(), "x", "x"),
    "passthrough with a function": (RunnableGenerator(letters) | RunnablePassthrough(len), "abc", "abc"),
    "assign": (RunnablePassthrough.assign(b=lambda given: given["a"] + 1), {"a": 1}, {"a": 1, "b": 2}),
    "pick one": (RunnablePick("a"), {"a": 1, "b": 2}, 1),
    "pick some": (RunnablePick(["a", "c"]), {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}),
    "binding": (RunnableLambda(add_one).with_config(tags=["t"], run_name="named"), 1, 2),
    "each": (RunnableLambda(add_one).map(), [1, 2, 3], [2, 3, 4]),
    "generator": (RunnableGenerator(letters), "abc", "abc"),
    "async generator": (RunnableGenerator(aletters), "abc", "abc"),
    "both generators": (RunnableGenerator(letters, aletters) | letters | aletters, "abc", "abc"),
    "only invoke": (OnlyInvoke(), 1, 2),
    "only invoke in a chain": (OnlyInvoke() | add_one | OnlyInvoke(), 1, 4),
    "deep": (
        RunnableParallel(x=RunnableGenerator(letters) | RunnablePassthrough() | {"y": letters, "z": len})
        .assign(n=RunnablePick("x") | RunnablePick("z"))
        .pick(["x", "n"]),
        "abcd",
        {"x": {"y": "abcd", "z": 4}, "n": 4},
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_keeps_the_promises_of_a_runnable(name):
    part, input, expected = PARTS[name]
    check_runnable(part, input, expected=expected)


def test_batch_keeps_the_order_of_the_inputs(verbs):
    assert verbs.batch(RunnableLambda(add_one), list(range(50))) == list(range(1, 51))


def test_a_batch_of_nothing_is_nothing(verbs):
    assert verbs.batch(RunnableLambda(add_one), []) == []
    assert verbs.as_completed(RunnableLambda(add_one), []) == []


def test_batch_as_completed_gives_each_index_once(verbs):
    assert sorted(verbs.as_completed(RunnableLambda(add_one), [5, 6, 7])) == [(0, 6), (1, 7), (2, 8)]


def test_batch_as_completed_yields_the_first_done_first():
    slow_may_end = threading.Event()

    def work(name):
        if name == "slow":
            assert slow_may_end.wait(5)
        return name

    outcomes = RunnableLambda(work).batch_as_completed(["slow", "quick"])
    assert next(outcomes) == (1, "quick")
    slow_may_end.set()
    assert list(outcomes) == [(0, "slow")]


def test_max_concurrency_bounds_a_batch(verbs):
    lock, running, most = threading.Lock(), 0, 0

    def work(x):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1
        return x

    for run in (verbs.batch, verbs.as_completed):
        most = 0
        run(RunnableLambda(work), list(range(12)), {"max_concurrency": 2})
        assert 1 <= most <= 2


def test_the_first_error_ends_a_batch(verbs):
    def work(x):
        if x == 1:
            raise ValueError("one")
        return x

    with pytest.raises(ValueError, match="one"):
        verbs.batch(RunnableLambda(work), [0, 1, 2])
    with pytest.raises(ValueError, match="one"):
        verbs.as_completed(RunnableLambda(work), [0, 1, 2])


def test_return_exceptions_puts_errors_in_their_places(verbs):
    def work(x):
        if x == 1:
            raise ValueError("one")
        return x

    zero, one, two = verbs.batch(RunnableLambda(work), [0, 1, 2], return_exceptions=True)
    assert (zero, two) == (0, 2)
    assert isinstance(one, ValueError)
    outcomes = dict(verbs.as_completed(RunnableLambda(work), [0, 1, 2], return_exceptions=True))
    assert isinstance(outcomes[1], ValueError)


def test_an_interrupt_is_never_a_result():
    def work(x):
        if x == 1:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        RunnableLambda(work).batch([0, 1, 2], return_exceptions=True)
    with pytest.raises(KeyboardInterrupt):
        list(RunnableLambda(work).batch_as_completed([0, 1, 2], return_exceptions=True))


def test_cancelling_is_never_a_result():
    async def work(x):
        if x == 1:
            raise asyncio.CancelledError
        return x

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await RunnableLambda(work).abatch([0, 1, 2], return_exceptions=True)
        with pytest.raises(asyncio.CancelledError):
            _ = [each async for each in RunnableLambda(work).abatch_as_completed([0, 1], return_exceptions=True)]

    asyncio.run(main())


def test_configs_of_a_batch_are_one_for_each_input(verbs):
    @chain
    def tags(_, config):
        return config["tags"]

    assert verbs.batch(tags, [1, 2], [{"tags": ["a"]}, {"tags": ["b"]}]) == [["a"], ["b"]]
    assert verbs.batch(tags, [1, 2], {"tags": ["a"]}) == [["a"], ["a"]]
    with pytest.raises(ConfigError, match="2 inputs and 1 configs"):
        verbs.batch(tags, [1, 2], [{"tags": ["a"]}])


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (add_one, RunnableLambda),
        (lambda x: x, RunnableLambda),
        (functools.partial(pow, 2), RunnableLambda),
        (str, RunnableLambda),
        (len, RunnableLambda),
        (letters, RunnableGenerator),
        (aletters, RunnableGenerator),
        (functools.partial(letters), RunnableGenerator),
        ({"a": add_one}, RunnableParallel),
        (RunnablePassthrough(), RunnablePassthrough),
        (RunnableLambda(add_one).bind(), RunnableBinding),
        (RunnableLambda(add_one).map(), RunnableEach),
    ],
)
def test_what_may_stand_in_a_chain(thing, kind):
    joined = RunnableLambda(add_one) | thing
    assert type(joined.last) is kind
    assert type((thing | RunnableLambda(add_one)).first) is kind


def test_callable_objects_are_steps_even_without_a_hash():
    class Adder:
        def __eq__(self, other):
            return True

        def __call__(self, x):
            return x + 1

    class Yields:
        def __call__(self, inputs):
            yield from inputs

    class Async:
        async def __call__(self, x):
            return x + 1

    assert RunnableLambda(Adder()).invoke(1) == 2
    assert (RunnableLambda(add_one) | Adder()).invoke(1) == 3
    assert list((RunnableLambda(add_one) | Yields()).stream(1)) == [2]
    assert asyncio.run((RunnableLambda(add_one) | Async()).ainvoke(1)) == 3


@pytest.mark.parametrize("thing", [1, "text", None, [add_one], (add_one,), object()], ids=label)
def test_what_is_no_step_is_named_with_what_would_be(thing):
    with pytest.raises(
        CompositionError, match=r"cannot be a step of a chain\. A step is a Runnable, a function"
    ) as bad:
        RunnableLambda(add_one) | thing
    assert type(thing).__name__ in str(bad.value)
    with pytest.raises(CompositionError):
        RunnableParallel(a=thing)
    with pytest.raises(CompositionError):
        RunnableSequence(RunnableLambda(add_one), double, thing)


def test_a_class_of_runnables_is_no_step_and_the_error_guesses_why():
    with pytest.raises(CompositionError, match="did you mean an instance"):
        RunnableLambda(add_one) | RunnablePassthrough


def test_a_sequence_has_two_steps_and_a_parallel_one_branch():
    with pytest.raises(CompositionError, match="two steps"):
        RunnableSequence(add_one)
    with pytest.raises(CompositionError, match="at least one branch"):
        RunnableParallel()
    with pytest.raises(CompositionError, match="at least one branch"):
        RunnableLambda(add_one) | {}


def test_sequences_are_flat_unless_they_have_a_name():
    one, two = RunnableLambda(add_one) | double, RunnableLambda(double) | add_one
    assert len((one | two).steps) == 4
    assert len((one | RunnableSequence(add_one, double, name="kept")).steps) == 3
    assert one.pipe(double, add_one, name="all").get_name() == "all"


def test_kwargs_go_to_the_first_step(verbs):
    def scale(x, by=1):
        return x * by

    assert verbs.invoke(RunnableLambda(scale) | add_one, 2, by=10) == 21
    assert verbs.stream(RunnableLambda(scale) | add_one, 2, by=10) == [21]
    assert verbs.invoke(RunnableLambda(scale).bind(by=3) | add_one, 2) == 7
    assert verbs.invoke(RunnableLambda(scale).bind(by=3).bind(by=4), 2) == 8
    assert verbs.invoke(RunnableLambda(scale).bind(by=3), 2, by=5) == 10


def test_chains_of_300_steps_work_in_every_verb(verbs):
    long = RunnableLambda(add_one)
    for _ in range(299):
        long = long | add_one
    assert verbs.invoke(long, 0) == 300
    assert verbs.stream(long, 0) == [300]
    assert verbs.batch(long, [0, 1]) == [300, 301]


def test_chains_nested_100_deep_work_in_every_verb(verbs):
    nested = RunnableLambda(add_one)
    for depth in range(100):
        nested = RunnableSequence(nested, add_one, name=f"level {depth}")
    assert verbs.invoke(nested, 0) == 101
    assert verbs.stream(nested, 0) == [101]


def test_blocking_verbs_work_inside_a_running_event_loop():
    part = RunnableLambda(add_one) | {"a": double, "b": add_one} | RunnablePick("a")

    async def main():
        assert part.invoke(1) == 4
        assert list(part.stream(1)) == [4]
        assert part.batch([1, 2]) == [4, 6]
        assert sorted(part.batch_as_completed([1, 2])) == [(0, 4), (1, 6)]

    asyncio.run(main())


def test_one_chain_serves_eight_threads():
    part = RunnableLambda(add_one) | {"a": double, "b": RunnablePassthrough()} | (lambda d: d["a"] + d["b"])
    wrong = []

    def work(start):
        for x in range(start, start + 20):
            if part.invoke(x) != 3 * (x + 1) or list(part.stream(x)) != [3 * (x + 1)]:
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nested_gathers_of_width_one_do_not_deadlock(verbs):
    part = RunnableLambda(add_one)
    for _ in range(5):
        part = RunnableParallel(a=part, b=part)
    out = verbs.invoke(part, 1, {"max_concurrency": 1})
    for _ in range(5):
        out = out["b"]
    assert out == 2


def test_nested_batches_use_no_more_threads_than_there_are():
    inner = RunnableLambda(add_one)
    for _ in range(3):
        inner = RunnableLambda(functools.partial(lambda step, x: step.batch([x] * 6)[0], inner))
    assert inner.batch([1] * 6) == [2] * 6


class TestColours:
    def test_an_async_function_in_a_blocking_verb_says_which_verb_to_use(self):
        async def later(x):
            return x

        for run in ("invoke", "stream"):
            with pytest.raises(AsyncRequiredError, match=r"later is an async function.*ainvoke"):
                list([getattr(RunnableLambda(add_one) | later, run)(1)][0])

    def test_a_lambda_that_returns_an_awaitable(self):
        async def later(x):
            return x + 1

        part = RunnableLambda(lambda x: later(x))
        assert asyncio.run(part.ainvoke(1)) == 2
        with pytest.raises(AsyncRequiredError, match="returned an awaitable in a blocking run"):
            part.invoke(1)

    def test_an_async_generator_that_awaits_only_its_input_works_in_blocking_code(self):
        assert list((RunnableGenerator(aletters) | aletters).stream("ab")) == ["a", "b"]

    @pytest.mark.parametrize("wait", [0, 0.001])
    @pytest.mark.parametrize("in_loop", [False, True])
    def test_an_async_generator_that_waits_on_the_loop_is_refused_and_closed(self, wait, in_loop):
        closed = []

        async def waits(inputs):
            try:
                async for each in inputs:
                    await asyncio.sleep(wait)
                    yield each
            finally:
                closed.append(True)

        def go():
            with pytest.raises(AsyncRequiredError, match=r"event loop.*astream"):
                list((RunnableLambda(add_one) | waits).stream(1))

        async def main():
            go()

        asyncio.run(main()) if in_loop else go()
        assert closed == [True]

    def test_plain_functions_run_in_a_worker_thread_under_asyncio(self):
        async def main():
            return await RunnableLambda(lambda _: threading.current_thread()).ainvoke(1)

        assert asyncio.run(main()) is not threading.current_thread()

    def test_many_plain_generators_in_one_asyncio_stream_do_not_wait_for_threads(self):
        part = RunnableGenerator(letters)
        for _ in range(40):
            part = part | letters

        async def main():
            streams = [part.astream("ab") for _ in range(3)]
            return [[chunk async for chunk in stream] for stream in streams]

        assert asyncio.run(main()) == [["a", "b"]] * 3

    def test_each_colour_uses_its_own_form(self, verbs):
        async def a_form(_):
            return "asyncio"

        assert verbs.invoke(RunnableLambda(lambda _: "blocking", a_form), 1) == verbs.name

    def test_a_plain_function_is_no_afunc(self):
        with pytest.raises(CompositionError, match="afunc is an async function"):
            RunnableLambda(add_one, afunc=double)
        with pytest.raises(CompositionError, match="needs a function"):
            RunnableLambda(3)
        with pytest.raises(CompositionError, match="generator function"):
            RunnableGenerator(add_one)


def test_an_async_function_deep_in_a_parallel_is_refused_with_its_place():
    async def later(x):
        return x

    with pytest.raises(AsyncRequiredError) as refused:
        RunnableParallel(a=add_one, b=later).invoke(1)
    assert refused.value.path == ("RunnableParallel<a,b>", "'b' (later)")
