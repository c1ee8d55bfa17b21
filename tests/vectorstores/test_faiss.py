"""The FAISS store: its distances, and files that survive."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import time

import pytest
from tests.helpers import require

from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.vectorstores import FAISS

faiss = require("faiss")


def test_scores_are_squared_distances_products_or_cosines(numbers):
    def scores(**settings):
        store = FAISS.from_texts(["3 0", "0 1"], numbers, **settings)
        return {document.page_content: score for document, score in store.similarity_search_with_score("2 0")}

    assert scores() == {"3 0": 1.0, "0 1": 5.0}
    assert scores(distance_strategy="MAX_INNER_PRODUCT") == {"3 0": 6.0, "0 1": 0.0}
    assert scores(distance_strategy="COSINE") == {"3 0": 1.0, "0 1": 0.0}
    assert scores(normalize_L2=True) == {"3 0": 0.0, "0 1": 2.0}
    with pytest.raises(ConfigError, match="distance_strategy must be one of"):
        scores(distance_strategy="JACCARD")


def test_a_score_threshold_is_the_greatest_distance(numbers):
    store = FAISS.from_texts(["3 0", "0 1"], numbers)
    assert len(store.similarity_search_with_score("2 0", score_threshold=2)) == 1


def test_an_index_of_ones_own_is_used_while_it_is_empty(numbers):
    index = faiss.IndexHNSWFlat(2, 8)
    store = FAISS(numbers, index)
    store.add_texts(["1 0", "0 1"])
    assert index.ntotal == 2
    assert store.similarity_search("1 0", k=1)[0].page_content == "1 0"
    with pytest.raises(ConfigError, match="holds 2 vectors"):
        FAISS(numbers, index)
    with pytest.raises(ConfigError, match="trained"):
        FAISS(numbers, faiss.IndexIVFFlat(faiss.IndexFlatL2(2), 2, 4))


def test_a_store_can_be_made_of_known_vectors_and_merged(numbers):
    one = FAISS.from_embeddings([("a", [1.0, 0.0])], numbers, ids=["a"])
    other = FAISS.from_embeddings([("b", [0.0, 1.0])], numbers, [{"x": 1}], ids=["b"])
    one.merge_from(other)
    assert one.similarity_search("0 1", k=1) == [Document("b", id="b", metadata={"x": 1})]
    assert len(other) == 1
    with pytest.raises(ConfigError, match="both stores have the ids b"):
        one.merge_from(other)
    with pytest.raises(ConfigError, match="itself"):
        one.merge_from(one)


def test_a_saved_store_is_the_same_when_loaded(numbers, tmp_path):
    store = FAISS.from_texts(["1 0", "0 1"], numbers, [{"中": [1, None]}, {}], ids=["a", "b"], normalize_L2=True)
    store.save_local(tmp_path / "deep" / "er")
    loaded = FAISS.load_local(tmp_path / "deep" / "er", numbers, allow_dangerous_deserialization=True)
    assert loaded.similarity_search_with_score("9 1") == store.similarity_search_with_score("9 1")
    loaded.add_texts(["1 1"])
    assert len(loaded) == 3
    FAISS(numbers).save_local(tmp_path, "empty")
    assert len(FAISS.load_local(tmp_path, numbers, "empty")) == 0


def test_saving_again_leaves_two_files_and_other_stores_alone(numbers, tmp_path):
    store = FAISS.from_texts(["1 0"], numbers)
    store.save_local(tmp_path, "a")
    store.save_local(tmp_path, "a-b")
    store.add_texts(["0 1"])
    store.save_local(tmp_path, "a")
    assert len(list(tmp_path.iterdir())) == 4
    assert len(FAISS.load_local(tmp_path, numbers, "a")) == 2
    assert len(FAISS.load_local(tmp_path, numbers, "a-b")) == 1


@pytest.mark.parametrize("value", [{1, 2}, (1, 2), float("nan"), {1: 2}])
def test_metadata_that_json_would_change_is_refused_before_anything_is_written(numbers, tmp_path, value):
    store = FAISS.from_texts(["1 0"], numbers, [{"x": value}])
    with pytest.raises(ConfigError, match="metadata of a document cannot be stored as JSON"):
        store.save_local(tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("suffix", [".faiss", ".json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone"])
def test_a_damaged_file_is_an_error_that_names_it(numbers, tmp_path, suffix, harm):
    FAISS.from_texts(["1 0", "0 1"], numbers).save_local(tmp_path)
    (path,) = tmp_path.glob(f"*{suffix}")
    data = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    else:
        data[-20] ^= 1
        path.write_bytes({"flip": data, "cut": data[:-7], "empty": b""}[harm])
    with pytest.raises(ConfigError, match=path.name):
        FAISS.load_local(tmp_path, numbers)


def test_a_file_cut_or_changed_anywhere_is_an_error_that_names_it(numbers, tmp_path):
    FAISS.from_texts(["1 0", "0 1"], numbers, [{"a": "é"}, {}], ids=["a", "b"]).save_local(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        cut = [whole[:at] for at in range(0, len(whole), 3)]
        flipped = [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(len(whole))]
        for data in (*cut, *flipped, whole + b"x"):
            path.write_bytes(data)
            with pytest.raises(ConfigError, match=r"(damaged|cannot be read)"):
                FAISS.load_local(tmp_path, numbers)
        path.write_bytes(whole)
    assert len(FAISS.load_local(tmp_path, numbers)) == 2


def rewritten(folder, *, header=None, entries=None, vectors=None):
    """Write other things into a store's files, with the checksums that go with them."""
    path = folder / "index.json"
    first, _, rest = path.read_bytes().partition(b"\n")
    told, kept = json.loads(first), json.loads(rest)
    if entries is not None:
        rest = json.dumps(entries(kept)).encode()
    if vectors is not None:
        (folder / told["vectors"]).write_bytes(vectors)
        told["vectors_sha256"] = hashlib.sha256(vectors).hexdigest()
    told = {**told, "documents_sha256": hashlib.sha256(rest).hexdigest(), **(header or {})}
    path.write_bytes(json.dumps(told).encode() + b"\n" + rest)


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"format": 2}},
        {"header": {"format": None}},
        {"header": {"vectors": "../../etc/passwd"}},
        {"header": {"vectors": "/etc/passwd"}},
        {"header": {"vectors": ".."}},
        {"header": {"vectors": 3}},
        {"header": {"distance_strategy": "JACCARD"}},
        {"header": {"normalize_L2": "no"}},
        {"entries": lambda entries: entries[:1]},
        {"entries": lambda entries: entries + entries},
        {"entries": lambda entries: [{**each, "id": "a"} for each in entries]},
        {"entries": lambda entries: [{**each, "id": None} for each in entries]},
        {"entries": lambda entries: [{**each, "page_content": 3} for each in entries]},
        {"entries": lambda entries: [{**each, "metadata": []} for each in entries]},
        {"entries": lambda entries: None},
        {"entries": lambda entries: {"a": 1, "b": 2}},
        {"vectors": b""},
        {"vectors": b"junk" * 50},
        {"vectors": b"IxF2" + b"\xff" * 100},
    ],
)
def test_files_that_say_what_cannot_be_are_an_error_that_names_them(numbers, tmp_path, change):
    FAISS.from_texts(["1 0", "0 1"], numbers, ids=["a", "b"]).save_local(tmp_path)
    rewritten(tmp_path, **change)
    with pytest.raises(ConfigError, match=r"index.*damaged|cannot be read"):
        FAISS.load_local(tmp_path, numbers)


