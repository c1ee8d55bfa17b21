"""Items are worked on in groups, by a thread that is there while it is needed."""

from __future__ import annotations

import threading
from typing import Any

from tests.helpers import left_threads, threads

from prill.io.group_thread import GroupThread


def group(work: Any, on_rest: Any = lambda: None, *, gather: float = 60.0, rest: float = 60.0) -> GroupThread[Any]:
    return GroupThread(work, "test-group", gather=gather, rest=rest, on_rest=on_rest)


def test_what_comes_meanwhile_is_one_group_and_the_last_item_of_a_key_counts() -> None:
    seen: list[Any] = []
    before = threads()
    made = group(seen.append, rest=0.01)
    for key, item in (("a", 1), ("b", 2), ("a", 3)):
        made.add(key, item, item)
    assert (len(made), made.size) == (2, 5)
    assert made.flush(60)
    assert (seen, len(made), made.size) == ([[3, 2]], 0, 0)
    assert left_threads(before) == set()


def test_the_thread_ends_when_nothing_comes_and_starts_again() -> None:
    before, seen, closed = threads(), [], []
    made = group(seen.append, lambda: closed.append(len(seen)), gather=0, rest=0.01)
    for number in range(3):
        made.add(number, number, 1)
        assert made.flush(60)
        assert left_threads(before) == set()
    assert seen == [[0], [1], [2]]
    assert closed[-1] == 3


def test_flushing_waits_for_the_group_that_is_worked_on() -> None:
    may_work, done = threading.Event(), []
    made = group(lambda items: (may_work.wait(60), done.append(items)), gather=0, rest=0.01)
    made.add("a", 1, 1)
    assert not made.flush(0.01)
    may_work.set()
    assert made.flush(60)
    assert done == [[1]]


def test_flushing_nothing_starts_no_thread() -> None:
    before = threads()
    assert group(lambda items: None).flush()
    assert threads() <= before
