"""``BM25Retriever``: documents found by the words that they share with the question.

Robertson and Zaragoza, 2009: https://doi.org/10.1561/1500000019
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import pairwise
from typing import Any, Self

from pydantic import Field

from prill.documents import Document
from prill.errors import ConfigError, MissingDependencyError
from prill.retrievers.base import BaseRetriever

_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"([{_CJK}]+)|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
"""A run of characters that are written without spaces between words, or a word."""


def default_preprocessing_func(text: str) -> list[str]:
    """Return the words of a text in lower case; of Chinese, Japanese and Korean each pair of neighbouring characters.

    >>> default_preprocessing_func("Tea, 龙井茶!")
    ['tea', '龙井', '井茶']
    """
    words: list[str] = []
    for found in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        if run := found[1]:
            words += [one + other for one, other in pairwise(run)] or [run]
        else:
            words.append(found[0])
    return words


class BM25Retriever(BaseRetriever):
    """Finds the documents that share words with the question: rare words count most; needs ``prill[bm25]``.

        >>> retriever = BM25Retriever.from_texts(["Tea grows in hills.", "龙井茶产于杭州。"], k=1)  # doctest: +SKIP
        >>> retriever.invoke("杭州产什么茶？")  # doctest: +SKIP
        [Document(page_content='龙井茶产于杭州。')]

    A document that shares no word is not found, so there may be fewer than ``k``. Documents of one score keep their
    order. The index is in memory; it can be pickled.

    Args:
        docs: the documents; ``from_documents`` and ``from_texts`` make the index of them.
        k: how many documents are found at most.
        preprocess_func: makes the words of a text, of documents and of questions. By default words in lower case,
            and pairs of characters where there are no spaces between words (Chinese, Japanese, Korean).
    """

    vectorizer: Any = Field(default=None, repr=False)
    docs: list[Document] = Field(repr=False)
    k: int = Field(default=4, gt=0)
    preprocess_func: Callable[[str], list[str]] = default_preprocessing_func

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        metadatas: Iterable[dict[Any, Any]] | None = None,
        ids: Iterable[str | None] | None = None,
        bm25_params: dict[str, Any] | None = None,
        preprocess_func: Callable[[str], list[str]] = default_preprocessing_func,
        **kwargs: Any,
    ) -> Self:
        """Make one of texts, with their metadata and ids if given; see ``from_documents``."""
        texts = list(texts)
        known = [{}] * len(texts) if metadatas is None else list(metadatas)
        named = [None] * len(texts) if ids is None else list(ids)
        if not len(texts) == len(known) == len(named):
            raise ConfigError(f"there are {len(texts)} texts, but {len(known)} metadatas and {len(named)} ids")
        triples = zip(texts, known, named, strict=True)
        documents = [Document(text, metadata=dict(about), id=id) for text, about, id in triples]
        return cls.from_documents(documents, bm25_params=bm25_params, preprocess_func=preprocess_func, **kwargs)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        *,
        bm25_params: dict[str, Any] | None = None,
        preprocess_func: Callable[[str], list[str]] = default_preprocessing_func,
        **kwargs: Any,
    ) -> Self:
        """Make one of documents.

        Args:
            documents: what is to be found.
            bm25_params: goes to ``bm25s.BM25``: ``k1``, ``b``, ``method`` …
            preprocess_func: makes the words of a text.
            kwargs: more fields, such as ``k``.

        Raises:
            MissingDependencyError: ``bm25s`` is not installed.
            ConfigError: ``bm25_params`` has a name that it does not know.
        """
        documents = list(documents)
        vectorizer = _make_index([preprocess_func(each.page_content) for each in documents], bm25_params or {})
        return cls(vectorizer=vectorizer, docs=documents, preprocess_func=preprocess_func, **kwargs)

    def _get_relevant_documents(self, query: str, *, run_manager: Any = None, k: int | None = None) -> list[Document]:
        words = self.preprocess_func(query)
        if self.vectorizer is None or not words:
            return []
        scores = self.vectorizer.get_scores(words)
        best = (-scores).argsort(kind="stable")[: self.k if k is None else k]
        return [self.docs[at] for at in best.tolist() if scores[at] > 0]


def _make_index(words: list[list[str]], settings: dict[str, Any]) -> Any:
    try:
        bm25s = import_module("bm25s")  # slow to import
    except ImportError as error:
        raise MissingDependencyError("BM25Retriever needs the package bm25s: pip install 'prill[bm25]'") from error
    try:
        index = bm25s.BM25(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"bm25_params are not what bm25s.BM25 takes: {error}") from error
    if not any(words):
        return None  # bm25s cannot index nothing
    index.index(words, show_progress=False)
    return index
