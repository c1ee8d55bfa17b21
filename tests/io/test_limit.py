"""At most so many at once, over all levels, whatever is withdrawn."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from prill.io import Limit


class Helpers:
    """Begins helpers as a limit allows, as long as they are wanted."""

    def __init__(self, limit):
        self.limit = limit
        self.running = 0
        self.wanted = True

    def take(self):
        if self.wanted:
            self.running += 1
        return self.wanted

    def end(self):
        self.running -= 1
        self.limit.release()


def test_who_starts_the_tree_is_one_of_them():
    helpers = Helpers(Limit(3))
    for _ in range(5):
        helpers.limit.ask(helpers.take)
    assert helpers.running == 2


def test_a_helper_that_ends_makes_room_for_the_next():
    helpers = Helpers(Limit(2))
    for _ in range(3):
        helpers.limit.ask(helpers.take)
    assert helpers.running == 1
    helpers.end()
    assert helpers.running == 1


def test_one_that_finds_no_work_makes_room_too():
    limit = Limit(2)
    idle, busy = Helpers(limit), Helpers(limit)
    blocker = Helpers(limit)
    limit.ask(blocker.take)
    idle.wanted = False
    limit.ask(idle.take)
    limit.ask(busy.take)
    blocker.end()
    assert (idle.running, busy.running) == (0, 1)


def test_a_withdrawn_request_is_not_met():
    helpers = Helpers(Limit(2))
    first, second = (helpers.limit.ask(helpers.take) for _ in range(2))
    assert second() is True
    assert first() is False
    helpers.end()
    assert helpers.running == 0


def test_a_request_that_waits_for_the_limit_around_can_be_withdrawn():
    outer = Limit(2)
    busy = Helpers(outer)
    outer.ask(busy.take)
    inner = Limit(2, outer)
    waiting = Helpers(inner)
    assert inner.ask(waiting.take)() is True
    assert len(outer._waiting_requests) == 0
    inner.ask(waiting.take)
    busy.end()
    assert waiting.running == 1, "the place in the inner limit was given back"


def test_many_short_trees_leave_no_request_behind():
    outer = Limit(1)
    for _ in range(100):
        inner = Limit(4, outer)
        withdraw = [inner.ask(Helpers(inner).take) for _ in range(5)]
        for each in withdraw:
            each()
    assert len(outer._waiting_requests) == 0


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "end", "withdraw"]), st.integers(0, 3), st.integers(0, 9)), max_size=60
)


@settings(max_examples=150)
@given(widths=st.lists(st.integers(1, 4), min_size=4, max_size=4), steps=steps)
def test_no_limit_is_exceeded_and_no_place_is_lost(widths, steps):
    root = Limit(widths[0])
    limits = [root, Limit(widths[1], root), Limit(widths[2], root)]
    limits.append(Limit(widths[3], limits[1]))
    helpers = [Helpers(limit) for limit in limits]
    requests = []
    for what, which, pick in steps:
        if what == "ask":
            requests.append(limits[which].ask(helpers[which].take))
        elif what == "end" and helpers[which].running:
            helpers[which].end()
        elif what == "withdraw" and requests:
            requests.pop(pick % len(requests))()
        running = [each.running for each in helpers]
        assert sum(running) <= root.width - 1
        assert running[1] + running[3] <= limits[1].width - 1
        assert running[2] <= limits[2].width - 1
        assert running[3] <= limits[3].width - 1
    for withdraw in requests:
        withdraw()
    for each in helpers:
        while each.running:
            each.end()
    assert [limit._free_places for limit in limits] == [limit.width - 1 for limit in limits]
    assert all(not limit._waiting_requests for limit in limits)


def test_places_are_kept_count_of_across_threads():
    limit = Limit(3, Limit(5))
    most, now, lock = 0, 0, threading.Lock()
    threads = []

    def work():
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        with lock:
            now -= 1
        limit.release()

    def take():
        thread = threading.Thread(target=work)
        threads.append(thread)
        thread.start()
        return True

    for _ in range(200):
        limit.ask(take)
    while len(threads) < 200 or any(thread.is_alive() for thread in threads):
        for thread in list(threads):
            thread.join()
    assert most <= 2
    assert limit._free_places == 2
