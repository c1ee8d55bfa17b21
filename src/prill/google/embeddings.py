"""``GoogleGenerativeAIEmbeddings``: vectors from Google's models.

Protocol: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, Field

from prill.callbacks.run import Run
from prill.embeddings import Embeddings
from prill.google.settings import GoogleSettings, model_path
from prill.io import Limit, drive
from prill.providers.calls import make_call
from prill.providers.streams import ProviderStreams
from prill.runnables.engine.runs import start_asyncio_run, start_run


class GoogleGenerativeAIEmbeddings(GoogleSettings, ProviderStreams, Embeddings):
    """Vectors from Google's models.

        >>> embeddings = GoogleGenerativeAIEmbeddings(model="gemini-embedding-001", output_dimensionality=768)
        >>> embeddings.embed_query("Where is Oslo?")  # doctest: +SKIP
        [0.0123, …]

    Texts are sent ``batch_size`` at a time (the API takes 100 at most), several such requests at once. ``task_type`` is
    what the vectors are for, by default ``"RETRIEVAL_DOCUMENT"`` for documents and ``"RETRIEVAL_QUERY"`` for queries.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    task_type: str | None = None
    output_dimensionality: int | None = Field(
        default=None, gt=0, validation_alias=AliasChoices("output_dimensionality", "dimensions")
    )
    batch_size: int = Field(default=100, gt=0, le=100, validation_alias=AliasChoices("batch_size", "chunk_size"))

    def embed_documents(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vector of each text, in order.

        ``kwargs`` go before the settings of the same names; ``titles`` are of the documents, one for each text.
        """
        return drive(self._embed(texts, start_run(None), "RETRIEVAL_DOCUMENT", kwargs))

    async def aembed_documents(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vector of each text, in order."""
        return await self._embed(texts, start_asyncio_run(None), "RETRIEVAL_DOCUMENT", kwargs)

    def embed_query(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of a text that is searched for."""
        return drive(self._embed([text], start_run(None), "RETRIEVAL_QUERY", kwargs))[0]

    async def aembed_query(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of a text that is searched for."""
        return (await self._embed([text], start_asyncio_run(None), "RETRIEVAL_QUERY", kwargs))[0]

    async def _embed(self, texts: Sequence[str], run: Run, task: str, given: dict[str, Any]) -> list[list[float]]:
        self._check_call(given.keys() - {"titles"})
        requests = self._requests(texts, task, given)
        size = given.get("batch_size") or self.batch_size
        batches = [requests[start : start + size] for start in range(0, len(requests), size)]

        def asking(batch: list[dict[str, Any]]) -> Any:
            return lambda: self._embed_batch(batch, run)

        answers = await run.io.gather([asking(batch) for batch in batches], Limit(_AT_ONCE))
        return [vector for vectors in answers for vector in vectors]

    def _requests(self, texts: Sequence[str], task: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        """One request for each text."""
        shared: dict[str, Any] = {"model": self.model if "/" in self.model else f"models/{self.model}"}
        shared["taskType"] = given.get("task_type") or self.task_type or task
        if size := given.get("output_dimensionality") or self.output_dimensionality:
            shared["outputDimensionality"] = size
        titles = given.get("titles") or [None] * len(texts)
        return [
            {**shared, "content": {"parts": [{"text": text}]}, **({"title": title} if title else {})}
            for text, title in zip(texts, titles, strict=True)
        ]

    async def _embed_batch(self, requests: list[dict[str, Any]], run: Run) -> list[list[float]]:
        call = make_call(model_path(self.model, "batchEmbedContents"), {"requests": requests})
        answer = await self._send(run, call)
        return self._whole(answer, lambda payload: _vectors(payload, len(requests)))


_AT_ONCE = 4


def _vectors(payload: Any, count: int) -> list[list[float]]:
    found = payload["embeddings"]
    if len(found) != count:
        raise ValueError(f"{len(found)} vectors for {count} texts")
    return [[float(number) for number in one["values"]] for one in found]
