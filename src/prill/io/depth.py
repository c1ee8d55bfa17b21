"""How much of the stack is in use."""

from __future__ import annotations

import sys


def is_deep() -> bool:
    """Whether two fifths of the calls that Python allows inside one another are."""
    try:
        sys._getframe(sys.getrecursionlimit() * 2 // 5)
    except ValueError:
        return False
    return True
