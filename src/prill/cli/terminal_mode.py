"""What is typed while an answer runs: not shown among it, and there for the next prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import termios
except ImportError:  # Windows, where the console keeps what is typed without showing it
    termios = None  # type: ignore[assignment]  # then nothing of it is used

_PASTE_ON, _PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Ask the terminal to mark pasted text: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h2-Bracketed-Paste-Mode"""


@contextmanager
def keep_typed_text() -> Iterator[None]:
    """Leave typed text unread and unseen on standard input, except while an editor reads it; Ctrl-C stays a signal.

    The terminal is as it was before when the block ends.
    """
    if termios is None or not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    # Enter stays a carriage return, as editors read it, and Ctrl-C does not drop what was typed before it.
    quiet[0] &= ~termios.ICRNL
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    quiet[3] |= termios.ISIG | termios.NOFLSH
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        mark_pasted_text(False)
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def mark_pasted_text(wanted: bool = True) -> None:
    """Ask the terminal to mark text that is pasted, so that its lines stay together; editors end this when they end."""
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        print(_PASTE_ON if wanted else _PASTE_OFF, end="", flush=True)
