"""BM25: documents found by the words that they share with the question."""

from __future__ import annotations

import pickle
import subprocess
import sys

import cloudpickle
import pytest
from pydantic import ValidationError
from tests.helpers import requires

from prill.documents import Document
from prill.errors import ConfigError, MissingDependencyError
from prill.retrievers import BM25Retriever
from prill.retrievers.bm25 import default_preprocessing_func
from prill.testing import check_runnable

needs_bm25s = requires("bm25s")


def texts(found):
    return [document.page_content for document in found]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Tram's late, isn't it?", ["the", "tram's", "late", "isn't", "it"]),
        ("龙井茶", ["龙井", "井茶"]),
        ("茶", ["茶"]),
        ("2024年的龙井tea", ["2024", "年的", "的龙", "龙井", "tea"]),
        ("ＡＢＣ　カナ", ["abc", "カナ"]),
        ("한국어 문장", ["한국", "국어", "문장"]),
        ("snake_case café", ["snake", "case", "café"]),
        ("…!？", []),
        ("", []),
    ],
)
def test_a_text_is_split_into_words_and_pairs_of_characters(text, words):
    assert default_preprocessing_func(text) == words


@needs_bm25s
def test_documents_with_the_question_s_words_are_found_rare_words_first(documents):
    retriever = BM25Retriever.from_documents(documents, k=2)
    assert retriever.invoke("How many DAYS for parcels?") == [documents[1], documents[0]]
    assert retriever.invoke("shops in Bergen", k=1) == [documents[2]]


@needs_bm25s
def test_what_shares_no_word_is_not_found(documents):
    retriever = BM25Retriever.from_documents(documents, k=3)
    assert retriever.invoke("weather") == []
    assert retriever.invoke("?") == []
    assert len(retriever.invoke("parcels")) == 1


@needs_bm25s
def test_chinese_is_found_by_pairs_of_characters():
    retriever = BM25Retriever.from_texts(["龙井茶产于杭州西湖。", "绿茶不经过发酵。", "长城全长两万多公里。"], k=1)
    assert texts(retriever.invoke("西湖附近产什么茶？")) == ["龙井茶产于杭州西湖。"]
    assert texts(retriever.invoke("长城有多长？")) == ["长城全长两万多公里。"]


@needs_bm25s
def test_texts_come_with_their_metadata_and_ids():
    retriever = BM25Retriever.from_texts(["one red", "two blue"], [{"n": 1}, {"n": 2}], ids=["a", "b"])
    assert retriever.invoke("blue") == [Document("two blue", id="b", metadata={"n": 2})]
    with pytest.raises(ConfigError, match="2 texts, but 1 metadatas and 2 ids"):
        BM25Retriever.from_texts(["one", "two"], [{}])


@needs_bm25s
def test_nothing_is_found_among_nothing():
    assert BM25Retriever.from_documents([]).invoke("a") == []
    assert BM25Retriever.from_texts(["", "..."]).invoke("a") == []


@needs_bm25s
def test_one_may_split_texts_oneself():
    retriever = BM25Retriever.from_texts(["a-b", "c-d"], preprocess_func=lambda text: text.split("-"))
    assert texts(retriever.invoke("x-d")) == ["c-d"]
    assert texts(cloudpickle.loads(cloudpickle.dumps(retriever)).invoke("x-d")) == ["c-d"]


@needs_bm25s
def test_settings_that_are_wrong_are_refused():
    assert BM25Retriever.from_texts(["a"], bm25_params={"k1": 1.2, "b": 0.5}).vectorizer.k1 == 1.2
    with pytest.raises(ConfigError, match="bm25_params are not what"):
        BM25Retriever.from_texts(["a"], bm25_params={"epsilon": 1})
    with pytest.raises(ValidationError, match="k"):
        BM25Retriever.from_texts(["a"], k=0)


@needs_bm25s
def test_equal_scores_keep_the_order_of_the_documents_in_every_process():
    code = (
        "from prill.retrievers import BM25Retriever\n"
        "r = BM25Retriever.from_texts([f'same words {n % 2}' for n in range(9)], k=9)\n"
        "print([d.page_content for d in r.invoke('words same 1')])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {str(["same words 1"] * 4 + ["same words 0"] * 5) + "\n"}


@needs_bm25s
def test_it_keeps_the_promises_of_a_runnable(documents):
    retriever = BM25Retriever.from_documents(documents)
    check_runnable(retriever, "parcels", expected=[documents[1]])
    assert pickle.loads(pickle.dumps(retriever)).invoke("parcels") == [documents[1]]


def test_a_missing_package_is_an_error_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[bm25\]"):
        BM25Retriever.from_texts(["a"])
