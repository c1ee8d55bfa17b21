"""JSON that a model writes, as an instance of a pydantic model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from prill.errors import ConfigError, OutputParserException
from prill.io import closing
from prill.output_parsers.json import JsonOutputParser, each_change, schema_instructions

M = TypeVar("M", bound=BaseModel)


class PydanticOutputParser(JsonOutputParser[M]):
    """Reads JSON, bare or behind a Markdown fence, into an instance of ``pydantic_object``.

    A stream puts out an instance each time that what has come so far is a valid one that differs from the one before;
    each replaces the one before. At the end the whole text must be valid.

    Raises:
        OutputParserException: the text is not whole JSON, or not valid; the message names each field that is wrong
            and what was expected there, ``llm_output`` is the text.
        ModelRefusalError: the model's message says that it declined to answer.

    Example:
        >>> class Country(BaseModel):
        ...     name: str
        ...     population: int = 0
        >>> PydanticOutputParser(pydantic_object=Country).invoke('{"name": "France"}')
        Country(name='France', population=0)
    """

    pydantic_object: type[M]

    if TYPE_CHECKING:  # the one that pydantic's plugin for mypy makes does not know M

        def __init__(self, *, pydantic_object: type[M], name: str | None = None, diff: bool = False) -> None: ...

    @property
    def OutputType(self) -> Any:
        return self.pydantic_object

    def model_post_init(self, context: Any, /) -> None:
        if self.diff:
            raise ConfigError("a PydanticOutputParser returns instances, not changes: use JsonOutputParser(diff=True)")

    def _seen(self, value: Any) -> M | None:
        try:
            return self.pydantic_object.model_validate(value)
        except ValidationError:
            return None

    def _whole(self, value: Any, text: str) -> M:
        try:
            return self.pydantic_object.model_validate(value)
        except ValidationError as error:
            raise validation_failed(self.pydantic_object, error, text) from error

    async def _flow_values(self, inputs: AsyncIterator[Any]) -> AsyncGenerator[M, None]:
        text = last = None
        async with closing(each_change(inputs)) as changes:
            async for text in changes:
                seen = self._seen(text.value)
                if seen is not None and seen != last:
                    yield seen
                    last = seen
        if text is not None:
            whole = self._whole(text.value, text.text)
            if whole != last:
                yield whole

    def get_format_instructions(self) -> str:
        """Ask for JSON by the schema of ``pydantic_object``."""
        return schema_instructions(self.pydantic_object)

    @property
    def _type(self) -> str:
        return "pydantic"


def validation_failed(model: type[BaseModel], error: ValidationError, text: str) -> OutputParserException:
    """Return the error of a text that is JSON, but not valid for ``model``: one line for each field that is wrong."""
    lines = [f"the JSON is not a valid {model.__name__}:"]
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(map(str, fault["loc"])) or "(the whole value)"
        found = "" if fault["type"] == "missing" else f"; found {fault['input']!r:.80}"
        lines.append(f"  {place}: {fault['msg']}{found}")
    return OutputParserException("\n".join(lines), llm_output=text)
