"""One question, asked in several ways."""

from __future__ import annotations

import pytest

from prill.documents import Document
from prill.language_models import FakeListChatModel
from prill.prompts import PromptTemplate
from prill.retrievers import LineListOutputParser, MultiQueryRetriever
from prill.runnables import RunnableLambda
from prill.testing import check_runnable

echo = RunnableLambda(lambda question: [Document(question), Document("for all")])
model = FakeListChatModel(responses=["1. one?\n\n2) two?\n- three?"])


def texts(found):
    return [document.page_content for document in found]


def test_each_of_the_model_s_questions_is_asked_and_what_is_found_twice_comes_once():
    assert texts(MultiQueryRetriever.from_llm(echo, model).invoke("zero?")) == ["one?", "for all", "two?", "three?"]


def test_the_question_itself_may_be_asked_too():
    retriever = MultiQueryRetriever.from_llm(echo, model, include_original=True)
    assert texts(retriever.invoke("zero?")) == ["zero?", "for all", "one?", "two?", "three?"]


def test_the_prompt_may_be_one_s_own(seen):
    said = []
    keep = RunnableLambda(lambda prompt: (said.append(prompt.to_string()), "a\nb")[1])
    prompt = PromptTemplate.from_template("Ask otherwise: {question}")
    retriever = MultiQueryRetriever.from_llm(echo, keep, prompt=prompt)
    retriever.invoke("q", {"callbacks": [seen]})
    assert said == ["Ask otherwise: q"]
    children = sorted(name for parent, name, _ in seen.runs if parent == "MultiQueryRetriever")
    assert [name.partition("(")[0] for name in children] == ["RunnableLambda", "RunnableLambda", "RunnableSequence"]


def test_documents_that_differ_in_their_metadata_are_both_there():
    retriever = MultiQueryRetriever(retriever=echo, llm_chain=lambda given: [given["question"]])
    one, other = Document("a", metadata={"page": 1}), Document("a", metadata={"page": 2})
    assert retriever.unique_union([one, other, one]) == [one, other]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n  b \n\n", ["a", "b"]),
        ("1. 2024 was hot\n2. -3 degrees", ["2024 was hot", "-3 degrees"]),
        ("2024 was hot", ["2024 was hot"]),
        ("<think>\nhm\n</think>\n一、什么？", ["一、什么？"]),
        ("", []),
    ],
)
def test_lines_are_read_without_bullets_and_reasoning(text, lines):
    assert LineListOutputParser().parse(text) == lines


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(MultiQueryRetriever.from_llm(echo, model), "q")
