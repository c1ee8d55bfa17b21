"""Answers that name their sources."""

from __future__ import annotations

import asyncio

import pytest

from prill.chains import CitedDocument, create_cited_retrieval_chain, create_retrieval_chain, with_citations
from prill.documents import Document
from prill.errors import CompositionError, ModelServerError
from prill.language_models import FakeListChatModel, GenericFakeChatModel
from prill.messages import AIMessage
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.testing import check_runnable

A, B = Document("Refunds take a week."), Document("Vouchers never expire.")
found = RunnableLambda(lambda given: [A, B])


def chain_of(answer):
    return create_cited_retrieval_chain(FakeListChatModel(responses=[answer]), found)


def test_the_documents_that_the_answer_names_are_given_with_it():
    said = chain_of("A week [1]. Never [2, 1].").invoke({"input": "q"})
    assert said.keys() == {"input", "context", "answer", "citations"}
    assert said["citations"] == [
        CitedDocument(number=1, start=7, end=10, document=A),
        CitedDocument(number=2, start=18, end=24, document=B),
        CitedDocument(number=1, start=18, end=24, document=A),
    ]
    assert said["answer"][18:24] == "[2, 1]"


def test_a_source_that_was_made_up_has_no_document():
    assert chain_of("Yes [0][7].").invoke({"input": "q"})["citations"] == [
        CitedDocument(number=0, start=4, end=7),
        CitedDocument(number=7, start=7, end=10),
    ]


def test_each_citation_is_streamed_when_its_mark_is_closed():
    chunks = list(chain_of("One [1]. Two.").stream({"input": "q"}))
    assert chunks[1] == {"context": [A, B]}
    at = chunks.index({"citations": [CitedDocument(number=1, start=4, end=7, document=A)]})
    assert "".join(chunk.get("answer", "") for chunk in chunks[:at]) == "One [1]"
    assert "".join(chunk.get("answer", "") for chunk in chunks) == "One [1]. Two."


def test_where_nothing_is_cited_the_list_is_empty():
    assert chain_of("I do not know.").invoke({"input": "q"})["citations"] == []
    assert {"citations": []} in list(chain_of("I do not know.").stream({"input": "q"}))


def test_documents_are_numbered_in_the_prompt():
    said = []
    model = RunnableLambda(lambda prompt: said.append(prompt.to_string()) or "yes")
    create_cited_retrieval_chain(model, found).invoke({"input": "How long?"})
    assert "[1] Refunds take a week.\n\n[2] Vouchers never expire." in said[0]
    assert said[0].endswith("Human: How long?")


def test_the_answer_may_be_a_message():
    model = GenericFakeChatModel(messages=iter([AIMessage("A week [1].")] * 2))
    chain = with_citations(create_retrieval_chain(found, RunnableLambda(lambda given: "q") | model))
    assert chain.invoke({"input": "q"})["citations"][0].document == A
    assert [cited.document for chunk in chain.stream({"input": "q"}) for cited in chunk.get("citations", [])] == [A]


def test_keys_may_have_other_names():
    chain = with_citations(
        RunnableLambda(lambda given: {"sources": [A], "text": "so [1]"}), context_key="sources", answer_key="text"
    )
    assert chain.invoke(1)["citations"] == [CitedDocument(number=1, start=3, end=6, document=A)]


def test_an_answer_that_starts_again_takes_its_citations_back():
    tries = []

    def answer(chunks):
        list(chunks)
        tries.append(1)
        yield "Wrong [2]"
        if len(tries) == 1:
            raise ModelServerError("once")
        yield " right [1]"

    step = RunnableGenerator(answer).with_retry(wait_exponential_jitter=False, mid_stream="restart")
    chain = with_citations(create_retrieval_chain(found, step))
    total = None
    for chunk in chain.stream({"input": "q"}):
        total = chunk if total is None else total + chunk
    assert total["answer"] == "Wrong [2] right [1]"
    assert [cited.number for cited in total["citations"]] == [2, 1]


@pytest.mark.parametrize("wrong", ["text", {"answer": 3}])
def test_what_has_no_marks_is_an_error(wrong):
    with pytest.raises(CompositionError, match="citations are found in"):
        with_citations(RunnableLambda(lambda given: wrong)).invoke(1)
    with pytest.raises(CompositionError, match="citations are found in"):
        list(with_citations(RunnableLambda(lambda given: wrong)).stream(1))


def test_asyncio_gives_the_same():
    chain = chain_of("A week [1].")
    assert asyncio.run(chain.ainvoke({"input": "q"})) == chain.invoke({"input": "q"})


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(chain_of("A week [1]. Never [2,9]."), {"input": "q"})
