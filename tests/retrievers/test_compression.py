"""What a retriever finds, filtered, shortened and reordered."""

from __future__ import annotations

import asyncio

import cloudpickle
import pytest
from tests.helpers import requires

from prill.documents import BaseDocumentCompressor, Document
from prill.embeddings import Embeddings
from prill.errors import CompositionError, ConfigError, OutputParserException
from prill.language_models import FakeListChatModel
from prill.openai import ChatOpenAI
from prill.prompts import PromptTemplate
from prill.retrievers import (
    BaseCrossEncoder,
    ContextualCompressionRetriever,
    CrossEncoderReranker,
    DocumentCompressorPipeline,
    EmbeddingsFilter,
    EmbeddingsRedundantFilter,
    LLMChainExtractor,
    LLMChainFilter,
    LLMListwiseRerank,
)
from prill.retrievers.model_filters import YesNoParser
from prill.runnables import RunnableLambda
from prill.testing import check_runnable
from prill.text_splitters import CharacterTextSplitter


class Letters(Embeddings):
    """How often each of the letters a, b and c is in a text."""

    def embed_query(self, text):
        return [text.count(letter) + 0.001 for letter in "abc"]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


class SharedWords(BaseCrossEncoder):
    def score(self, text_pairs):
        return [len(set(question.split()) & set(text.split())) for question, text in text_pairs]


def docs(*texts):
    return [Document(text, metadata={"at": at}) for at, text in enumerate(texts)]


def texts(found):
    return [document.page_content for document in found]


def both(compressor, documents, query):
    """What remains, the same in both colours, and after pickling."""
    found = list(compressor.compress_documents(documents, query))
    assert list(asyncio.run(compressor.acompress_documents(documents, query))) == found
    assert list(cloudpickle.loads(cloudpickle.dumps(compressor)).compress_documents(documents, query)) == found
    return texts(found)


def retriever_of(documents, compressor):
    base = RunnableLambda(lambda question: documents).with_config(run_name="base")
    return ContextualCompressionRetriever(base_compressor=compressor, base_retriever=base)


@requires("numpy")
def test_documents_near_the_question_are_kept_the_nearest_first():
    given = docs("b", "aab", "aaa", "c")
    assert both(EmbeddingsFilter(embeddings=Letters(), k=2), given, "a") == ["aaa", "aab"]
    assert both(EmbeddingsFilter(embeddings=Letters(), k=None, similarity_threshold=0.95), given, "a") == ["aaa"]
    assert both(EmbeddingsFilter(embeddings=Letters()), [], "a") == []
    with pytest.raises(ValueError, match="needs k or similarity_threshold"):
        EmbeddingsFilter(embeddings=Letters(), k=None)


@requires("numpy")
def test_what_says_nothing_new_is_left_out():
    different = EmbeddingsRedundantFilter(embeddings=Letters())
    assert texts(different.transform_documents(docs("a", "aa", "b", "aaa"))) == ["a", "b"]
    assert texts(asyncio.run(different.atransform_documents(docs("a", "aa", "b")))) == ["a", "b"]
    assert different.transform_documents([]) == []


@requires("numpy")
def test_parts_of_a_pipeline_work_one_after_the_other():
    pipeline = DocumentCompressorPipeline(
        transformers=[
            CharacterTextSplitter(separator=" ", chunk_size=2, chunk_overlap=0),
            EmbeddingsRedundantFilter(embeddings=Letters()),
            EmbeddingsFilter(embeddings=Letters(), k=2),
        ]
    )
    assert both(pipeline, docs("a aa b", "bb c"), "c") == ["c", "a"]
    with pytest.raises(CompositionError, match="compressors and transformers"):
        DocumentCompressorPipeline(transformers=[len])


def test_a_model_copies_out_what_helps():
    answers = {"x": "the part", "y": "NO_OUTPUT", "z": "<think>hm</think>\nNO_OUTPUT."}
    model = RunnableLambda(lambda prompt: answers[prompt.to_string()[-1]])
    prompt = PromptTemplate.from_template("{question} {context}")
    extractor = LLMChainExtractor.from_llm(model, prompt)
    assert both(extractor, docs("x", "y", "z"), "q") == ["the part"]
    assert extractor.compress_documents(docs("y", "x"), "q")[0].metadata == {"at": 1}


