import signal
import sys
import threading
from types import FrameType

import pytest

from prill.errors import Cancelled
from prill.io import BLOCKING, drive
from prill.io.threads import get_item


def interrupt_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def waits_for_workers(frame: FrameType | None) -> bool:
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names[:2] == [get_item.__name__, "_close_group"]


def test_an_interrupt_while_only_workers_run_takes_them_out() -> None:
    worker_runs = threading.Event()
    outcomes: list[str] = []
    signals = ["SIGINT"]

    async def body() -> None:
        if threading.current_thread() is threading.main_thread():
            worker_runs.wait()  # so that this thread has no body left and waits for the worker
            return
        worker_runs.set()
        while signals and not waits_for_workers(sys._current_frames()[threading.main_thread().ident or 0]):
            pass
        try:
            signals.pop()  # one of the workers sends it, if this thread has got no body
        except IndexError:
            pass
        else:
            interrupt_main_thread()
        try:
            await BLOCKING.sleep(3600)
        except Cancelled:
            outcomes.append("cancelled")
            raise

    with pytest.raises(KeyboardInterrupt):
        drive(BLOCKING.gather([body, body]))
    assert set(outcomes) == {"cancelled"}
