"""Filters: which documents a search may find."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from prill.documents import Document
from prill.errors import ConfigError

Filter = Callable[[Any], bool] | Mapping[str, Any]
"""A function of a document (for ``FAISS`` of its metadata, as in LangChain); or the metadata it must have, as
``{"year": {"$gte": 2020}, "kind": ["a", "b"]}``."""

Test = Callable[[Document], bool]

_MISSING: Any = object()


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, wanted: Any) -> bool:
        if value is _MISSING:
            return False
        try:
            return compare(value, wanted)
        except TypeError:
            return False  # a text is neither more nor less than a number

    return test


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": operator.eq,
    "$neq": operator.ne,
    "$ne": operator.ne,
    "$gt": _compared(operator.gt),
    "$gte": _compared(operator.ge),
    "$lt": _compared(operator.lt),
    "$lte": _compared(operator.le),
    "$in": lambda value, wanted: any(value == each for each in wanted),
    "$nin": lambda value, wanted: all(value != each for each in wanted),
}


def _whole(document: Document) -> Any:
    return document


def get_metadata(document: Document) -> Any:
    """Return what a filter of ``FAISS`` that is a function takes."""
    return document.metadata


def compile_filter(wanted: Filter, get_argument: Callable[[Document], Any] = _whole) -> Test:
    """Return what says of a document whether it passes. Raises ``ConfigError`` for a filter that cannot be understood.

    In a dictionary each key names a field of the metadata, and all must hold. A value must be equal; of a list, one
    of its values; a dictionary compares (``$eq $neq $gt $gte $lt $lte $in $nin``). ``$and``, ``$or`` and ``$not``
    put filters together.
    """
    if callable(wanted):
        return _checked(wanted, get_argument)
    if not isinstance(wanted, Mapping):
        raise ConfigError(f"a filter must be a function of a document or a dictionary, not {wanted!r:.80}")
    tests = [_entry(key, value, get_argument) for key, value in wanted.items()]
    return lambda document: all(test(document) for test in tests)


def _checked(function: Callable[[Any], Any], get_argument: Callable[[Document], Any]) -> Test:
    def passes(document: Document) -> bool:
        answer = function(get_argument(document))
        if inspect.iscoroutine(answer):
            answer.close()
            raise ConfigError("a filter must not be an async function: its result is needed at once")
        return answer  # type: ignore[no-any-return]  # whatever is true or false

    return passes


def _entry(key: Any, value: Any, get_argument: Callable[[Document], Any]) -> Test:
    if not isinstance(key, str):
        raise ConfigError(f"the keys of a filter must be names of metadata fields, not {key!r:.60}")
    if key in ("$and", "$or"):
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key} needs a list of filters, not {value!r:.60}")
        tests = [compile_filter(each, get_argument) for each in value]
        every = all if key == "$and" else any
        return lambda document: every(test(document) for test in tests)
    if key == "$not":
        test = compile_filter(value, get_argument)
        return lambda document: not test(document)
    if key.startswith("$"):
        raise ConfigError(f"a filter has no operator {key!r} here; use $and, $or, $not or the name of a field")
    return _field(key, value)


def _field(key: str, value: Any) -> Test:
    if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
        if unknown := set(value) - set(OPERATORS):
            known = " ".join(OPERATORS)
            raise ConfigError(f"the filter of {key!r} has no operator {sorted(unknown)}; there are {known}")
        for name in ("$in", "$nin"):
            if name in value and (isinstance(value[name], str) or not isinstance(value[name], Collection)):
                raise ConfigError(f"{name} takes a list of values for {key!r}, not {value[name]!r:.60}")
        tests = [(OPERATORS[name], wanted) for name, wanted in value.items()]
    else:
        tests = [(OPERATORS["$in"], value)] if isinstance(value, list) else [(operator.eq, value)]
    return lambda document: all(test(document.metadata.get(key, _MISSING), wanted) for test, wanted in tests)