def test_the_model_s_input_may_be_one_s_own():
    model = RunnableLambda(lambda prompt: prompt.to_string())
    prompt = PromptTemplate.from_template("{both}")
    extractor = LLMChainExtractor.from_llm(model, prompt, get_input=lambda q, doc: {"both": q + doc.page_content})
    assert texts(extractor.compress_documents(docs("x"), "q")) == ["qx"]


def test_a_model_says_which_documents_help():
    model = RunnableLambda(lambda prompt: "Yes." if "good" in prompt.to_string() else "NO")
    assert both(LLMChainFilter.from_llm(model), docs("good", "bad", "good too"), "q") == ["good", "good too"]


@pytest.mark.parametrize(
    ("text", "said"), [("YES", True), (" no.", False), ("是", True), ("否。", False), ("<think>no</think> Yes", True)]
)
def test_yes_and_no_are_read(text, said):
    assert YesNoParser().parse(text) is said


@pytest.mark.parametrize("text", ["", "Perhaps", "yes and no", "nothing"])
def test_an_answer_that_is_neither_is_an_error(text):
    with pytest.raises(OutputParserException, match="neither YES nor NO"):
        YesNoParser().parse(text)


def test_a_cross_encoder_puts_the_best_first():
    given = docs("red", "red green blue", "green red")
    assert both(CrossEncoderReranker(model=SharedWords(), top_n=2), given, "red green blue") == [
        "red green blue",
        "green red",
    ]
    assert both(CrossEncoderReranker(model=SharedWords()), [], "red") == []


def test_a_cross_encoder_that_loses_scores_is_an_error():
    class Short(BaseCrossEncoder):
        def score(self, text_pairs):
            return [1.0]

    with pytest.raises(ConfigError, match="Short gave 1 scores for 2 documents"):
        CrossEncoderReranker(model=Short()).compress_documents(docs("a", "b"), "q")


def test_a_model_orders_all_at_once():
    said = RunnableLambda(lambda given: Ranked([2, 7, 0, 2]))
    assert both(LLMListwiseRerank(reranker=said, top_n=3), docs("a", "b", "c", "d"), "q") == ["c", "a", "b"]
    assert both(LLMListwiseRerank(reranker=said), [], "q") == []


class Ranked:
    def __init__(self, ids):
        self.ranked_document_ids = ids


def test_a_chat_model_s_structured_answer_is_the_order(server):
    server.reply(tool_calls=[{"name": "RankDocuments", "args": {"ranked_document_ids": [1, 0]}}])
    model = ChatOpenAI(model="m", base_url=server.openai_url, api_key="none")
    assert texts(LLMListwiseRerank.from_llm(model, top_n=1).compress_documents(docs("a", "b"), "q")) == ["b"]
    assert "[1] b" in server.requests[-1].json["messages"][0]["content"]


def test_what_a_retriever_finds_is_given_to_the_compressor(seen):
    found = docs("good", "bad")
    model = FakeListChatModel(responses=["YES", "NO"])
    retriever = retriever_of(found, LLMChainFilter.from_llm(model))
    assert len(retriever.invoke("q", {"callbacks": [seen]})) == 1
    assert seen.runs[0] == (None, "ContextualCompressionRetriever", "retriever")
    inside = [name for parent, name, _ in seen.runs if parent == "ContextualCompressionRetriever"]
    assert inside == ["base", "RunnableSequence", "RunnableSequence"]
    assert len([kind for _, _, kind in seen.runs if kind == "chat_model"]) == 2


def test_a_compressor_of_one_s_own_works_in_both_colours_and_is_not_asked_about_nothing():
    class First(BaseDocumentCompressor):
        def compress_documents(self, documents, query, callbacks=None):
            assert documents
            return documents[:1]

    found = docs("a", "b")
    assert (
        retriever_of(found, First()).invoke("q") == asyncio.run(retriever_of(found, First()).ainvoke("q")) == found[:1]
    )
    assert retriever_of([], First()).invoke("q") == []


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(retriever_of(docs("a", "q b"), CrossEncoderReranker(model=SharedWords(), top_n=1)), "q")
