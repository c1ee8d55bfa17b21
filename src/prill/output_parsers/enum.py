"""A word that a model writes, as a member of an enum."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import field_validator

from prill.errors import OutputParserException
from prill.output_parsers.base import BaseOutputParser
from prill.transducers.reasoning import strip_reasoning


class EnumOutputParser(BaseOutputParser[Any]):
    """Reads the value of a member of ``enum``; space around it, and a full stop or quotes, do not matter.

    Reasoning in front of it (``<think>...</think>``) is left out.

    Upper and lower case do not matter either, unless two values differ by it.

    Raises:
        OutputParserException: the text is not one of the values, which the message lists.
    """

    enum: type[Enum]

    @field_validator("enum")
    @classmethod
    def _has_texts(cls, enum: type[Enum]) -> type[Enum]:
        if any(not isinstance(member.value, str) for member in enum):
            raise ValueError(f"the values of {enum.__name__} must be texts")
        return enum

    @property
    def OutputType(self) -> Any:
        return self.enum

    def parse(self, text: str) -> Any:
        """Return the member that the text names."""
        answer = strip_reasoning(text).strip()
        for word in (answer, answer.strip("\"'`*.").strip()):
            same = [member for member in self.enum if member.value == word]
            same = same or [member for member in self.enum if member.value.casefold() == word.casefold()]
            if len(same) == 1:
                return same[0]
        raise OutputParserException(f"expected one of {self._values()}, but found {text!r:.80}", llm_output=text)

    def _values(self) -> str:
        return ", ".join(str(member.value) for member in self.enum)

    def get_format_instructions(self) -> str:
        """Ask for one of the values."""
        return f"Answer with one of these, and nothing else: {self._values()}"

    @property
    def _type(self) -> str:
        return "enum"
