"""How much a jinja2 template may write and repeat.

A template may come from a file or a hub: a few letters of it (``{{ 'a' * 10**10 }}``) must not fill the memory, nor
keep a processor busy for hours. All that can grow is charged to one budget for each time that a template is filled:
printed text, the results of operators, calls and filters, and the rounds of loops. Nothing is computed when a template
is compiled, where there is no budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar
from functools import wraps
from string import Formatter
from types import BuiltinMethodType, MethodType
from typing import Any

from prill.errors import PromptError
from prill.prompts.f_string import MOST_WIDTH, is_too_wide

MOST_TEXT = 10_000_000
"""How many characters a jinja2 template may write, all that is only used on the way included."""

_CALL = 100
"""What a call costs, in characters."""

_ITEM = 25
"""What a value that is no text costs, in characters."""


class Budget:
    """What a template may still write."""

    def __init__(self) -> None:
        self.left = MOST_TEXT

    def charge(self, size: int) -> None:
        """Take ``size`` characters; raises ``PromptError`` where fewer are left."""
        self.left -= size
        if self.left < 0:
            raise PromptError(
                f"the jinja2 template writes or repeats too much: over {MOST_TEXT} characters (rounds of loops, and "
                f"what is only used on the way, count too). Write less, or fill a template of the format 'f-string'"
            )

    def charge_value(self, value: Any) -> None:
        """Take what ``value`` is long as text, at least; a value that is in a list twice counts twice."""
        if type(value) is str:
            self.charge(len(value))
            return
        waiting = [value]
        while waiting:
            value = waiting.pop()
            self.charge(_own_size(value))
            if isinstance(value, Mapping):
                waiting += value.keys()
                waiting += value.values()
            elif isinstance(value, list | tuple | set | frozenset):
                waiting += value


BUDGET: ContextVar[Budget] = ContextVar("prill_jinja_budget")
"""The budget of the template that is being filled."""


def _own_size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    return _ITEM + value.bit_length() // 4 if isinstance(value, int) else _ITEM


def charge_operator(operator: str, left: Any, right: Any) -> None:
    """Charge what an operator would make, before it does."""
    budget = BUDGET.get()
    if operator == "*":
        budget.charge(_product(left, right))
    elif operator == "**" and isinstance(left, int) and isinstance(right, int):
        budget.charge(left.bit_length() * max(right, 0) // 4)
    elif operator == "+" and isinstance(left, str | list | tuple):
        budget.charge(len(left))
    elif operator == "%" and isinstance(left, str | bytes):
        _charge_percent(left, right)


def _product(left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * right.bit_length() // 1000
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int):
            return len(many) * max(times, 0)
    return 1


def _charge_percent(text: Any, values: Any) -> None:
    template = text if isinstance(text, str) else text.decode("latin-1")
    specs = re.findall(r"%(?:\([^)]*\))?([^a-zA-Z%]*)", template)
    if any("*" in spec or is_too_wide(spec) for spec in specs):
        raise _too_wide("the % operator")
    BUDGET.get().charge(len(text))
    for _ in specs if isinstance(values, Mapping) else "1":
        BUDGET.get().charge_value(values)


def _too_wide(what: str) -> PromptError:
    return PromptError(f"{what} in a jinja2 template has a width over {MOST_WIDTH}, or one that is a variable")


_WIDE = frozenset(
    ("center", "ljust", "rjust", "zfill", "expandtabs", "to_bytes", "indent", "batch", "slice", "tojson", "round")
)
"""Filters, and methods of texts and numbers, that make as much as a number says."""


def charge_call(name: str, value: Any, arguments: Iterable[Any]) -> None:
    """Charge what a filter, or a method of a text or number, would make of ``value``, before it does."""
    given = list(arguments)
    widths = [each for each in given if isinstance(each, int)]
    if name in _WIDE and any(width > MOST_WIDTH for width in widths):
        raise _too_wide(name)
    budget = BUDGET.get()
    if name == "expandtabs":
        budget.charge(value.count("\t") * max([8, *widths]))
    elif name == "indent":
        budget.charge(str(value).count("\n") * max([4, *widths, *(len(each) for each in given if type(each) is str)]))
    elif name == "replace" and len(given) > 1:
        budget.charge(str(value).count(str(given[0])) * len(str(given[1])))
    elif name == "translate":
        budget.charge_value(given)
        budget.charge(len(value) * max((_own_size(each) for each in _values(given)), default=1))
    elif name == "join":
        budget.charge_value(given)


def _values(given: list[Any]) -> Iterable[Any]:
    return given[0].values() if given and isinstance(given[0], Mapping) else ()


_LISTS = frozenset(
    (
        *("length", "count", "first", "last", "list", "sort", "map", "select", "reject", "selectattr", "rejectattr"),
        *("groupby", "dictsort", "items", "unique", "sum", "min", "max", "random", "reverse", "default", "d", "attr"),
        *("batch", "slice", "int", "float", "abs", "round"),
    )
)
"""Filters that do not make a text of their value."""


def charged_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, charged for."""
    at = 1 if hasattr(function, "jinja_pass_arg") else 0  # a first argument that the template did not give

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        budget = BUDGET.get()
        value, *rest = args[at:]
        if name == "join":
            value = listed(value)
            budget.charge(len(value) * sum(len(each) for each in (*rest, *kwargs.values()) if isinstance(each, str)))
        if name not in _LISTS:
            budget.charge_value(value)
        if name == "format":
            _charge_percent(str(value), kwargs or tuple(rest))
        elif name != "join":
            charge_call(name, value, (*rest, *kwargs.values()))
        result = function(*args[:at], value, *rest, **kwargs)
        charge_result(result)
        return result

    return call


def listed(value: Any) -> Any:
    """Items that can be measured before they are used."""
    return value if isinstance(value, Sized) or not isinstance(value, Iterator) else list(value)


def charge_result(result: Any) -> None:
    """Charge for what a call has made."""
    if isinstance(result, str | bytes | list | tuple | dict):
        BUDGET.get().charge(len(result))


def charge_method(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Charge for a call before it is made; returns its arguments, which can be measured now."""
    budget = BUDGET.get()
    budget.charge(_CALL)
    value = getattr(function, "__self__", None)
    if isinstance(function, BuiltinMethodType | MethodType) and isinstance(value, str | bytes | int | float):
        if function.__name__ == "join" and args and isinstance(value, str | bytes):
            args = (listed(args[0]), *args[1:])
            budget.charge(len(value) * (len(args[0]) if isinstance(args[0], Sized) else 1))
        charge_call(function.__name__, value, (*args, *kwargs.values()))
    return args


def charge_format(text: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Charge for a call of ``str.format``, before it is made."""
    fields = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None]
    if any("{" in spec or is_too_wide(spec) for _, spec in fields):
        raise _too_wide("str.format")
    for _ in fields:
        BUDGET.get().charge_value((args, kwargs))


def charge_rounds(items: Any, weight: int) -> Any:
    """The items of a loop, each of which costs ``weight`` characters."""
    budget = BUDGET.get()
    if isinstance(items, Sized):
        budget.charge(len(items) * weight)
        return items
    return _charge_each(items, weight, budget)


def _charge_each(items: Iterable[Any], weight: int, budget: Budget) -> Iterator[Any]:
    for item in items:
        budget.charge(weight)
        yield item


def charge_lipsum(n: int = 5, max: int = 100) -> None:
    """Charge for a placeholder text of ``n`` paragraphs of at most ``max`` words."""
    BUDGET.get().charge(n * max * 12)
