"""Selectors that find the examples nearest to the input, in a vector store."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NotRequired, Self

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from prill.documents import Document
from prill.embeddings import Embeddings
from prill.errors import ConfigError
from prill.example_selectors.base import BaseExampleSelector
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.vectorstores import VectorStore


class _Fields(TypedDict):
    k: int
    input_keys: list[str] | None
    example_keys: list[str] | None
    vectorstore_kwargs: dict[str, Any] | None
    fetch_k: NotRequired[int]


def sorted_values(values: Mapping[str, Any]) -> list[Any]:
    """Return the values of a dictionary, in the order of its keys."""
    return [values[key] for key in sorted(values)]


class _VectorStoreExampleSelector(BaseExampleSelector, BaseModel):
    """Keeps examples in a vector store: embedded as their values, whole in the metadata."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    vectorstore: VectorStore
    k: int = Field(default=4, gt=0)
    example_keys: list[str] | None = None
    input_keys: list[str] | None = None
    vectorstore_kwargs: dict[str, Any] | None = None

    @abstractmethod
    def _search(self) -> tuple[str, dict[str, Any]]:
        """Return the method of the store that finds examples, and its arguments."""

    def add_example(self, example: dict[str, Any]) -> str:
        """Add an example to the store; returns its id."""
        return drive(self._add(BLOCKING, example))

    async def aadd_example(self, example: dict[str, Any]) -> str:
        """Add an example to the store; returns its id."""
        return await self._add(get_asyncio_mode(), example)

    async def _add(self, io: ExecutionMode, example: dict[str, Any]) -> str:
        text = _embedded(example, self.input_keys, self.example_keys)
        ids: list[str] = await _do(io, self.vectorstore, "add_texts", [text], metadatas=[example])
        return ids[0]

    def select_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the examples for the variables of a prompt, the nearest first."""
        return drive(self._select(BLOCKING, input_variables))

    async def aselect_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the examples for the variables of a prompt, the nearest first."""
        return await self._select(get_asyncio_mode(), input_variables)

    async def _select(self, io: ExecutionMode, values: dict[str, Any]) -> list[dict[str, Any]]:
        method, more = self._search()
        text = _get_text(values, self.input_keys, "input")
        found: list[Document] = await _do(
            io, self.vectorstore, method, text, k=self.k, **more, **(self.vectorstore_kwargs or {})
        )
        examples = [document.metadata for document in found]
        return [_picked(example, self.example_keys, "example", "example_keys") for example in examples]

    @classmethod
    async def _made(
        cls,
        io: ExecutionMode,
        examples: list[dict[str, Any]],
        embeddings: Embeddings,
        store: type[VectorStore],
        store_kwargs: dict[str, Any],
        fields: _Fields,
    ) -> Self:
        texts = [_embedded(example, fields["input_keys"], fields["example_keys"]) for example in examples]
        made = await _do(io, store, "from_texts", texts, embeddings, metadatas=examples, **store_kwargs)
        return cls(vectorstore=made, **fields)  # type: ignore[misc]  # fetch_k is given by the class that has it


