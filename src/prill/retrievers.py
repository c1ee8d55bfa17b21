"""``BaseRetriever``: a question in, documents out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import TypedDict

from prill.callbacks.run import MANAGERS, Run, inside
from prill.documents import Document
from prill.runnables.engine.signature import accepts
from prill.runnables.serializable import RunnableSerializable

__all__ = ["BaseRetriever", "LangSmithRetrieverParams"]


class LangSmithRetrieverParams(TypedDict, total=False):
    """What observers are told about a retriever, in the metadata of its runs: what ``_get_ls_params`` gives."""

    ls_retriever_name: str
    ls_vector_store_provider: str | None
    ls_embedding_provider: str | None
    ls_embedding_model: str | None


class BaseRetriever(RunnableSerializable[str, list[Document]], ABC):
    """Finds the documents that a question needs.

    A subclass writes ``_get_relevant_documents(query, *, run_manager)``, and ``_aget_relevant_documents`` where it has
    an asyncio form; without it, an asyncio run calls the plain one in a worker thread. What either starts with
    ``{"callbacks": run_manager.get_child()}``, or with no config at all, is a child of the run. ``tags`` and
    ``metadata`` belong to this retriever alone.
    """

    _kind: ClassVar[str] = "retriever"

    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    @abstractmethod
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        """The documents for a question."""

    _aget_relevant_documents: ClassVar[Any] = None

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        find = self._get_relevant_documents
        if not run.io.blocking and self._aget_relevant_documents is not None:
            find = self._aget_relevant_documents
        plain = find == self._get_relevant_documents
        if accepts(find, "run_manager"):
            kwargs = {**kwargs, "run_manager": MANAGERS["plain" if plain else "run"](run)}
        with inside(run):
            if not plain:
                return await find(input, **kwargs)  # type: ignore[misc]  # it is the asyncio form
            return await run.io.call(partial(find, input, **kwargs))

    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, {**self._get_ls_params(**kwargs), **(self.metadata or {})}

    def _get_ls_params(self, **kwargs: Any) -> Mapping[str, Any]:
        """What observers are told about the retriever: ``ls_retriever_name`` …"""
        name = type(self).__name__.removeprefix("Retriever").removesuffix("Retriever")
        return {"ls_retriever_name": (name or "Retriever").lower()}

    def _observed_input(self, input: Any) -> Any:
        return {"query": input}
