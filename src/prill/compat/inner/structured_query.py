"""``langchain_core.structured_query``: a query of a store with filters, as a tree that a visitor translates."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel


class Operator(StrEnum):
    """How filters are joined."""

    AND = "and"
    OR = "or"
    NOT = "not"


class Comparator(StrEnum):
    """How an attribute is compared with a value."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAIN = "contain"
    LIKE = "like"
    IN = "in"
    NIN = "nin"


class Visitor(ABC):
    """Translates a query for a store: a subclass writes the ``visit_…`` methods and may restrict what there is."""

    allowed_comparators: Sequence[Comparator] | None = None
    allowed_operators: Sequence[Operator] | None = None

    def _validate_func(self, func: Operator | Comparator) -> None:
        """Raise ``ValueError`` for an operator or comparator that is not allowed."""
        kind = "operator" if isinstance(func, Operator) else "comparator"
        allowed: Sequence[Any] | None = getattr(self, f"allowed_{kind}s")
        if allowed is not None and func not in allowed:
            raise ValueError(f"Received disallowed {kind} {func}. Allowed {kind}s are {allowed}")

    @abstractmethod
    def visit_operation(self, operation: Operation) -> Any:
        """Translate filters that are joined."""

    @abstractmethod
    def visit_comparison(self, comparison: Comparison) -> Any:
        """Translate a comparison."""

    @abstractmethod
    def visit_structured_query(self, structured_query: StructuredQuery) -> Any:
        """Translate a whole query."""


class Expr(BaseModel):
    """A part of a query."""

    def accept(self, visitor: Visitor) -> Any:
        """Let a visitor translate this part."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
        return getattr(visitor, f"visit_{name}")(self)


class FilterDirective(Expr, ABC):
    """A filter."""


class Comparison(FilterDirective):
    """A comparison of an attribute with a value."""

    comparator: Comparator
    attribute: str
    value: Any

    def __init__(self, comparator: Comparator, attribute: str, value: Any, **kwargs: Any) -> None:
        super().__init__(comparator=comparator, attribute=attribute, value=value, **kwargs)


class Operation(FilterDirective):
    """Filters that are joined."""

    operator: Operator
    arguments: list[FilterDirective]

    def __init__(self, operator: Operator, arguments: list[FilterDirective], **kwargs: Any) -> None:
        super().__init__(operator=operator, arguments=arguments, **kwargs)


class StructuredQuery(Expr):
    """A text to search for, a filter, and how many results there may be."""

    query: str
    filter: FilterDirective | None = None
    limit: int | None = None

    def __init__(self, query: str, filter: FilterDirective | None, limit: int | None = None, **kwargs: Any) -> None:
        super().__init__(query=query, filter=filter, limit=limit, **kwargs)
