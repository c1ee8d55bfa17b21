"""A word that stops runs, from any thread."""

import copy
import threading

import pytest

from prill.io import CancelToken


def test_all_that_were_added_are_stopped():
    token, stopped = CancelToken(), []
    token.add(lambda: stopped.append(1))
    token.add(lambda: stopped.append(2))
    assert not token.cancelled
    token.cancel()
    assert token.cancelled
    assert sorted(stopped) == [1, 2]


def test_what_is_added_later_is_stopped_at_once():
    token, stopped = CancelToken(), []
    token.cancel()
    token.add(lambda: stopped.append(1))
    assert stopped == [1]


def test_what_was_taken_back_is_not_stopped():
    token, stopped = CancelToken(), []
    stop = lambda: stopped.append(1)  # noqa: E731 - it is compared
    token.add(stop)
    token.discard(stop)
    token.discard(stop)
    token.cancel()
    assert stopped == []


def test_one_that_fails_does_not_keep_the_others_running():
    token, stopped = CancelToken(), []

    def fail():
        raise ValueError("no")

    for _ in range(5):
        token.add(lambda: stopped.append(1))
        token.add(fail)
    with pytest.raises(ValueError, match="no"):
        token.cancel()
    assert stopped == [1] * 5


def test_many_threads_may_cancel():
    token, stopped = CancelToken(), []
    token.add(lambda: stopped.append(1))
    threads = [threading.Thread(target=token.cancel) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stopped


def test_a_copy_is_the_same_word():
    token = CancelToken()
    assert copy.deepcopy([token])[0] is token
