"""A point in time that a model writes."""

from __future__ import annotations

from datetime import UTC, datetime

from prill.errors import OutputParserException
from prill.output_parsers.base import BaseOutputParser
from prill.transducers.reasoning import strip_reasoning


class DatetimeOutputParser(BaseOutputParser[datetime]):
    """Reads a ``datetime`` written in ``format`` (as ``strptime`` takes it); space around it does not matter.

    Reasoning in front of it (``<think>...</think>``) is left out.

    Raises:
        OutputParserException: the text is not in that form.
    """

    format: str = "%Y-%m-%dT%H:%M:%S.%fZ"

    def parse(self, text: str) -> datetime:
        """Return the time that the text names."""
        try:
            return datetime.strptime(strip_reasoning(text).strip(), self.format)
        except ValueError as error:
            raise OutputParserException(
                f"expected a time as {self.format!r}, for example {self._example()}, but found {text!r:.80}",
                llm_output=text,
            ) from error

    def _example(self) -> str:
        return datetime(2024, 2, 29, 13, 5, 9, 250_000, tzinfo=UTC).strftime(self.format)

    def get_format_instructions(self) -> str:
        """Ask for the form, with an example."""
        return f"Answer with a time in the form {self.format}, for example {self._example()}, and nothing else."

    @property
    def _type(self) -> str:
        return "datetime"