class SemanticSimilarityExampleSelector(_VectorStoreExampleSelector):
    """Chooses the ``k`` examples that are nearest to the input.

        >>> selector = SemanticSimilarityExampleSelector.from_examples(  # doctest: +SKIP
        ...     [{"input": "happy", "output": "sad"}, {"input": "tall", "output": "short"}],
        ...     LocalEmbeddings(),
        ...     InMemoryVectorStore,
        ...     k=1,
        ... )
        >>> selector.select_examples({"input": "joyful"})  # doctest: +SKIP
        [{'input': 'happy', 'output': 'sad'}]

    What is compared are the values of an example and those of the input, joined by spaces in the order of their keys;
    of both only ``input_keys``, if given. Values are texts or numbers. ``example_keys`` says which keys of an example
    are given out. ``vectorstore_kwargs`` go to the store's search, such as ``{"filter": ...}``.

    Raises ``ConfigError`` where a key that is named is not there, or a value is not text.
    """

    def _search(self) -> tuple[str, dict[str, Any]]:
        return "similarity_search", {}

    @classmethod
    def from_examples(
        cls,
        examples: list[dict[str, Any]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        *,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **vectorstore_cls_kwargs: Any,
    ) -> Self:
        """Embed examples into a new store of a class; ``vectorstore_cls_kwargs`` are those of its ``from_texts``."""
        fields = _Fields(k=k, input_keys=input_keys, example_keys=example_keys, vectorstore_kwargs=vectorstore_kwargs)
        return drive(cls._made(BLOCKING, examples, embeddings, vectorstore_cls, vectorstore_cls_kwargs, fields))

    @classmethod
    async def afrom_examples(
        cls,
        examples: list[dict[str, Any]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        *,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **vectorstore_cls_kwargs: Any,
    ) -> Self:
        """Embed examples into a new store of a class; ``vectorstore_cls_kwargs`` are those of its ``from_texts``."""
        fields = _Fields(k=k, input_keys=input_keys, example_keys=example_keys, vectorstore_kwargs=vectorstore_kwargs)
        return await cls._made(
            get_asyncio_mode(), examples, embeddings, vectorstore_cls, vectorstore_cls_kwargs, fields
        )


class MaxMarginalRelevanceExampleSelector(_VectorStoreExampleSelector):
    """Chooses ``k`` of the ``fetch_k`` nearest examples that are near the input, but not alike.

    It is the better choice where examples repeat each other. How much nearness counts is the store's ``lambda_mult``,
    which ``vectorstore_kwargs`` may hold. All else is as in ``SemanticSimilarityExampleSelector``.

    Ye et al., 2022: https://arxiv.org/abs/2211.13892
    """

    fetch_k: int = Field(default=20, gt=0)

    def _search(self) -> tuple[str, dict[str, Any]]:
        return "max_marginal_relevance_search", {"fetch_k": self.fetch_k}

    @classmethod
    def from_examples(
        cls,
        examples: list[dict[str, Any]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        fetch_k: int = 20,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **vectorstore_cls_kwargs: Any,
    ) -> Self:
        """Embed examples into a new store of a class; ``vectorstore_cls_kwargs`` are those of its ``from_texts``."""
        fields = _Fields(k=k, input_keys=input_keys, example_keys=example_keys, vectorstore_kwargs=vectorstore_kwargs)
        fields["fetch_k"] = fetch_k
        return drive(cls._made(BLOCKING, examples, embeddings, vectorstore_cls, vectorstore_cls_kwargs, fields))

    @classmethod
    async def afrom_examples(
        cls,
        examples: list[dict[str, Any]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        fetch_k: int = 20,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **vectorstore_cls_kwargs: Any,
    ) -> Self:
        """Embed examples into a new store of a class; ``vectorstore_cls_kwargs`` are those of its ``from_texts``."""
        fields = _Fields(k=k, input_keys=input_keys, example_keys=example_keys, vectorstore_kwargs=vectorstore_kwargs)
        fields["fetch_k"] = fetch_k
        return await cls._made(
            get_asyncio_mode(), examples, embeddings, vectorstore_cls, vectorstore_cls_kwargs, fields
        )


def _picked(values: Mapping[str, Any], keys: list[str] | None, what: str, asked_by: str) -> dict[str, Any]:
    """Return those of ``values`` that ``keys`` name, all of them without."""
    if keys is None:
        return dict(values)
    if missing := [key for key in keys if key not in values]:
        here = ", ".join(map(str, values)) or "nothing"
        raise ConfigError(f"the {what} has no {', '.join(map(repr, missing))}, which {asked_by} name; it has {here}")
    return {key: values[key] for key in keys}


def _embedded(example: dict[str, Any], input_keys: list[str] | None, example_keys: list[str] | None) -> str:
    _picked(example, example_keys, "example", "example_keys")  # refused now, not when it is chosen
    return _get_text(example, input_keys, "example")


def _get_text(values: Mapping[str, Any], keys: list[str] | None, what: str) -> str:
    """Return what is embedded of an example or an input."""
    picked = _picked(values, keys, what, "input_keys")
    for key, value in picked.items():
        if not isinstance(value, str | int | float):
            # A conversation, embedded as Python shows it, would find anything.
            raise ConfigError(
                f"{key!r} of the {what} ({type(value).__name__}) is not a text: list the keys with texts in input_keys"
            )
    return " ".join(map(str, sorted_values(picked)))


async def _do(io: ExecutionMode, owner: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    if io.blocking:
        return getattr(owner, method)(*args, **kwargs)
    return await getattr(owner, "a" + method)(*args, **kwargs)
