"""Programs in a real terminal, tmux: keys go in, and what the screen shows at some width comes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from tests.helpers import eventually

PATIENCE = 90.0
_NUMBERS = count()
_ENDED = "exit status "
# The shell outlives the program, so that its last screen can be seen; tmux at times misses how a program ended.
_LAUNCH = f'trap : INT; "$@"; echo "{_ENDED}$?"; read _'


class Pane:
    """A program in a terminal of its own."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: ``Enter``, ``M-Enter``, ``C-c``, ``Up``."""
        self._tmux("send-keys", *keys)

    def say(self, text: str) -> None:
        """Type a line."""
        self.type(text)
        self.press("Enter")

    def paste(self, text: str) -> None:
        """Paste as terminals do: with marks around the text where the program has asked for them."""
        self._tmux("load-buffer", "-", input=text)
        self._tmux("paste-buffer", "-p")

    def lines(self, *, styled: bool = False) -> list[str]:
        """What the screen shows, without empty lines; ``styled`` keeps the codes of colours and the like."""
        shown = self._tmux("capture-pane", "-p", *(["-e"] if styled else []))
        return [line.rstrip() for line in shown.splitlines() if line.strip()]

    def wait(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The lines of the screen once they meet a condition."""
        found: list[str] = []

        def met() -> object:
            found[:] = self.lines()
            return condition(found)

        if not eventually(met, patience=PATIENCE):
            pytest.fail("the screen shows something else:\n" + "\n".join(self.lines()))
        return found

    def wait_for(self, *lines: str) -> list[str]:
        """The screen once its last lines are these."""
        return self.wait(lambda shown: tuple(shown[-len(lines) :]) == lines)

    def interrupt_until(self, condition: Callable[[list[str]], object], *, again: float = 10.0) -> list[str]:
        """Press Ctrl-C until the screen meets a condition, at first once; see ``tests.terminals``."""
        for _ in range(int(PATIENCE / again)):
            self.press("C-c")
            if eventually(lambda: condition(self.lines()), patience=again):
                break
        return self.wait(condition)

    def wait_exit(self) -> int:
        """The status that the program has ended with."""
        last = self.wait(lambda lines: lines and lines[-1].startswith(_ENDED))[-1]
        return int(last.removeprefix(_ENDED))

    def _tmux(self, *command: str, input: str | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *command], input=input, capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout


@contextmanager
def in_tmux(
    command: Sequence[str],
    *,
    columns: int = 120,
    rows: int = 40,
    more: Mapping[str, str] | None = None,
    place: Path | None = None,
) -> Iterator[Pane]:
    """Run ``command`` in a terminal of that size until the ``with`` block ends, with ``more`` in its environment."""
    socket = f"prill-{os.getpid()}-{next(_NUMBERS)}"
    environment = {**os.environ, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", **(more or {})}
    environment.pop("NO_COLOR", None)
    tmux = ["tmux", "-u", "-L", socket, "-f", os.devnull]
    size = ["-x", str(columns), "-y", str(rows)]
    launch = [*tmux, "new-session", "-d", *size, "--", "sh", "-c", _LAUNCH, "sh", *command]
    subprocess.run(launch, env=environment, cwd=place, check=True)
    try:
        yield Pane(socket)
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], check=False, capture_output=True)
