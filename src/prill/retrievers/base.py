"""``BaseRetriever``: a question in, documents out; and the base of retrievers that are made of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from typing_extensions import TypedDict

from prill.callbacks.run import Run, inside
from prill.documents import Document
from prill.io import BLOCKING, drive
from prill.runnables.engine.overrides import Namespaces, nearest
from prill.runnables.engine.signature import accepts
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming


class LangSmithRetrieverParams(TypedDict, total=False):
    """What observers are given about a retriever, in the metadata of its runs: what ``_get_ls_params`` gives."""

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

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "a retriever needs its whole query, and returns its documents at once")

    @abstractmethod
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        """The documents for a question."""

    if TYPE_CHECKING:

        async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            """The asyncio form of ``_get_relevant_documents``."""
            raise NotImplementedError
    else:
        _aget_relevant_documents: ClassVar[Any] = None

    _hooks: ClassVar[frozenset[str]] = frozenset(("_get_relevant_documents", "_aget_relevant_documents"))
    _async_hook: ClassVar[bool] = False
    """Whether an asyncio run calls ``_aget_relevant_documents``: it is not older than the plain method."""

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        first = nearest(spaces, "_aget_relevant_documents", "_get_relevant_documents")
        return {**super()._find_overrides(spaces), "_async_hook": first == "_aget_relevant_documents"}

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        plain = run.io.blocking or not self._async_hook
        find: Any = self._get_relevant_documents if plain else self._aget_relevant_documents
        if accepts(find, "run_manager"):
            kwargs = {**kwargs, "run_manager": run.make_manager(plain=plain)}
        with inside(run):
            if not plain:
                return await find(input, **kwargs)
            return await run.io.call(partial(find, input, **kwargs))

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, {**self._get_ls_params(**kwargs), **(self.metadata or {})}

    def _get_ls_params(self, **kwargs: Any) -> Mapping[str, Any]:
        """What observers are given about the retriever: ``ls_retriever_name`` …"""
        name = type(self).__name__.removeprefix("Retriever").removesuffix("Retriever")
        return {"ls_retriever_name": (name or "Retriever").lower()}

    def _get_reported_input(self, input: Any) -> Any:
        return {"query": input}


class ComposedRetriever(BaseRetriever):
    """The base of Prill's own retrievers that wait for something: ``_find`` is the body of both colours."""

    @abstractmethod
    async def _find(self, query: str, run: Run) -> list[Document]:
        """Return the documents for a question; the runs of its parts are children of ``run``."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return drive(self._find(query, run_manager.run.with_io(BLOCKING)))

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return await self._find(query, run_manager.run)


def get_callbacks(run: Run) -> Any:
    """Return callbacks that make what user code starts with them a child of ``run``; ``None`` if nobody watches it."""
    return None if run.observers is None else run.make_manager().get_child()


def unique_documents(found: Iterable[Document]) -> list[Document]:
    """Return the documents without those that are equal to an earlier one, whatever their ids are."""
    seen: dict[tuple[str, str], Document] = {}
    for document in found:
        seen.setdefault((document.page_content, repr(sorted(document.metadata.items(), key=repr))), document)
    return list(seen.values())
