"""One question, asked in several ways."""

from __future__ import annotations

import pytest

from prill.documents import Document
from prill.errors import CompositionError
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


@pytest.mark.parametrize("answer", ["", "\n \n", "1.\n2."])
def test_where_the_model_writes_no_question_the_question_itself_is_asked(answer):
    assert texts(MultiQueryRetriever.from_llm(echo, FakeListChatModel(responses=[answer])).invoke("q")) == [
        "q",
        "for all",
    ]


@pytest.mark.parametrize("given", [None, "a\nb", {"a": 1}])
def test_questions_that_are_not_a_list_are_named(given):
    retriever = MultiQueryRetriever(
        retriever=echo, llm_chain=RunnableLambda(lambda question: given).with_config(run_name="mine")
    )
    with pytest.raises(CompositionError, match="must be a list of texts; mine gave"):
        retriever.invoke("q")


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
        ("1、什么\n2.谁\n（3）哪里\n4：几时\n⑤ 为何", ["什么", "谁", "哪里", "几时", "为何"]),
        ("**1.** a\n2. **b** c\n3)d\n(4) e\n100. f\n– g", ["a", "**b** c", "d", "e", "f", "g"]),
        ("What is C - a language?\nWhy 7. and not 8?", ["What is C - a language?", "Why 7. and not 8?"]),
        ("1.5 million people?\n1.FC Köln", ["1.5 million people?", "1.FC Köln"]),
        ("```text\na\n```\n2.\n-\n", ["a"]),
        ("", []),
    ],
)
def test_lines_are_read_without_bullets_and_reasoning(text, lines):
    assert LineListOutputParser().parse(text) == lines


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(MultiQueryRetriever.from_llm(echo, model), "q")