def test_a_store_of_another_model_is_found_out_by_its_dimension(numbers, tmp_path):
    FAISS.from_texts(["1 0", "0 1"], numbers).save_local(tmp_path)
    store = FAISS.load_local(tmp_path, DeterministicFakeEmbedding(size=3))
    with pytest.raises(ConfigError, match="3 numbers, but those in the store have 2"):
        store.similarity_search("x")


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_save_that_fails_on_the_way_leaves_the_old_store(numbers, tmp_path, monkeypatch, broken, at):
    FAISS.from_texts(["1 0"], numbers).save_local(tmp_path)
    files = sorted(tmp_path.iterdir())
    calls = []
    real = getattr(os, broken)

    def fails(*args):
        calls.append(args)
        if len(calls) - 1 == (at * 2 if broken == "fsync" else at):  # of each file and of its folder
            raise OSError("the disk is full")
        return real(*args)

    monkeypatch.setattr(os, broken, fails)
    with pytest.raises(OSError, match="full"):
        FAISS.from_texts(["1 0", "0 1"], numbers).save_local(tmp_path)
    monkeypatch.undo()
    assert set(files) <= set(tmp_path.iterdir())
    assert not list(tmp_path.glob("*.tmp"))
    assert len(FAISS.load_local(tmp_path, numbers)) == 1


