"""How to stream a retrieval chain: the example of the documentation, on OpenAI's embeddings and on the local ones."""

import pytest
from tests.helpers import require, requires

from prill.anthropic import ChatAnthropic
from prill.documents import Document
from prill.embeddings import LocalEmbeddings
from prill.openai import OpenAIEmbeddings
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnablePassthrough
from prill.vectorstores import FAISS

require("faiss")

TEMPLATE = """Answer the question based only on the following context:
{context}

Question: {question}
"""

QUESTION = "Where did harrison work? Write 3 made up sentences about this place."

PRINTED = "Base|d on| the| given| context|,| Harrison| worke|d at| K|ens|ho|.|"


@pytest.fixture(params=["OpenAI", pytest.param("local", marks=requires("weights"))])
def embeddings(request, server):
    if request.param == "local":
        yield LocalEmbeddings()
        return
    with_server = OpenAIEmbeddings(base_url=server.openai_url, api_key="test")
    yield with_server
    with_server.close()


@pytest.fixture
def retriever(embeddings):
    vectorstore = FAISS.from_texts(
        ["harrison worked at kensho", "harrison likes spicy food"],
        embedding=embeddings,
    )
    return vectorstore.as_retriever()


@pytest.fixture
def retrieval_chain(server, retriever):
    model = ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")
    prompt = ChatPromptTemplate.from_template(TEMPLATE)
    return (
        {
            "context": retriever.with_config(run_name="Docs"),
            "question": RunnablePassthrough(),
        }
        | prompt
        | model
        | StrOutputParser()
    )


def test_a_retriever_streams_its_documents_in_one_piece(retriever):
    chunks = list(retriever.stream("where did harrison work?"))
    assert [[document.page_content for document in chunk] for chunk in chunks] == [
        ["harrison worked at kensho", "harrison likes spicy food"]
    ]
    assert all(isinstance(document, Document) for document in chunks[0])


def test_the_chain_streams_what_comes_after_the_retriever(server, retrieval_chain):
    server.reply(*PRINTED.removesuffix("|").split("|"))
    chunks = list(retrieval_chain.stream(QUESTION))
    assert "|".join(chunk for chunk in chunks if chunk) + "|" == PRINTED
    asked = server.requests[-1].json["messages"][0]["content"]
    assert "page_content='harrison worked at kensho'" in str(asked)
    assert QUESTION in str(asked)


def test_the_chain_streams_in_asyncio_and_its_events_show_the_retriever(server, retrieval_chain, run):
    server.reply(*PRINTED.removesuffix("|").split("|"))

    async def main():
        return [event async for event in retrieval_chain.astream_events(QUESTION, version="v2")]

    events = run(main())
    start, end = [event for event in events if event["event"].startswith("on_retriever")]
    assert (start["event"], end["event"]) == ("on_retriever_start", "on_retriever_end")
    assert start["name"] == end["name"] == "Docs"
    assert start["data"] == {"input": {"query": QUESTION}}
    assert end["data"]["input"] == {"query": QUESTION}
    assert end["data"]["output"][0].page_content == "harrison worked at kensho"
    spoken = [event["data"]["chunk"] for event in events if event["event"] == "on_parser_stream"]
    assert "|".join(chunk for chunk in spoken if chunk) + "|" == PRINTED
