"""One clock for all deadlines: each rings once, at its time, unless it was stopped."""

import gc
import os
import queue
import threading
import time
import weakref

import pytest
from tests.helpers import requires

from prill.io.alarm import _CLOCK, Alarm


def ring_after(seconds, rung, name):
    return Alarm(time.monotonic() + seconds, lambda: rung.put(name))


@pytest.fixture
def rung():
    return queue.SimpleQueue()


def test_alarms_ring_in_the_order_of_their_times(rung):
    alarms = [ring_after(seconds, rung, seconds) for seconds in (0.06, 0.02, 0.04)]
    assert [rung.get(timeout=5) for _ in alarms] == [0.02, 0.04, 0.06]
    assert all(alarm.rang for alarm in alarms)


def test_one_for_the_past_rings_at_once(rung):
    ring_after(-1, rung, "past")
    assert rung.get(timeout=5) == "past"


def test_a_stopped_alarm_does_not_ring(rung):
    stopped = ring_after(0.01, rung, "stopped")
    stopped.stop()
    stopped.stop()
    ring_after(0.03, rung, "other")
    assert rung.get(timeout=5) == "other"
    assert not stopped.rang


def test_it_lets_go_of_what_it_would_have_called():
    class Run:
        def stop(self): ...

    run = Run()
    alarm = Alarm(time.monotonic() + 60, run.stop)
    gone = weakref.ref(run)
    alarm.stop()
    del run
    gc.collect()
    assert gone() is None


def test_stopped_alarms_do_not_pile_up():
    for _ in range(1000):
        Alarm(time.monotonic() + 60, lambda: None).stop()
    assert len(_CLOCK._heap) < 200


def test_the_clock_survives_an_alarm_that_raises(rung, monkeypatch):
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))

    def fail():
        raise ValueError("no")

    Alarm(time.monotonic() + 0.01, fail)
    ring_after(0.03, rung, "next")
    assert rung.get(timeout=5) == "next"
    assert [str(error) for error in told] == ["no"]


def test_alarms_that_alarms_set_ring_too(rung):
    Alarm(time.monotonic() + 0.01, lambda: ring_after(0.01, rung, "second"))
    assert rung.get(timeout=5) == "second"


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_a_clock_of_its_own(rung):
    alarm = ring_after(60, rung, "never")
    child = os.fork()
    if child == 0:
        rang = threading.Event()
        Alarm(time.monotonic() + 0.01, rang.set)
        os._exit(0 if rang.wait(5) else 1)
    _, status = os.waitpid(child, 0)
    alarm.stop()
    assert status == 0