def test_a_program_killed_while_it_saves_leaves_a_whole_store(tmp_path):
    """Killed at many moments: what is loaded is always one of the stores that were saved, whole."""
    code = """
        import itertools, sys
        from prill.embeddings import DeterministicFakeEmbedding
        from prill.vectorstores import FAISS
        store = FAISS(DeterministicFakeEmbedding(size=16))
        for number in itertools.count():
            store.add_texts([f"{number} {at}" for at in range(40)])
            store.save_local(sys.argv[1])
            print(number, flush=True)
    """
    child = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    for wait in (0.0, 0.004, 0.011):
        process = subprocess.Popen(child, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.communicate()
        loaded = FAISS.load_local(tmp_path, DeterministicFakeEmbedding(size=16))
        assert len(loaded) % 40 == 0
        text = loaded.get_by_ids(loaded._ids[-1:])[0].page_content
        assert loaded.similarity_search(text, k=1)[0].page_content == text


def test_an_argument_that_loading_does_not_know_is_refused_with_the_nearest_known(tmp_path, numbers):
    FAISS.from_texts(["1 0"], numbers).save_local(tmp_path)
    with pytest.raises(ConfigError, match="takes no argument 'index_nam'; did you mean 'index_name'"):
        FAISS.load_local(tmp_path, numbers, index_nam="x")
    with pytest.raises(ConfigError, match="takes no argument 'distance'; did you mean 'distance_strategy'"):
        FAISS.from_texts(["1 0"], numbers, distance="COSINE")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/tmp/x", "a\\b", "a\0b", "c:x", None])
def test_the_name_of_an_index_cannot_lead_out_of_its_folder(name, numbers, tmp_path):
    store = FAISS.from_texts(["1 0"], numbers)
    folder = tmp_path / "in"
    with pytest.raises(ConfigError, match="index_name must be the name of a file"):
        store.save_local(folder, name)
    with pytest.raises(ConfigError, match="index_name must be the name of a file"):
        FAISS.load_local(folder, numbers, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x" * 5000, "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(name, numbers, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be written|is not a path"):
        FAISS.from_texts(["1 0"], numbers).save_local(tmp_path, name)
    with pytest.raises(ConfigError, match="cannot be read"):
        FAISS.load_local(tmp_path, numbers, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["x" * 5000, "file", "file/x", "a\0b"])
def test_a_folder_that_cannot_be_used_is_refused(folder, numbers, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be written|is not a path"):
        FAISS.from_texts(["1 0"], numbers).save_local(f"{tmp_path}/{folder}")
    with pytest.raises(ConfigError, match="cannot be read"):
        FAISS.load_local(f"{tmp_path}/{folder}", numbers)


def test_a_name_with_signs_of_patterns_leaves_other_files_alone(numbers, tmp_path):
    FAISS.from_texts(["1 0"], numbers).save_local(tmp_path, "ab")
    FAISS.from_texts(["0 1"], numbers).save_local(tmp_path, "[a]b")
    assert len(FAISS.load_local(tmp_path, numbers, "ab")) == len(FAISS.load_local(tmp_path, numbers, "[a]b")) == 1
