"""Chains that answer from documents: retrieval with an answer, questions in a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prill.callbacks.run import Run
from prill.documents import Document
from prill.errors import ConfigError, PromptInputError
from prill.output_parsers import StrOutputParser
from prill.prompts import BasePromptTemplate, format_document
from prill.retrievers import BaseRetriever
from prill.runnables import Runnable, RunnableBranch, RunnablePassthrough, RunnableWithFallbacks, coerce_to_runnable


def create_stuff_documents_chain(
    llm: Any,
    prompt: BasePromptTemplate[Any],
    *,
    output_parser: Runnable[Any, Any] | None = None,
    document_prompt: BasePromptTemplate[str] | None = None,
    document_separator: str = "\n\n",
    document_variable_name: str = "context",
    numbered: bool = False,
) -> Runnable[dict[str, Any], Any]:
    """Return a chain that writes all documents into one prompt and asks a model.

        >>> prompt = ChatPromptTemplate.from_messages([("system", "Use this:\\n{context}"), ("human", "{input}")])
        >>> chain = create_stuff_documents_chain(model, prompt)  # doctest: +SKIP
        >>> chain.invoke({"context": documents, "input": "How long does a refund take?"})  # doctest: +SKIP

    Args:
        llm: the model.
        prompt: has the variable ``document_variable_name``.
        output_parser: reads the answer; left out, the answer is its text.
        document_prompt: writes a document: it has ``page_content`` and keys of the metadata as variables. Left out, a
            document is its text.
        document_separator: stands between the documents.
        document_variable_name: the key of the documents in the input, and of their text in the prompt.
        numbered: whether each document has its number in front of it, ``[1]`` for the first.

    Returns:
        A chain from a dict, with the documents and the other variables of the prompt, to the answer.

    Raises:
        ConfigError: the prompt lacks the variable.
        PromptInputError: when it runs: the input has no documents under the key.
        MissingVariableError: when it runs: a document lacks a key that ``document_prompt`` needs.
    """
    _require_variable(prompt, document_variable_name, "where the documents are written")
    texts = _DocumentsText(document_variable_name, document_prompt, document_separator, numbered)
    written = RunnablePassthrough.assign(**{document_variable_name: texts}).with_config(run_name="format_inputs")
    chain: Runnable[dict[str, Any], Any] = written | prompt | llm | (output_parser or StrOutputParser())
    return chain.with_config(run_name="stuff_documents_chain")


def create_retrieval_chain(
    retriever: Runnable[Any, Any], combine_docs_chain: Runnable[dict[str, Any], Any]
) -> Runnable[dict[str, Any], dict[str, Any]]:
    """Return a chain that finds documents for a question and answers from them.

        >>> chain = create_retrieval_chain(store.as_retriever(), combine_docs_chain)  # doctest: +SKIP
        >>> for chunk in chain.stream({"input": "How long does a refund take?"}): ...  # doctest: +SKIP

    A stream has the keys of the input first, then ``context``, then ``answer`` piece by piece.

    Args:
        retriever: a retriever, which is given ``input["input"]``, also behind ``with_retry``, ``with_config`` and the
            like; or any other step, which is given the whole input.
        combine_docs_chain: makes the answer out of the input and ``context``; see ``create_stuff_documents_chain``.

    Returns:
        A chain from a dict with ``input``, and what the parts need beside it (``chat_history`` …), to the same dict
        with ``context``, the documents, and ``answer``.
    """
    find = coerce_to_runnable(retriever)
    find = _Question() | find if _is_retriever(find) else find
    found = RunnablePassthrough.assign(context=find.with_config(run_name="retrieve_documents"))
    return (found | RunnablePassthrough.assign(answer=combine_docs_chain)).with_config(run_name="retrieval_chain")


def create_history_aware_retriever(
    llm: Any, retriever: Any, prompt: BasePromptTemplate[Any]
) -> Runnable[dict[str, Any], list[Document]]:
    """Return a retriever for conversations: a model first writes a question that can be understood alone.

        >>> prompt = ChatPromptTemplate.from_messages(
        ...     [
        ...         ("system", "Write the last question so that it can be understood alone."),
        ...         ("placeholder", "{chat_history}"),
        ...         ("human", "{input}"),
        ...     ]
        ... )
        >>> retriever = create_history_aware_retriever(model, store.as_retriever(), prompt)  # doctest: +SKIP

    Args:
        llm: writes the question.
        retriever: finds documents for it.
        prompt: has the variable ``input``, and ``chat_history`` for the messages so far.

    Returns:
        A retriever that is given a dict with ``input`` and ``chat_history``. Without a history, ``input`` is
        the question, and no model is asked.

    Raises:
        ConfigError: the prompt lacks the variable ``input``.
    """
    _require_variable(prompt, "input", "where the last question is written")
    rewritten = prompt | llm | StrOutputParser() | retriever
    branch = RunnableBranch((_HasNoHistory(), _Question() | retriever), rewritten)
    return branch.with_config(run_name="chat_retriever_chain")


def _is_retriever(step: Runnable[Any, Any]) -> bool:
    """Whether a step is a retriever, or one inside of wrappers that give it their input as it is."""
    while not isinstance(step, BaseRetriever):
        structure = step._structure()
        if structure.kind != "wrapper" and not isinstance(step, RunnableWithFallbacks):
            return False
        step = structure.parts[0].step
    return True


def _require_variable(prompt: BasePromptTemplate[Any], name: str, what: str) -> None:
    if name not in prompt.input_variables:
        raise ConfigError(f"the prompt needs the variable {name!r}, {what}; it has {prompt.input_variables}")


class _Question(Runnable[Any, Any]):
    """The question in the input of a chain."""

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        if not isinstance(input, Mapping) or "input" not in input:
            raise PromptInputError(
                f"the question must be in the input under 'input': {{'input': …}}, not {input!r:.80}"
            )
        return input["input"]


class _HasNoHistory(Runnable[Any, bool]):
    """Whether nothing was said before."""

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> bool:
        return not (isinstance(input, Mapping) and input.get("chat_history"))


class _DocumentsText(Runnable[Any, str]):
    """The documents in an input, as one text."""

    _equality_fields = ("key", "prompt", "separator", "numbered")

    def __init__(self, key: str, prompt: BasePromptTemplate[str] | None, separator: str, numbered: bool) -> None:
        self.key = key
        self.prompt = prompt
        self.separator = separator
        self.numbered = numbered
        self.name = None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.name or "format_docs")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> str:
        documents = input.get(self.key) if isinstance(input, Mapping) else None
        if documents is None:
            raise PromptInputError(f"the documents must be in the input under {self.key!r}, not {input!r:.80}")
        if not isinstance(documents, Iterable) or isinstance(documents, str | Mapping):
            raise PromptInputError(f"under {self.key!r} must be a list of documents, not {documents!r:.80}")
        documents = list(documents)
        for each in documents:
            if not hasattr(each, "page_content"):
                raise PromptInputError(f"under {self.key!r} must be documents, but one is {each!r:.80}")
        texts = [each.page_content if self.prompt is None else format_document(each, self.prompt) for each in documents]
        if self.numbered:
            texts = [f"[{number}] {text}" for number, text in enumerate(texts, 1)]
        return self.separator.join(texts)
