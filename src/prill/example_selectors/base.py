"""``BaseExampleSelector``: what every selector has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from prill.io import get_asyncio_mode

Example = dict[str, str]


class BaseExampleSelector(ABC):
    """Chooses examples for an input.

    A subclass has ``add_example`` and ``select_examples``; the asyncio forms call these in a worker thread, unless
    it has its own.
    """

    @abstractmethod
    def add_example(self, example: Example) -> Any:
        """Add an example to those that can be chosen."""

    async def aadd_example(self, example: Example) -> Any:
        """Add an example to those that can be chosen."""
        return await get_asyncio_mode().call(self.add_example, example)

    @abstractmethod
    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the examples for the variables of a prompt."""

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the examples for the variables of a prompt."""
        return await get_asyncio_mode().call(self.select_examples, input_variables)
