"""Programs on a terminal of their own: what they show, and what is typed, Ctrl-C among it."""

from __future__ import annotations

import codecs
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CTRL_C, CTRL_D = "\x03", "\x04"
PATIENCE = 90.0

# A session's leader takes a terminal for its own, so that Ctrl-C on it is a signal. Whoever runs the tests in the
# background may have turned that signal off, which programs inherit.
_LAUNCH = """
import fcntl, os, signal, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for descriptor in 0, 1, 2:
    os.dup2(terminal, descriptor)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """A program on a terminal."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.process = process
        self.screen = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt_until(self, text: str, *, again: float = 10.0) -> str:
        """Press Ctrl-C until ``text`` is shown, at first once and then every ``again`` seconds.

        A signal that comes in the instant before a program begins to read is seen only after the read; a person
        presses again. One that comes while a program still answers to the last one may end it.
        """
        for _ in range(int(PATIENCE / again)):
            self.type(CTRL_C)
            if self._shows(text, again):
                break
        return self.wait_for(text)

    def wait_for(self, text: str) -> str:
        """What is shown up to ``text``, which is awaited; it is not looked at again."""
        if not self._shows(text, PATIENCE):
            pytest.fail(f"{text!r} did not come; there is {self.screen!r}")
        shown, _, self.screen = self.screen.partition(text)
        return shown

    def _shows(self, text: str, patience: float) -> bool:
        ends = time.monotonic() + patience
        while text not in self.screen:
            ready, _, _ = select.select([self._descriptor], [], [], max(ends - time.monotonic(), 0))
            if not ready:
                return False
            self.screen += self._read()
        return True

    def _read(self) -> str:
        try:
            return self._decoder.decode(os.read(self._descriptor, 4096))
        except OSError:  # Linux: the program has left its terminal
            return pytest.fail(f"the program has ended; there is {self.screen!r}")


@contextmanager
def on_terminal(
    command: Sequence[str], *, more: Mapping[str, str] | None = None, place: Path | None = None
) -> Iterator[Terminal]:
    """Run ``command`` in ``place`` until the ``with`` block ends; ``more`` is added to its environment."""
    master, slave = pty.openpty()
    launch = [sys.executable, "-c", _LAUNCH, os.ttyname(slave), *command]
    environment = {**os.environ, "TERM": "dumb", "PYTHONIOENCODING": "utf-8", **(more or {})}
    with subprocess.Popen(launch, start_new_session=True, env=environment, cwd=place) as process:
        try:
            yield Terminal(master, process)
        finally:
            process.kill()
            os.close(slave)
            os.close(master)
