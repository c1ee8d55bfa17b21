"""Compressors that ask a model about each document, all documents at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Self

from pydantic import field_validator

from prill.documents import Document
from prill.errors import OutputParserException
from prill.io import ExecutionMode
from prill.output_parsers import BaseOutputParser, StrOutputParser
from prill.prompts import BasePromptTemplate, PromptTemplate
from prill.retrievers.compression import OwnCompressor, ask_each
from prill.runnables.base import coerce_to_runnable
from prill.transducers.reasoning import ReasoningFilter

_NOTHING = "NO_OUTPUT"

_EXTRACT: BasePromptTemplate[Any] = PromptTemplate.from_template(
    "Copy from the passage, word for word, every part that helps to answer the question. Change nothing and add "
    f"nothing. If no part helps, write {_NOTHING}.\n\n"
    "Question: {question}\n\nPassage:\n{context}\n\nParts that help:"
)
_FILTER: BasePromptTemplate[Any] = PromptTemplate.from_template(
    "Does the passage help to answer the question? Write YES or NO, and nothing else.\n\n"
    "Question: {question}\n\nPassage:\n{context}\n\nAnswer:"
)


def default_get_input(query: str, doc: Document) -> dict[str, Any]:
    """Return the input of the chain: ``{"question": …, "context": …}``."""
    return {"question": query, "context": doc.page_content}


class _AskingCompressor(OwnCompressor):
    llm_chain: Any
    get_input: Callable[[str, Document], dict[str, Any]] = default_get_input

    @field_validator("llm_chain", mode="before")
    @classmethod
    def _make_runnable(cls, value: Any) -> Any:
        return coerce_to_runnable(value)

    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        answers = await ask_each(self.llm_chain, io, [self.get_input(query, each) for each in documents], callbacks)
        kept = (self._apply(document, answer) for document, answer in zip(documents, answers, strict=True))
        return [document for document in kept if document is not None]

    def _apply(self, document: Document, answer: Any) -> Document | None:
        """Return what remains of a document."""
        raise NotImplementedError


class LLMChainExtractor(_AskingCompressor):
    """Has a model copy out of each document what helps to answer the question; the others are left out.

    >>> LLMChainExtractor.from_llm(model)  # doctest: +SKIP
    """

    @classmethod
    def from_llm(
        cls,
        llm: Any,
        prompt: BasePromptTemplate[Any] | None = None,
        get_input: Callable[[str, Document], dict[str, Any]] | None = None,
        llm_chain_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Make one with a model.

        Args:
            llm: the model.
            prompt: has the variables ``question`` and ``context``, or what ``get_input`` gives.
            get_input: makes the variables of a question and a document.
            llm_chain_kwargs: has no effect.
        """
        chain = (prompt or _EXTRACT) | llm | StrOutputParser()
        return cls(llm_chain=chain, get_input=get_input or default_get_input)

    def _apply(self, document: Document, answer: Any) -> Document | None:
        text = _without_reasoning(answer)
        if not text or text.strip("\"'`.") == _NOTHING:
            return None
        return document.model_copy(update={"page_content": text})


class YesNoParser(BaseOutputParser[bool]):
    """Whether a text says yes: ``YES`` or ``NO`` as the only such word in it, in any case; in Chinese 是 or 否.

    Raises ``OutputParserException`` for a text that says neither, or both.
    """

    def parse(self, text: str) -> bool:
        said = {word.upper() for word in re.findall(r"\b(?:yes|no)\b|^[是否]", _without_reasoning(text), re.IGNORECASE)}
        if len(said) != 1:
            raise OutputParserException(f"the answer is neither YES nor NO: {text!r:.200}", llm_output=text)
        return said <= {"YES", "是"}

    @property
    def _type(self) -> str:
        return "boolean_output_parser"


class LLMChainFilter(_AskingCompressor):
    """Has a model say of each document whether it helps to answer the question; keeps those that do, as they are.

    >>> LLMChainFilter.from_llm(model)  # doctest: +SKIP
    """

    @classmethod
    def from_llm(cls, llm: Any, prompt: BasePromptTemplate[Any] | None = None, **kwargs: Any) -> Self:
        """Make one with a model; ``prompt`` has the variables ``question`` and ``context``, and asks for YES or NO."""
        return cls(llm_chain=(prompt or _FILTER) | llm | YesNoParser(), **kwargs)

    def _apply(self, document: Document, answer: Any) -> Document | None:
        return document if answer else None


def _without_reasoning(text: str) -> str:
    reasoning = ReasoningFilter()
    return (reasoning.feed(text) + reasoning.finish()).strip()
