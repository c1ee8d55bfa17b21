"""Arguments that cannot be: refused by their names, with the one that was probably meant."""

from __future__ import annotations

import difflib
import inspect
import operator
from collections.abc import Callable, Iterable
from typing import Any

from prill.errors import ConfigError


def refuse_unknown(what: str, given: Iterable[str], known: Iterable[str], advice: str = "") -> None:
    """Raise ``ConfigError`` for a name in ``given`` that is not in ``known``."""
    known = list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            meant = f"; did you mean {close[0]!r}?" if close else "."
            takes = f" It takes {', '.join(known)}." if known else ""
            raise ConfigError(f"{what} takes no argument {name!r}{meant}{takes}{advice}")


def check_count(name: str, value: Any) -> int:
    """Return a whole number, 1 or more. Raises ``ConfigError`` for others."""
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise ConfigError(f"{name} must be the number of documents to find, 1 or more, not {value!r}")
    return count


def check_fraction(name: str, value: Any) -> float:
    """Return a number from 0 to 1. Raises ``ConfigError`` for others."""
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{name} must be a number from 0 to 1, not {value!r}")
    return value


def get_argument_names(function: Callable[..., Any]) -> list[str]:
    """Return the arguments of a function that can be given by name, without the one for the object itself."""
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
