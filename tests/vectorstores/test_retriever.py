"""``VectorStoreRetriever``."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from prill.callbacks import BaseCallbackHandler
from prill.documents import Document
from prill.errors import ConfigError
from prill.vectorstores import InMemoryVectorStore, VectorStoreRetriever


@pytest.fixture
def store(numbers):
    return InMemoryVectorStore.from_texts(["1 0", "0.9 0.1", "0 1"], numbers)


def contents(documents):
    return [document.page_content for document in documents]


def test_a_search_is_by_similarity_relevance_or_variety(store):
    assert contents(store.as_retriever(search_kwargs={"k": 2}).invoke("1 0")) == ["1 0", "0.9 0.1"]
    near = store.as_retriever(search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.999})
    assert contents(near.invoke("1 0")) == ["1 0"]
    assert contents(asyncio.run(near.ainvoke("1 0"))) == ["1 0"]
    varied = store.as_retriever(search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.1})
    assert contents(varied.invoke("1 0")) == ["1 0", "0 1"]


def test_what_is_given_to_invoke_goes_over_the_settings(store):
    retriever = store.as_retriever(search_kwargs={"k": 3})
    assert len(retriever.invoke("1 0", k=1)) == 1
    assert len(asyncio.run(retriever.ainvoke("1 0", k=1))) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"search_type": "nearest"},
        {"search_type": "similarity_score_threshold"},
        {"search_type": "similarity_score_threshold", "search_kwargs": {"score_threshold": "high"}},
    ],
)
def test_a_search_that_cannot_be_is_refused_when_it_is_made(store, settings):
    with pytest.raises(ValidationError, match=r"search_type must be one of|score_threshold"):
        store.as_retriever(**settings)


def test_only_a_store_can_be_searched():
    with pytest.raises(ValidationError):
        VectorStoreRetriever(vectorstore="store")


def test_documents_can_be_added_through_it(store):
    retriever = store.as_retriever()
    assert retriever.add_documents([Document("5 5", id="x")]) == ["x"]
    assert asyncio.run(retriever.aadd_documents([Document("6 6", id="y")])) == ["y"]
    assert len(store) == 5


def test_handlers_are_told_what_is_searched(store):
    class Seen(BaseCallbackHandler):
        def on_retriever_start(self, serialized, query, *, tags, metadata, **kwargs):
            self.told = query, tags, metadata

    seen = Seen()
    store.as_retriever().invoke("1 0", {"callbacks": [seen]})
    assert seen.told == (
        "1 0",
        ["InMemoryVectorStore", "Numbers"],
        {
            "ls_retriever_name": "vectorstore",
            "ls_vector_store_provider": "InMemoryVectorStore",
            "ls_embedding_provider": "Numbers",
        },
    )
    store.as_retriever(tags=["mine"]).invoke("1 0", {"callbacks": [seen]})
    assert seen.told[1] == ["mine"]


def test_a_search_argument_given_to_the_retriever_itself_is_refused_with_its_place(kind, numbers):
    with pytest.raises(ConfigError, match=r"as_retriever takes no argument 'k'.*goes into search_kwargs"):
        kind(numbers).as_retriever(k=3)
    with pytest.raises(ConfigError, match=r"a search in .* takes no argument 'kk'; did you mean 'k'"):
        kind(numbers).as_retriever(search_kwargs={"kk": 3}).invoke("1 0")
