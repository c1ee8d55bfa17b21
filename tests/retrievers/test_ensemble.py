"""Several retrievers, one order."""

from __future__ import annotations

import asyncio
import threading

import pytest
from pydantic import ValidationError

from prill.documents import Document
from prill.retrievers import BaseRetriever, EnsembleRetriever
from prill.runnables import RunnableLambda
from prill.testing import check_runnable


class Fixed(BaseRetriever):
    found: list[Document]

    def _get_relevant_documents(self, query):
        return self.found


A, B, C = (Document(text, metadata={"key": text.lower()}) for text in "ABC")


def fixed(*documents):
    return Fixed(found=list(documents))


def test_ranks_are_fused():
    both = EnsembleRetriever(retrievers=[fixed(A, B), fixed(C, B)])
    assert both.invoke("q") == [B, A, C]
    assert both.weights == [0.5, 0.5]


def test_weights_and_c_decide():
    given = [fixed(A, B), fixed(B, A)]
    assert EnsembleRetriever(retrievers=given, weights=[0.9, 0.1]).invoke("q") == [A, B]
    assert EnsembleRetriever(retrievers=given, weights=[0.1, 0.9]).invoke("q") == [B, A]
    last_of_both = [fixed(A, Document("D"), C), fixed(B, Document("E"), C)]
    assert EnsembleRetriever(retrievers=last_of_both, c=0).invoke("q")[:3] == [A, B, C]
    assert EnsembleRetriever(retrievers=last_of_both, c=60).invoke("q")[:3] == [C, A, B]


def test_a_document_is_known_by_its_text_or_by_a_key():
    again = Document("another text", metadata={"key": "a"})
    assert len(EnsembleRetriever(retrievers=[fixed(A), fixed(again)]).invoke("q")) == 2
    assert EnsembleRetriever(retrievers=[fixed(A), fixed(again)], id_key="key").invoke("q") == [A]


def test_any_step_may_be_a_retriever():
    both = EnsembleRetriever(retrievers=[lambda question: [Document(question)], fixed(A)])
    assert both.invoke("q") == [Document("q"), A]


def test_weights_must_fit():
    with pytest.raises(ValidationError, match="2 retrievers, but 1 weights"):
        EnsembleRetriever(retrievers=[fixed(A), fixed(B)], weights=[1])
    with pytest.raises(ValidationError):
        EnsembleRetriever(retrievers=[])


def test_retrievers_run_at_the_same_time_in_both_colours():
    meeting = threading.Barrier(2)

    def meet(question):
        meeting.wait(30)
        return [Document(question)]

    both = EnsembleRetriever(retrievers=[RunnableLambda(meet), RunnableLambda(meet)])
    assert both.invoke("q") == [Document("q")]
    assert asyncio.run(both.ainvoke("q")) == [Document("q")]


def test_runs_of_the_parts_are_children_with_a_tag_each(seen):
    EnsembleRetriever(retrievers=[fixed(A), fixed(B)], tags=["mine"]).invoke("q", {"callbacks": [seen]})
    assert seen.runs[0] == (None, "EnsembleRetriever", "retriever")
    assert sorted(seen.runs[1:]) == [("EnsembleRetriever", "Fixed", "retriever")] * 2
    assert seen.tags[0] == ["mine"]
    assert sorted(seen.tags[1:]) == [["retriever:1"], ["retriever:2"]]


@pytest.mark.parametrize("colour", ["invoke", "ainvoke"])
def test_an_error_names_the_retriever_that_failed(colour):
    def fail(question):
        raise ValueError("out of order")

    both = EnsembleRetriever(retrievers=[fixed(A), RunnableLambda(fail)])
    with pytest.raises(ValueError, match="out of order") as caught:
        both.invoke("q") if colour == "invoke" else asyncio.run(both.ainvoke("q"))
    assert "EnsembleRetriever > retriever 2 (fail)" in caught.value.__notes__[0]


def test_a_subclass_may_change_what_is_found():
    class First(EnsembleRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return super()._get_relevant_documents(query, run_manager=run_manager)[:1]

    first = First(retrievers=[fixed(A), fixed(B)])
    assert first.invoke("q") == asyncio.run(first.ainvoke("q")) == [A]


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(EnsembleRetriever(retrievers=[fixed(A, B), fixed(B)]), "q", expected=[B, A])
