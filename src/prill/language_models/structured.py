"""A model whose answers are values of a type."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from prill.language_models.base import LanguageModelInput
from prill.runnables.sequence import RunnableSequence

T = TypeVar("T", covariant=True)
Element = TypeVar("Element")


class StructuredModel(RunnableSequence[LanguageModelInput, T]):
    """A model, and what reads its answers; made by ``with_structured_output``."""

    @overload
    def elements(
        self: StructuredModel[list[Element]], field: None = None
    ) -> RunnableSequence[LanguageModelInput, Element]: ...
    @overload
    def elements(self, field: str | None = None) -> RunnableSequence[LanguageModelInput, Any]: ...
    def elements(self, field: str | None = None) -> RunnableSequence[LanguageModelInput, Any]:
        """The elements of the answer's list one by one, each valid when it closes; invoked, it gives the list.

        The schema is ``list[Row]``, or has one field that is a list; ``field`` names it where there are several.

        >>> for row in model.with_structured_output(list[Row]).elements().stream("..."):  # doctest: +SKIP
        ...     print(row)
        """
        last: Any = self.steps[-1]
        return RunnableSequence(*self.steps[:-1], last.elements(field))
