"""Re-ranking: documents ordered by a model that reads them together with the question."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, Field, field_validator

from prill.documents import Document
from prill.errors import ConfigError
from prill.io import ExecutionMode
from prill.prompts import BasePromptTemplate, ChatPromptTemplate
from prill.retrievers.compression import OwnCompressor
from prill.runnables.base import coerce_to_runnable


class BaseCrossEncoder(ABC):
    """The base of models that read a question and a passage together, and score how well they fit.

    >>> class SharedWords(BaseCrossEncoder):
    ...     def score(self, text_pairs):
    ...         return [len(set(question.split()) & set(text.split())) for question, text in text_pairs]
    """

    @abstractmethod
    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """Return the score of each pair of a question and a passage; the higher, the better they fit."""


class CrossEncoderReranker(OwnCompressor):
    """Keeps the ``top_n`` documents with the highest scores, the best first.

    >>> CrossEncoderReranker(model=SharedWords(), top_n=3)  # doctest: +SKIP
    """

    model: BaseCrossEncoder
    top_n: int = Field(default=3, gt=0)

    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        if not documents:
            return []
        scores = list(await io.call(self.model.score, [(query, document.page_content) for document in documents]))
        if len(scores) != len(documents):
            raise ConfigError(f"{type(self.model).__name__} gave {len(scores)} scores for {len(documents)} documents")
        order = sorted(range(len(documents)), key=lambda at: -scores[at])
        return [documents[at] for at in order[: self.top_n]]


class RankDocuments(BaseModel):
    """The passages that help to answer the question, the most helpful first."""

    ranked_document_ids: list[int] = Field(description="the numbers of the passages, the most helpful first")


_RANK: BasePromptTemplate[Any] = ChatPromptTemplate.from_messages(
    [
        ("system", "Order the numbered passages by how much they help to answer the question.\n\n{context}"),
        ("human", "{query}"),
    ]
)


class LLMListwiseRerank(OwnCompressor):
    """Has a model order all documents at once, and keeps the first ``top_n``.

        >>> LLMListwiseRerank.from_llm(model, top_n=3)  # doctest: +SKIP

    A number that is not there, or comes twice, is passed over; documents that the model does not name come last.
    """

    reranker: Any
    top_n: int = Field(default=3, gt=0)

    @field_validator("reranker", mode="before")
    @classmethod
    def _make_runnable(cls, value: Any) -> Any:
        return coerce_to_runnable(value)

    @classmethod
    def from_llm(cls, llm: Any, *, prompt: BasePromptTemplate[Any] | None = None, **kwargs: Any) -> Self:
        """Make one with a chat model; ``prompt`` has the variables ``query`` and ``context``, the numbered passages."""
        return cls(reranker=(prompt or _RANK) | llm.with_structured_output(RankDocuments), **kwargs)

    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        if not documents:
            return []
        passages = "\n\n".join(f"[{number}] {each.page_content}" for number, each in enumerate(documents))
        input, config = {"query": query, "context": passages}, {"callbacks": callbacks}
        answer = self.reranker.invoke(input, config) if io.blocking else await self.reranker.ainvoke(input, config)
        named = [at for at in answer.ranked_document_ids if 0 <= at < len(documents)]
        return [documents[at] for at in dict.fromkeys([*named, *range(len(documents))])][: self.top_n]
