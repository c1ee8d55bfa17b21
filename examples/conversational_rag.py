"""Talk with a folder of texts: a follow-up question is written out in full before it is looked up.

    python examples/conversational_rag.py docs
    python examples/conversational_rag.py ~/notes --model anthropic:claude-haiku-4-5

The sources are shown before the answer, which then comes piece by piece. Texts are found by their words (BM25) and by
their meaning (vectors made in this process) at once; only questions and the passages that were found go to the model.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prill import AIMessage, BaseMessage, ChatPromptTemplate, Document, HumanMessage, Runnable, init_chat_model
from prill.chains import create_history_aware_retriever, create_retrieval_chain, create_stuff_documents_chain
from prill.embeddings import LocalEmbeddings
from prill.retrievers import BM25Retriever, EnsembleRetriever
from prill.text_splitters import MarkdownTextSplitter
from prill.vectorstores import InMemoryVectorStore

REWRITE = ChatPromptTemplate.from_messages(
    [
        ("system", "Write the last question so that it can be understood without what was said before it."),
        ("placeholder", "{chat_history}"),
        ("human", "{input}"),
    ]
)
ANSWER = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer from these passages alone. Where they do not tell, say so.\n\n{context}"),
        ("placeholder", "{chat_history}"),
        ("human", "{input}"),
    ]
)


def main() -> None:
    options = read_options()
    chain = build_chain(list(read_passages(options.folder)), options.model)
    history: list[BaseMessage] = []
    for question in typed_questions():
        answer = show_answer(chain, question, history)
        history += [HumanMessage(question), AIMessage(answer)]


def build_chain(passages: list[Document], model_name: str) -> Runnable[dict[str, Any], dict[str, Any]]:
    """A question and the conversation go in; out come the passages, `context`, and then the `answer`."""
    model = init_chat_model(model_name)
    by_meaning = InMemoryVectorStore.from_documents(passages, LocalEmbeddings()).as_retriever(search_kwargs={"k": 2})
    by_words = BM25Retriever.from_documents(passages, k=2)
    retriever = EnsembleRetriever(retrievers=[by_words, by_meaning])
    aware = create_history_aware_retriever(model, retriever, REWRITE)
    return create_retrieval_chain(aware, create_stuff_documents_chain(model, ANSWER))


def read_passages(folder: Path) -> Iterator[Document]:
    splitter = MarkdownTextSplitter(chunk_size=800, chunk_overlap=0)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".txt"):
            text = path.read_text(encoding="utf-8")
            yield from splitter.create_documents([text], [{"source": str(path.relative_to(folder))}])


def show_answer(chain: Runnable[dict[str, Any], dict[str, Any]], question: str, history: list[BaseMessage]) -> str:
    answer = ""
    for chunk in chain.stream({"input": question, "chat_history": history}):
        if "context" in chunk:
            sources = dict.fromkeys(passage.metadata["source"] for passage in chunk["context"])
            print(f"[{', '.join(sources)}]", flush=True)
        piece = chunk.get("answer", "")
        print(piece, end="", flush=True)
        answer += piece
    print()
    return answer


def typed_questions() -> Iterator[str]:
    while True:
        try:
            question = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if question.strip():
            yield question


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Talk with a folder of texts.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
