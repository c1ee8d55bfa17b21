"""The figures of the guide, drawn by Prill itself: `make figures` writes them into docs/figures."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from prill import (
    ChatPromptTemplate,
    Document,
    Runnable,
    RunnableBranch,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    StrOutputParser,
    init_chat_model,
    trace,
)
from prill.retrievers import BaseRetriever
from prill.testing import Faults, ReplayServer, Reply

FIGURES = Path(__file__).parents[2] / "docs" / "figures"


class Library(BaseRetriever):
    """A search that takes as long as a real one does."""

    seconds: float

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        time.sleep(self.seconds)
        return [Document(page_content="A parrot is a bird of the order Psittaciformes.")]


class Words(NamedTuple):
    """What is said and how steps are called, in one language."""

    suffix: str
    whole: str
    rewrite: str
    places: tuple[str, str]
    answer: str
    question: str
    query: list[str]
    pieces: list[str]


ENGLISH = Words(
    suffix=".svg",
    whole="Ask the library",
    rewrite="Rewrite",
    places=("Papers", "Wiki"),
    answer="Answer",
    question="How old do parrots get?",
    query=["parrot", " life", " span"],
    pieces=re.findall(r"\w+\W*", "Parrots can live long: some of the large ones reach eighty in human care, and more."),
)
CHINESE = Words(
    suffix=".zh.svg",
    whole="问图书馆",
    rewrite="改写问题",
    places=("论文", "百科"),
    answer="回答",
    question="鹦鹉能活多少年？",
    query=["鹦鹉", "的", "寿命"],
    pieces=re.findall(r"..", "鹦鹉的寿命很长，大型鹦鹉在人工饲养下可以活到八十岁以上。"),
)


def answering(server: ReplayServer, words: Words) -> Runnable[Any, str]:
    """Rewrite the question, search in two places at once, answer from what was found."""
    model = init_chat_model("openai:gpt-4o-mini", base_url=server.openai_url, api_key="none")
    rewrite = ChatPromptTemplate.from_template("Make a search query of: {question}") | model | StrOutputParser()
    search = RunnableParallel(
        papers=Library(seconds=0.34, name=words.places[0]),
        wiki=Library(seconds=0.21, name=words.places[1]),
        query=RunnablePassthrough(),
    )
    answer = ChatPromptTemplate.from_template("From {papers} and {wiki}, answer: {query}") | model | StrOutputParser()
    return rewrite.with_config(run_name=words.rewrite) | search | answer.with_config(run_name=words.answer)


def waterfall(words: Words) -> str:
    """What happens, and when, while a question is answered."""
    with ReplayServer() as server:
        chain = answering(server, words).with_config(run_name=words.whole)
        for _ in range(2):  # the first time connections are made, which would be most of what is seen
            server.queue(
                Reply(words.query, faults=Faults(first_event_delay=0.18, pace=0.012)),
                Reply(words.pieces, faults=Faults(first_event_delay=0.42, pace=0.024)),
            )
            with trace() as recorded:
                list(chain.stream({"question": words.question}))
    return recorded.waterfall()


def retrieval(words: Words) -> str:
    """The chain of the waterfall as a graph."""
    with ReplayServer() as server:
        return answering(server, words).get_graph().draw_svg()


def choosing() -> str:
    """A chain that takes one of several ways."""
    with ReplayServer() as server:
        model = init_chat_model("openai:gpt-4o-mini", base_url=server.openai_url, api_key="none")
        claude = init_chat_model("anthropic:claude-haiku-4-5", base_url=server.anthropic_url, api_key="none")

    def is_code(question: dict[str, str]) -> bool:
        return "```" in question["question"]

    def ask(role: str) -> Runnable[Any, Any]:
        return ChatPromptTemplate.from_messages([("system", role), ("user", "{question}")])

    chain = (
        RunnableBranch((RunnableLambda(is_code), ask("You review code.")), ask("You are a librarian."))
        | model.with_fallbacks([claude])
        | StrOutputParser()
    )
    return chain.get_graph().draw_svg()


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    for words in (ENGLISH, CHINESE):
        (FIGURES / f"waterfall{words.suffix}").write_text(waterfall(words), encoding="utf-8")
        (FIGURES / f"retrieval{words.suffix}").write_text(retrieval(words), encoding="utf-8")
    (FIGURES / "choosing.svg").write_text(choosing(), encoding="utf-8")
