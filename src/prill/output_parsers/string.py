"""The text of a model's answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from prill.callbacks.run import Run
from prill.io import closing
from prill.output_parsers.inputs import as_text
from prill.output_parsers.transform import BaseTransformOutputParser
from prill.runnables.engine.streams import Stream


class StrOutputParser(BaseTransformOutputParser[str]):
    """Takes the text out of messages, chunk by chunk. Of a content made of blocks, it is that of the text blocks.

    A chunk without text gives ``""``.

        >>> StrOutputParser().invoke("so be it")
        'so be it'
    """

    def parse(self, text: str) -> str:
        """Return the text as it is."""
        return text

    @property
    def _type(self) -> str:
        return "default"

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        return await super()._work(input, run, **kwargs) if self._custom else as_text(input)

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        return super()._flow(inputs, run, **kwargs) if self._custom else _texts(inputs)


async def _texts(inputs: AsyncIterator[Any]) -> AsyncGenerator[str, None]:
    async with closing(inputs):
        async for chunk in inputs:
            # Nearly every chunk is a message with text.
            content = getattr(chunk, "content", None)
            yield content if type(content) is str else as_text(chunk)
