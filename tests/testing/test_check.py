"""``check_runnable`` finds what a broken part does."""

import asyncio
import pickle
import threading

import pytest

from prill.runnables import Runnable, RunnableLambda
from prill.testing.check import check_runnable


class Fair(Runnable):
    def invoke(self, input, config=None, **kwargs):
        return input + "!"


def test_a_fair_part_passes():
    check_runnable(Fair(), "hi", expected="hi!")


def test_it_works_inside_a_running_event_loop():
    async def main():
        check_runnable(Fair(), "hi", expected="hi!")

    asyncio.run(main())


def test_a_wrong_output_is_named():
    with pytest.raises(AssertionError, match=r"Fair: invoke gave 'hi!', but 'ho' was expected"):
        check_runnable(Fair(), "hi", expected="ho")


def test_a_stream_that_differs_from_invoke_is_found():
    class Stutters(Fair):
        def stream(self, input, config=None, **kwargs):
            yield from [input, input, "!"]

    with pytest.raises(AssertionError, match=r"stream \(its 3 chunks joined\) gave 'hihi!'"):
        check_runnable(Stutters(), "hi")


def test_an_asyncio_form_that_differs_is_found():
    class Split(Fair):
        async def ainvoke(self, input, config=None, **kwargs):
            return input + "?"

    with pytest.raises(AssertionError, match="ainvoke gave 'hi\\?', but 'hi!'"):
        check_runnable(Split(), "hi")


def test_growing_values_are_detected():
    with pytest.raises(AssertionError, match="chunks joined"):
        check_runnable(Growing(), "a", expected=["a", "a"], cumulative=False)
    check_runnable(Growing(), "a", expected=["a", "a"])
    check_runnable(Growing(), "a", expected=["a", "a"], cumulative=True)


class Growing(Fair):
    def invoke(self, input, config=None, **kwargs):
        return [input, input]

    def stream(self, input, config=None, **kwargs):
        yield [input]
        yield [input, input]


def test_a_thread_that_goes_on_is_found():
    stop = threading.Event()
    try:

        class Leaks(Fair):
            def invoke(self, input, config=None, **kwargs):
                threading.Thread(target=stop.wait, name="leak", daemon=True).start()
                return input

        with pytest.raises(AssertionError, match="left a thread running: leak"):
            check_runnable(Leaks(), "hi")
    finally:
        stop.set()


def test_a_task_that_goes_on_is_found():
    class Leaks(Fair):
        async def ainvoke(self, input, config=None, **kwargs):
            self.task = asyncio.create_task(asyncio.sleep(60))
            return input + "!"

    with pytest.raises(AssertionError, match="left tasks running"):
        check_runnable(Leaks(), "hi")


def test_a_generator_that_stays_open_is_found():
    kept = []

    async def source():
        yield "hi"
        yield "!"

    class Leaks(Fair):
        async def astream(self, input, config=None, **kwargs):
            inner = source()
            kept.append(inner)
            async for chunk in inner:
                yield chunk

    with pytest.raises(AssertionError, match=r"left generators open: .*source"):
        check_runnable(Leaks(), "hi")


def test_a_part_that_breaks_when_pickled_is_found():
    with pytest.raises(AssertionError, match="after pickling"):
        check_runnable(Forgetful("!"), "hi")
    assert pickle.loads(pickle.dumps(Forgetful("!"))).end == ""


class Forgetful(Runnable):
    def __init__(self, end):
        self.end = end

    def __reduce__(self):
        return Forgetful, ("",)

    def invoke(self, input, config=None, **kwargs):
        return input + self.end


def test_outputs_that_vary_are_compared_by_the_users_rule():
    numbers = iter(range(10_000))
    part = RunnableLambda(lambda _: next(numbers))
    with pytest.raises(AssertionError, match="was expected"):
        check_runnable(part, "x")
    check_runnable(part, "x", compare=lambda one, other: type(one) is type(other))


def test_an_asyncio_only_part_is_checked_in_its_colour():
    async def shout(text):
        return text.upper()

    check_runnable(RunnableLambda(shout), "a", expected="A", colours=["asyncio"])
