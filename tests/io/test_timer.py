"""One thread for all timers: each fires once, at its time, unless it was stopped."""

import gc
import os
import queue
import threading
import time
import weakref

import pytest
from tests.helpers import requires

from prill.io.timer import _CLOCKS, Timer


def fire_after(seconds, fired, name):
    return Timer(time.monotonic() + seconds, lambda: fired.put(name))


@pytest.fixture
def fired():
    return queue.SimpleQueue()


def test_timers_fire_in_the_order_of_their_times(fired):
    timers = [fire_after(seconds, fired, seconds) for seconds in (0.06, 0.02, 0.04)]
    assert [fired.get(timeout=5) for _ in timers] == [0.02, 0.04, 0.06]
    assert all(timer.fired for timer in timers)


def test_one_for_the_past_fires_at_once(fired):
    fire_after(-1, fired, "past")
    assert fired.get(timeout=5) == "past"


def test_a_stopped_timer_does_not_fire(fired):
    stopped = fire_after(0.01, fired, "stopped")
    stopped.stop()
    stopped.stop()
    fire_after(0.03, fired, "other")
    assert fired.get(timeout=5) == "other"
    assert not stopped.fired


def test_a_stopped_timer_does_not_keep_its_function_alive():
    class Run:
        def stop(self): ...

    run = Run()
    timer = Timer(time.monotonic() + 60, run.stop)
    gone = weakref.ref(run)
    timer.stop()
    del run
    gc.collect()
    assert gone() is None


def test_stopped_timers_do_not_pile_up():
    for _ in range(1000):
        Timer(time.monotonic() + 60, lambda: None).stop()
    assert len(_CLOCKS.get(None)._heap) < 200


def test_a_timer_that_raises_does_not_stop_the_others(fired, monkeypatch):
    reported = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def fail():
        raise ValueError("no")

    Timer(time.monotonic() + 0.01, fail)
    fire_after(0.03, fired, "next")
    assert fired.get(timeout=5) == "next"
    assert [str(error) for error in reported] == ["no"]


def test_timers_that_timers_set_fire_too(fired):
    Timer(time.monotonic() + 0.01, lambda: fire_after(0.01, fired, "second"))
    assert fired.get(timeout=5) == "second"


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_timers_of_its_own(fired):
    timer = fire_after(60, fired, "never")
    child = os.fork()
    if child == 0:
        fired = threading.Event()
        Timer(time.monotonic() + 0.01, fired.set)
        os._exit(0 if fired.wait(5) else 1)
    _, status = os.waitpid(child, 0)
    timer.stop()
    assert status == 0
