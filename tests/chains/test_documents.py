"""Chains that answer from documents."""

from __future__ import annotations

import asyncio

import pytest

from prill.chains import create_history_aware_retriever, create_retrieval_chain, create_stuff_documents_chain
from prill.documents import Document
from prill.errors import ConfigError, MissingVariableError, PromptInputError
from prill.language_models import FakeListChatModel
from prill.messages import AIMessage, HumanMessage
from prill.output_parsers import CommaSeparatedListOutputParser
from prill.prompts import ChatPromptTemplate, PromptTemplate
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda
from prill.testing import check_runnable

FOUND = [Document("Refunds take a week.", metadata={"source": "a"}), Document("No refunds.", metadata={"source": "b"})]
PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Use {context}"), ("placeholder", "{chat_history}"), ("human", "{input}")]
)
REWRITE = ChatPromptTemplate.from_messages([("placeholder", "{chat_history}"), ("human", "{input}")])
model = FakeListChatModel(responses=["a week"])
show = RunnableLambda(lambda prompt: prompt.to_string())


class Echo(BaseRetriever):
    def _get_relevant_documents(self, query):
        return [Document(query)]


def test_documents_are_written_into_the_prompt():
    chain = create_stuff_documents_chain(show, PROMPT)
    said = "System: Use Refunds take a week.\n\nNo refunds.\nHuman: q"
    assert chain.invoke({"context": FOUND, "input": "q"}) == said
    assert asyncio.run(chain.ainvoke({"context": FOUND, "input": "q"})) == said
    assert chain.invoke({"context": [], "input": "q"}) == "System: Use \nHuman: q"


def test_how_documents_are_written_can_be_chosen():
    chain = create_stuff_documents_chain(
        show,
        ChatPromptTemplate.from_template("{texts}"),
        document_prompt=PromptTemplate.from_template("{source}: {page_content}"),
        document_separator=" | ",
        document_variable_name="texts",
        numbered=True,
    )
    assert chain.invoke({"texts": FOUND}) == "Human: [1] a: Refunds take a week. | [2] b: No refunds."


def test_the_answer_may_be_parsed():
    chain = create_stuff_documents_chain(
        FakeListChatModel(responses=["a, b"]), PROMPT, output_parser=CommaSeparatedListOutputParser()
    )
    assert chain.invoke({"context": FOUND, "input": "q"}) == ["a", "b"]


def test_what_is_missing_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match="needs the variable 'context'"):
        create_stuff_documents_chain(model, REWRITE)
    with pytest.raises(ConfigError, match="needs the variable 'input'"):
        create_history_aware_retriever(model, Echo(), ChatPromptTemplate.from_template("{question}"))
    with pytest.raises(PromptInputError, match="under 'context'"):
        create_stuff_documents_chain(model, PROMPT).invoke({"input": "q"})
    with pytest.raises(PromptInputError, match="under 'input'"):
        create_retrieval_chain(Echo(), create_stuff_documents_chain(model, PROMPT)).invoke({"question": "q"})
    sourced = PromptTemplate.from_template("{source}")
    chain = create_stuff_documents_chain(model, PROMPT, document_prompt=sourced)
    with pytest.raises(MissingVariableError, match="source"):
        chain.invoke({"context": [Document("x")], "input": "q"})


def test_a_retrieval_chain_gives_its_input_the_documents_and_the_answer():
    chain = create_retrieval_chain(Echo(), create_stuff_documents_chain(model, PROMPT))
    given = {"input": "q", "more": 1}
    assert chain.invoke(given) == {**given, "context": [Document("q")], "answer": "a week"}


@pytest.mark.parametrize("colour", ["stream", "astream"])
def test_the_documents_are_streamed_before_the_first_piece_of_the_answer(colour):
    chain = create_retrieval_chain(Echo(), create_stuff_documents_chain(model, PROMPT))
    if colour == "stream":
        chunks = list(chain.stream({"input": "q"}))
    else:

        async def main():
            return [chunk async for chunk in chain.astream({"input": "q"})]

        chunks = asyncio.run(main())
    assert chunks[:2] == [{"input": "q"}, {"context": [Document("q")]}]
    assert [chunk["answer"] for chunk in chunks[2:]] == list("a week")


def test_the_documents_are_there_before_the_model_is_asked():
    asked = []
    slow = RunnableLambda(lambda prompt: asked.append(prompt) or "yes")
    chain = create_retrieval_chain(Echo(), create_stuff_documents_chain(slow, PROMPT))
    stream = chain.stream({"input": "q"})
    assert next(stream) == {"input": "q"}
    assert next(stream) == {"context": [Document("q")]}
    assert asked == []
    stream.close()


def test_a_step_that_is_no_retriever_is_given_the_whole_input():
    find = RunnableLambda(lambda given: [Document(" ".join(given))])
    chain = create_retrieval_chain(find, create_stuff_documents_chain(model, PROMPT))
    assert chain.invoke({"input": "q", "chat_history": []})["context"] == [Document("input chat_history")]


def test_a_follow_up_question_is_written_out_before_it_is_looked_up():
    asked = []
    rewrite = RunnableLambda(lambda prompt: asked.append(prompt.to_messages()) or "Delivery to Norway?")
    retriever = create_history_aware_retriever(rewrite, Echo(), REWRITE)
    assert retriever.invoke({"input": "Delivery?"}) == [Document("Delivery?")]
    assert retriever.invoke({"input": "Delivery?", "chat_history": []}) == [Document("Delivery?")]
    assert asked == []
    history = [HumanMessage("Delivery?"), AIMessage("Two days.")]
    assert retriever.invoke({"input": "To Norway?", "chat_history": history}) == [Document("Delivery to Norway?")]
    assert asked == [[*history, HumanMessage("To Norway?")]]


def test_the_parts_have_names_of_their_own():
    from prill.tracers import collect_runs

    retriever = create_history_aware_retriever(model, Echo(), REWRITE)
    chain = create_retrieval_chain(retriever, create_stuff_documents_chain(model, PROMPT))
    with collect_runs() as runs:
        chain.invoke({"input": "q", "chat_history": [("human", "before")]})
    (root,) = runs.traced_runs
    names = set()

    def visit(run):
        names.add(run.name)
        for child in run.child_runs:
            visit(child)

    visit(root)
    assert root.name == "retrieval_chain"
    assert names >= {"retrieve_documents", "stuff_documents_chain", "format_inputs", "format_docs", "Echo"}


@pytest.mark.parametrize("history", [[], [("human", "before")]])
def test_they_keep_the_promises_of_a_runnable(history):
    retriever = create_history_aware_retriever(model, Echo(), REWRITE)
    chain = create_retrieval_chain(retriever, create_stuff_documents_chain(model, PROMPT))
    check_runnable(chain, {"input": "q", "chat_history": history})
