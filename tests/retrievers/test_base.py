"""Retrievers: a question in, documents out."""

import asyncio

import pytest

from prill.callbacks import BaseCallbackHandler
from prill.documents import Document
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda


class Echo(BaseRetriever):
    k: int = 1

    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(query)] * self.k


class EchoRetriever(Echo):
    async def _aget_relevant_documents(self, query, *, run_manager, **kwargs):
        return [Document(f"async {query}")]


class WithoutManager(BaseRetriever):
    def _get_relevant_documents(self, query):
        return [Document(query)]


def test_documents_are_found_in_both_colours():
    assert Echo(k=2).invoke("q") == [Document("q")] * 2
    assert asyncio.run(Echo().ainvoke("q")) == [Document("q")]
    assert asyncio.run(EchoRetriever().ainvoke("q")) == [Document("async q")]
    assert EchoRetriever().invoke("q") == [Document("q")]
    assert list(Echo().stream("q")) == [[Document("q")]]
    assert Echo().batch(["a", "b"]) == [[Document("a")], [Document("b")]]


def test_a_body_need_not_take_the_manager():
    assert WithoutManager().invoke("q") == [Document("q")]


def test_what_is_no_retriever_cannot_be_made():
    class Empty(BaseRetriever):
        pass

    with pytest.raises(TypeError):
        Empty()


def test_handlers_are_told_the_question_and_the_documents():
    class Seen(BaseCallbackHandler):
        def __init__(self):
            self.told = []

        def on_retriever_start(self, serialized, query, *, tags, metadata, **kwargs):
            self.told += [query, tags, metadata]

        def on_retriever_end(self, documents, **kwargs):
            self.told.append(documents)

    seen = Seen()
    EchoRetriever(tags=["own"], metadata={"a": 1}).invoke("q", {"callbacks": [seen]})
    assert seen.told == ["q", ["own"], {"ls_retriever_name": "echo", "a": 1}, [Document("q")]]


def test_a_retriever_is_a_step():
    assert (RunnableLambda(str.upper) | Echo() | (lambda found: found[0].page_content)).invoke("q") == "Q"
