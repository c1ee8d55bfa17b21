"""A retriever as a tool."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from prill.documents import Document
from prill.errors import ConfigError
from prill.tools.structured import StructuredTool


class RetrieverInput(BaseModel):
    """The arguments of a search tool."""

    query: str = Field(description="what to look up")


def create_retriever_tool(
    retriever: Any,
    name: str,
    description: str,
    *,
    document_prompt: Any = None,
    document_separator: str = "\n\n",
    response_format: Literal["content", "content_and_artifact"] = "content",
) -> StructuredTool:
    """A tool that answers a query with the texts of the documents that a retriever finds.

    ``document_prompt`` writes each: a template with ``page_content`` and keys of the metadata. With
    ``response_format="content_and_artifact"`` the documents themselves are the artifact.

    >>> search = create_retriever_tool(retriever, "search", "Search the handbook.")  # doctest: +SKIP
    """
    if not hasattr(retriever, "ainvoke"):
        raise ConfigError(f"create_retriever_tool takes a retriever, not {retriever!r:.80}")

    def answer(documents: list[Document]) -> Any:
        text = document_separator.join(_text(document, document_prompt) for document in documents)
        return (text, documents) if response_format == "content_and_artifact" else text

    # Each colour by its own verb; what they have in common is ``answer``.
    def find(query: str, callbacks: Any = None) -> Any:
        return answer(retriever.invoke(query, {"callbacks": callbacks}))

    async def afind(query: str, callbacks: Any = None) -> Any:
        return answer(await retriever.ainvoke(query, {"callbacks": callbacks}))

    return StructuredTool(
        name=name,
        description=description,
        func=find,
        coroutine=afind,
        args_schema=RetrieverInput,
        response_format=response_format,
    )


def _text(document: Document, prompt: Any) -> str:
    if prompt is None:
        return document.page_content
    values = {**document.metadata, "page_content": document.page_content}
    if missing := [each for each in prompt.input_variables if each not in values]:
        raise ConfigError(
            f"the document_prompt needs {', '.join(missing)}, but a document has only {', '.join(values)}"
        )
    return str(prompt.format(**{each: values[each] for each in prompt.input_variables}))


__all__ = ["RetrieverInput", "create_retriever_tool"]
