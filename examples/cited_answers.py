"""Ask PDF files, and see the page that each statement comes from.

    python examples/cited_answers.py examples/handbook "How long does a refund take?"
    python examples/cited_answers.py ~/papers

The marks in the answer, such as [1], are read while it streams; the pages that it names are listed at the end. Pages
are found by their words (BM25), in Chinese, Japanese and Korean too; nothing but the question and the pages that were
found is sent. It needs prill[pdf] and prill[bm25].
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prill import Document, PromptTemplate, Runnable, init_chat_model
from prill.chains import CitedDocument, create_cited_retrieval_chain
from prill.document_loaders import PyPDFDirectoryLoader
from prill.retrievers import BM25Retriever

PAGE = PromptTemplate.from_template("({source}, page {page})\n{page_content}")


def main() -> None:
    options = read_options()
    chain = build_chain(list(read_pages(options.folder)), options.model)
    for question in [options.question] if options.question else typed_questions():
        show_answer(chain, question)


def build_chain(pages: list[Document], model: str) -> Runnable[dict[str, Any], dict[str, Any]]:
    """A question goes in; out come the pages, and then the `answer` and its `citations`, piece by piece."""
    retriever = BM25Retriever.from_documents(pages, k=4)
    return create_cited_retrieval_chain(init_chat_model(model), retriever, document_prompt=PAGE)


def read_pages(folder: Path) -> Iterator[Document]:
    """A document for each page of the PDF files in a folder."""
    for page in PyPDFDirectoryLoader(folder).lazy_load():
        source, number = Path(page.metadata["source"]).name, page.metadata["page"] + 1
        yield Document(page.page_content, metadata={"source": source, "page": number})


def show_answer(chain: Runnable[dict[str, Any], dict[str, Any]], question: str) -> None:
    cited: dict[int, CitedDocument] = {}
    for chunk in chain.stream({"input": question}):
        print(chunk.get("answer", ""), end="", flush=True)
        cited |= {citation.number: citation for citation in chunk.get("citations", [])}
    print("\n")
    for number, citation in sorted(cited.items()):
        print(f"  [{number}] {describe(citation.document)}")


def describe(page: Document | None) -> str:
    if page is None:
        return "there is no such page: the model made it up"
    start = " ".join(page.page_content.split())[:60]
    return f"{page.metadata['source']}, page {page.metadata['page']}: {start}"


def typed_questions() -> Iterator[str]:
    while True:
        try:
            yield input("\n? ")
        except (EOFError, KeyboardInterrupt):
            return


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask PDF files, and see where each statement comes from.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("question", nargs="?", help="left out, questions are typed")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
