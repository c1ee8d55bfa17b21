"""What ``__version__`` is under the other packages' names: the version whose documented names there are, and ours."""

from __future__ import annotations

from prill.version import __version__


def _of(documented: str) -> str:
    """``1.7.0+prill.0.1.0``: to programs that compare versions it is 1.7.0 (PEP 440, a local version)."""
    return f"{documented}+prill.{__version__.replace('+', '.')}"


CORE = _of("1.7.0")
OPENAI = _of("1.7.0")
ANTHROPIC = _of("1.7.0")
CLASSIC = _of("0.3.0")
COMMUNITY = _of("0.3.0")
TEXT_SPLITTERS = _of("1.0.0")
