"""``MultiQueryRetriever``: a question asked in several ways."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Self

from pydantic import Field, field_validator

from prill.callbacks.run import Run
from prill.documents import Document
from prill.errors import carry_path
from prill.output_parsers import BaseOutputParser
from prill.prompts import BasePromptTemplate, PromptTemplate
from prill.retrievers.base import ComposedRetriever, unique_documents
from prill.runnables.base import coerce_to_runnable
from prill.transducers.reasoning import ReasoningFilter

DEFAULT_QUERY_PROMPT: BasePromptTemplate[Any] = PromptTemplate.from_template(
    "A search by meaning misses passages whose words differ from the question's. Write the question below in three "
    "other ways that ask for the same thing, each on a line of its own, in the language of the question. Write nothing "
    "else.\n\nQuestion: {question}"
)

_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)、])\s+")


class LineListOutputParser(BaseOutputParser[list[str]]):
    """The lines of a text, without bullets and numbers in front of them, blank lines and reasoning."""

    def parse(self, text: str) -> list[str]:
        reasoning = ReasoningFilter()
        answer = reasoning.feed(text)
        lines = (_BULLET.sub("", line, count=1).strip() for line in (answer + reasoning.finish()).splitlines())
        return [line for line in lines if line]

    @property
    def _type(self) -> str:
        return "line_list"


class MultiQueryRetriever(ComposedRetriever):
    """Has a model write the question in other ways, asks ``retriever`` all of them at once, and joins what it finds.

        >>> MultiQueryRetriever.from_llm(store.as_retriever(), model, include_original=True)  # doctest: +SKIP

    Args:
        retriever: what is asked.
        llm_chain: makes a list of questions out of ``{"question": …}``; ``from_llm`` makes it of a model.
        include_original: whether the question itself is asked, too.
        parser_key: has no effect.
        verbose: has no effect; see ``prill.globals.set_debug``.
    """

    retriever: Any
    llm_chain: Any
    verbose: bool = True
    parser_key: str = "lines"
    include_original: bool = Field(default=False)

    @field_validator("retriever", "llm_chain", mode="before")
    @classmethod
    def _make_runnable(cls, value: Any) -> Any:
        return coerce_to_runnable(value)

    @classmethod
    def from_llm(
        cls,
        retriever: Any,
        llm: Any,
        prompt: BasePromptTemplate[Any] = DEFAULT_QUERY_PROMPT,
        parser_key: str | None = None,
        include_original: bool = False,
    ) -> Self:
        """Make one with a model; ``prompt`` has the variable ``question``, and asks for one question a line."""
        chain = prompt | llm | LineListOutputParser()
        return cls(retriever=retriever, llm_chain=chain, include_original=include_original)

    async def _find(self, query: str, run: Run) -> list[Document]:
        questions = list(await self.llm_chain._step({"question": query}, run.child()))
        asked = dict.fromkeys([query, *questions] if self.include_original else questions)
        thunks = [partial(self.retriever._step, question, run.child()) for question in asked]
        try:
            found = await run.io.gather(thunks, run.limit)
        except Exception as error:
            carry_path(error, self.retriever.get_name(), self.get_name())
            raise
        return self.unique_union([document for documents in found for document in documents])

    def unique_union(self, documents: list[Document]) -> list[Document]:
        """Return the documents, each once, in the order in which they were found first."""
        return unique_documents(documents)
