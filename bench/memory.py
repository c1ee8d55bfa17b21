"""Whether memory stays flat while a long stream passes."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Effort, Row, at_most


def resident() -> float:
    """The resident memory of this process, in MB."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def _chain(count: int) -> Any:
    from prill.language_models import BaseChatModel
    from prill.messages.ai import text_chunk
    from prill.output_parsers import StrOutputParser
    from prill.outputs import ChatGenerationChunk, ChatResult
    from prill.prompts import ChatPromptTemplate

    class Talker(BaseChatModel):
        """Says the same word again and again."""

        @property
        def _llm_type(self) -> str:
            return "talker"

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            for _ in range(count):
                yield ChatGenerationChunk(message=text_chunk("word "))

        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            for _ in range(count):
                yield ChatGenerationChunk(message=text_chunk("word "))

    return ChatPromptTemplate.from_template("{question}") | Talker() | StrOutputParser()


def _row(what: str, before: float, after: float) -> Row:
    growth = max(after - before, 0.0)
    return Row(what, f"{growth:.2f} MB", "–", (growth,), at_most(1), "growth after the first tenth; in MB")


def stream(effort: Effort) -> Row:
    count = effort.of(1_000_000, 100)
    chunks = _chain(count).stream({"question": "Why?"})
    for _ in itertools.islice(chunks, count // 10):
        pass
    before = resident()
    for _ in itertools.islice(chunks, count - count // 10 - 1):
        pass
    return _row(f"memory, stream of {count:,} chunks", before, resident())


def astream(effort: Effort) -> Row:
    count = effort.of(1_000_000, 100)

    async def measured() -> tuple[float, float]:
        chunks = _chain(count).astream({"question": "Why?"})
        index, before = 0, 0.0
        async for _ in chunks:
            index += 1
            if index == count // 10:
                before = resident()
            if index == count - 1:
                return before, resident()
        raise AssertionError("the stream was short")

    return _row(f"memory, astream of {count:,} chunks", *asyncio.run(measured()))


ROWS = [stream, astream]
