"""``BaseExampleSelector``, the base of all selectors, and ``LengthBasedExampleSelector``: as many as fit."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

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


@runtime_checkable
class ExamplePrompt(Protocol):
    """What formats one example; a ``PromptTemplate`` does."""

    def format(self, /, **kwargs: Any) -> str: ...


def count_words(text: str) -> int:
    """Return how many words ``text`` has, split at spaces and line ends."""
    return len(re.split(r"[\n ]", text))


class LengthBasedExampleSelector(BaseExampleSelector, BaseModel):
    """Chooses as many examples as fit beside the input, in their order.

    ``max_length`` is for the input and the formatted examples together, in the unit of ``get_text_length``, which
    counts words if not given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    examples: list[dict[str, Any]]
    example_prompt: ExamplePrompt
    get_text_length: Callable[[str], int] = count_words
    max_length: int = 2048
    example_text_lengths: list[int] = Field(default_factory=list)

    def model_post_init(self, context: Any, /) -> None:
        self.post_init()

    def post_init(self) -> None:
        """Measure the examples, unless their lengths are known."""
        if not self.example_text_lengths:
            self.example_text_lengths = [self._length(example) for example in self.examples]

    def _length(self, example: dict[str, Any]) -> int:
        return self.get_text_length(self.example_prompt.format(**example))

    def add_example(self, example: dict[str, Any]) -> None:
        """Add an example at the end."""
        self.examples.append(example)
        self.example_text_lengths.append(self._length(example))

    async def aadd_example(self, example: dict[str, Any]) -> None:
        """Add an example at the end."""
        self.add_example(example)

    def select_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the first examples, as many as fit beside the input."""
        room = self.max_length - self.get_text_length(" ".join(str(value) for value in input_variables.values()))
        chosen: list[dict[str, Any]] = []
        for example, length in zip(self.examples, self.example_text_lengths, strict=True):
            room -= length
            if room < 0:
                break
            chosen.append(example)
        return chosen

    async def aselect_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the first examples, as many as fit beside the input."""
        return self.select_examples(input_variables)
