"""Embeddings: texts in, vectors out. ``LocalEmbeddings`` needs no network, ``CacheBackedEmbeddings`` asks once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.embeddings.base import (
        DeterministicFakeEmbedding as DeterministicFakeEmbedding,
        Embeddings as Embeddings,
        FakeEmbeddings as FakeEmbeddings,
    )
    from prill.embeddings.cached import CacheBackedEmbeddings as CacheBackedEmbeddings
    from prill.embeddings.local import LocalEmbeddings as LocalEmbeddings
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "DeterministicFakeEmbedding Embeddings FakeEmbeddings",
            "cached": "CacheBackedEmbeddings",
            "local": "LocalEmbeddings",
        },
    )
