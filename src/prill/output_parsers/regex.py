"""Parts of a text that a pattern finds."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from prill.errors import OutputParserException
from prill.output_parsers.base import BaseOutputParser
from prill.transducers.reasoning import strip_reasoning


class RegexParser(BaseOutputParser[dict[str, str]]):
    """Returns the groups of the first match of ``regex`` in the text, under the names ``output_keys``.

    Without ``output_keys`` the groups are named in the pattern: ``(?P<name>...)``. With ``default_output_key`` a text
    without a match is returned whole under that key, and the others are empty. Reasoning in front of the answer
    (``<think>...</think>``) is left out.

    Raises:
        OutputParserException: nothing matches.
    """

    regex: str
    output_keys: list[str] = Field(default_factory=list)
    default_output_key: str | None = None

    @field_validator("regex")
    @classmethod
    def _is_a_pattern(cls, regex: str) -> str:
        try:
            re.compile(regex)
        except re.error as error:
            raise ValueError(f"{regex!r} is not a regular expression: {error}") from error
        return regex

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        pattern = re.compile(self.regex)
        keys = self.output_keys or sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
        if not keys or (self.output_keys and pattern.groups < len(keys)):
            raise ValueError(f"{self.regex!r} has {pattern.groups} groups for the output_keys {self.output_keys}")
        if self.default_output_key is not None and self.default_output_key not in keys:
            raise ValueError(f"default_output_key={self.default_output_key!r} is not one of {', '.join(keys)}")
        return self

    def parse(self, text: str) -> dict[str, str]:
        """Return the groups of the first match."""
        pattern = re.compile(self.regex)
        answer = strip_reasoning(text)
        match = pattern.search(answer)
        if match is not None:
            if not self.output_keys:
                return {key: value or "" for key, value in match.groupdict().items()}
            return {key: match[number] or "" for number, key in enumerate(self.output_keys, 1)}
        if self.default_output_key is None:
            raise OutputParserException(f"expected {self.regex!r}, which is not in {text!r:.80}", llm_output=text)
        keys = self.output_keys or list(pattern.groupindex)
        return {key: answer if key == self.default_output_key else "" for key in keys}

    @property
    def _type(self) -> str:
        return "regex_parser"
