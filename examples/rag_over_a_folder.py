"""Ask a folder: its texts are indexed on this machine, and the answer streams with the passages that it rests on.

    python examples/rag_over_a_folder.py docs "How is a stream closed?"
    python examples/rag_over_a_folder.py ~/notes

The index is kept beside the texts, in `.index`: the next start embeds what is new or changed, and forgets what is gone.
Vectors are made in this process (LocalEmbeddings, which is good at English); only the question and the passages that
were found go to the model.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prill import ChatPromptTemplate, Document, Runnable, RunnablePassthrough, StrOutputParser, init_chat_model
from prill.embeddings import LocalEmbeddings
from prill.indexing import SQLiteRecordManager, index
from prill.text_splitters import MarkdownTextSplitter
from prill.vectorstores import FAISS

RULES = """\
Answer the question from these passages alone. Give the number of each that you use, as in [1]. Where they do not \
tell, say so.

{passages}"""


def main() -> None:
    options = read_options()
    store = bring_up_to_date(options.folder)
    chain = build_chain(store, options.model)
    for question in [options.question] if options.question else typed_questions():
        answer(chain, question)


def bring_up_to_date(folder: Path) -> FAISS:
    """The index of a folder, as its files are now."""
    kept = folder / ".index"
    embeddings = LocalEmbeddings()
    store = FAISS.load_local(kept, embeddings) if (kept / "index.json").exists() else FAISS(embeddings)
    kept.mkdir(exist_ok=True)
    records = SQLiteRecordManager("passages", kept / "records.db")
    known = records.list_keys()
    done = index(
        read_passages(folder),
        records,
        store,
        cleanup="full",
        source_id_key="source",
        # The store is saved below. Records of a run that did not get there are not believed.
        force_update=not len(known) == len(store) == len(store.get_by_ids(known)),
    )
    store.save_local(kept)
    print(", ".join(f"{number} {what.removeprefix('num_')}" for what, number in done.items()))
    return store


def read_passages(folder: Path) -> Iterator[Document]:
    splitter = MarkdownTextSplitter(chunk_size=800, chunk_overlap=0)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".txt"):
            text = path.read_text(encoding="utf-8")
            yield from splitter.create_documents([text], [{"source": str(path.relative_to(folder))}])


def build_chain(store: FAISS, model: str) -> Runnable[str, dict[str, Any]]:
    """A question goes in. Out come the passages under `found`, and then the `answer`, piece by piece."""
    find = {"question": RunnablePassthrough(), "found": store.as_retriever(search_kwargs={"k": 4})}
    tell = ChatPromptTemplate.from_messages([("system", RULES), ("human", "{question}")])
    return (
        find
        | RunnablePassthrough.assign(passages=number_passages)
        | RunnablePassthrough.assign(answer=tell | init_chat_model(model) | StrOutputParser())
    )


def number_passages(values: dict[str, Any]) -> str:
    return "\n\n".join(f"[{number}] {passage.page_content}" for number, passage in enumerate(values["found"], 1))


def answer(chain: Runnable[str, dict[str, Any]], question: str) -> None:
    found: list[Document] = []
    for chunk in chain.stream(question):
        found = chunk.get("found", found)
        print(chunk.get("answer", ""), end="", flush=True)
    print("\n")
    for number, passage in enumerate(found, 1):
        print(f"  [{number}] {passage.metadata['source']}: {' '.join(passage.page_content.split())[:80]}")


def typed_questions() -> Iterator[str]:
    while True:
        try:
            yield input("\n? ")
        except (EOFError, KeyboardInterrupt):
            return


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask a folder of texts.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("question", nargs="?", help="left out, questions are typed")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
