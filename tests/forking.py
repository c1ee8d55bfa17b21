"""Running a function in a forked child."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

SECONDS = 60


def passes_in_child(work: Callable[[], object]) -> bool:
    """Whether ``work`` ends in a child without an error; one that hangs is killed."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        code = 1
        try:
            work()
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            sys.stderr.flush()
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0
