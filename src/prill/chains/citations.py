"""Answers that name their sources: marks such as ``[1]`` in the text, and the documents that they stand for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import BaseModel

from prill.callbacks.run import Run
from prill.chains.documents import create_retrieval_chain, create_stuff_documents_chain
from prill.documents import Document
from prill.errors import CompositionError, carry_path
from prill.io import closing
from prill.messages import BaseMessage
from prill.prompts import BasePromptTemplate, ChatPromptTemplate
from prill.runnables import AddableDict, Runnable, coerce_to_runnable
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import Stream
from prill.runnables.structure import Part, Structure
from prill.transducers.citations import CitationFinder, Mark

CITED_ANSWER_PROMPT: BasePromptTemplate[Any] = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Answer the question from the numbered passages alone, in the language of the question. After each "
            "statement give the number of the passage that it comes from, as in [1] or [1, 3]. If the passages do not "
            "answer the question, say so.\n\n{context}",
        ),
        ("human", "{input}"),
    ]
)
"""What ``create_cited_retrieval_chain`` asks, unless it is given a prompt."""


def create_cited_retrieval_chain(
    llm: Any,
    retriever: Runnable[Any, Any],
    prompt: BasePromptTemplate[Any] = CITED_ANSWER_PROMPT,
    *,
    document_prompt: BasePromptTemplate[str] | None = None,
    document_separator: str = "\n\n",
) -> Runnable[dict[str, Any], dict[str, Any]]:
    """Return a chain that finds documents, answers from them, and says which of them each statement comes from.

        >>> chain = create_cited_retrieval_chain(model, store.as_retriever())  # doctest: +SKIP
        >>> chain.invoke({"input": "How long does a refund take?"})["citations"]  # doctest: +SKIP
        [CitedDocument(number=1, start=12, end=15, document=Document(…))]

    The documents are numbered in the prompt, and the model is asked to write the numbers; nothing checks whether what
    it says is in them.

    Args:
        llm: the model.
        retriever: a retriever, or a step that is given the whole input, as ``create_history_aware_retriever`` makes it.
        prompt: has the variables ``context`` and ``input``, and asks for marks such as ``[1]``.
        document_prompt: writes a document, behind its number.
        document_separator: stands between the documents.

    Returns:
        A chain as of ``create_retrieval_chain``, whose output has ``citations`` too, a list of ``CitedDocument``. A
        stream has each as soon as its mark is closed.
    """
    answer = create_stuff_documents_chain(
        llm, prompt, document_prompt=document_prompt, document_separator=document_separator, numbered=True
    )
    return with_citations(create_retrieval_chain(retriever, answer))


class CitedDocument(BaseModel):
    """A mark in an answer, ``[1]``: its ``number``, where in the answer it starts and ends, and the document.

    ``document`` is ``None`` if no document has this number: the model invented the source.
    """

    number: int
    start: int
    end: int
    document: Document | None = None


def with_citations(
    chain: Runnable[Any, dict[str, Any]], *, context_key: str = "context", answer_key: str = "answer"
) -> Runnable[Any, dict[str, Any]]:
    """Return ``chain`` with ``citations`` in its output: the documents that the answer's marks such as ``[1]`` name.

    What stands in Markdown's code, such as ``rows[1]`` between backticks, is not a mark.

        >>> with_citations(create_retrieval_chain(retriever, combine_docs_chain))  # doctest: +SKIP

    Args:
        chain: its output is a dict, in which the documents come before the answer, or with it.
        context_key: the key of the documents; the first is ``[1]``.
        answer_key: the key of the answer, which is text or a message.
    """
    return _WithCitations(chain, context_key, answer_key)


class _WithCitations(Runnable[Any, dict[str, Any]]):
    _equality_fields = ("chain", "context_key", "answer_key")

    def __init__(self, chain: Any, context_key: str, answer_key: str) -> None:
        self.chain = coerce_to_runnable(chain)
        self.context_key = context_key
        self.answer_key = answer_key
        self.name = None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.name or "with_citations")

    def _may_restart_stream(self) -> bool:
        return self.chain._may_restart_stream()

    def _structure(self) -> Structure:
        return Structure("wrapper", [Part(self.chain)])

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        try:
            output = await self.chain._step(input, run.child(), **kwargs)
        except Exception as error:
            carry_path(error, self.chain.get_name(), self.get_name())
            raise
        reader = _CitationReader(self)
        reader.feed(output)
        reader.finish()
        return {**output, "citations": reader.found}

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        stream = self.chain._step_flow(inputs, run.child(), **kwargs)
        return stream.through(self._cited(stream))

    async def _cited(self, stream: Stream[Any]) -> AsyncGenerator[Any, None]:
        reader = _CitationReader(self)
        try:
            async with closing(stream.source) as source:
                async for chunk in source:
                    if reader.starts_answer(chunk):
                        yield AddableDict({"citations": []})  # so that the key is there where nothing is cited
                    yield chunk
                    if new := reader.feed(chunk):
                        yield AddableDict({"citations": new})
            if new := reader.finish():
                yield AddableDict({"citations": new})
        except Exception as error:
            carry_path(error, self.chain.get_name(), self.get_name())
            raise


class _CitationReader:
    """Reads the marks in one answer."""

    def __init__(self, step: _WithCitations) -> None:
        self._step = step
        self._finder = CitationFinder()
        self._documents: list[Document] = []
        self._started = False
        self.found: list[CitedDocument] = []

    def starts_answer(self, chunk: Any) -> bool:
        """Whether a chunk is the first with a part of the answer."""
        starts = not self._started and isinstance(chunk, Mapping) and self._step.answer_key in chunk
        self._started = self._started or starts
        return starts

    def feed(self, chunk: Any) -> Any:
        """Take a chunk of the output; return what is cited in it, or the restart that takes the answer back."""
        if not isinstance(chunk, Mapping):
            raise CompositionError(f"citations are found in dicts; {self._step.chain.get_name()} gave {chunk!r:.80}")
        self._documents = chunk.get(self._step.context_key) or self._documents
        piece = chunk.get(self._step.answer_key, "")
        if isinstance(piece, StreamRestart):
            self._finder, self.found = CitationFinder(), []
            return piece
        return self._cite_all(self._finder.feed(_text(piece)))

    def finish(self) -> list[CitedDocument]:
        """Return what is cited behind what looked like code to the end."""
        return self._cite_all(self._finder.finish())

    def _cite_all(self, marks: list[Mark]) -> list[CitedDocument]:
        new = [self._cite(mark.number, mark.start, mark.end) for mark in marks]
        self.found += new
        return new

    def _cite(self, number: int, start: int, end: int) -> CitedDocument:
        known = 0 < number <= len(self._documents)
        return CitedDocument(
            number=number, start=start, end=end, document=self._documents[number - 1] if known else None
        )


def _text(piece: Any) -> str:
    if isinstance(piece, BaseMessage):
        return str(piece.text)
    if not isinstance(piece, str):
        raise CompositionError(f"citations are found in text; the answer is {type(piece).__name__} ({piece!r:.60})")
    return piece
