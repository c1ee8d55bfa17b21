"""Ask a PDF file: the passages that share words with the question go to the model, and the answer streams.

    python examples/ask_a_pdf.py report.pdf "How many people were asked?"
    python examples/ask_a_pdf.py report.pdf "How many people were asked?" --model ollama:qwen3

Passages are found in this process (BM25), without a network and without weights. Needs the extras pdf and bm25.
"""

import argparse

from prill import ChatPromptTemplate, PromptTemplate, init_chat_model
from prill.chains import create_retrieval_chain, create_stuff_documents_chain
from prill.document_loaders import PyPDFLoader
from prill.retrievers import BM25Retriever
from prill.text_splitters import RecursiveCharacterTextSplitter

RULES = """\
Answer the question from these passages alone, and name the page that each fact is on. Where they do not say, say so.

{context}"""


def main() -> None:
    options = read_options()
    splitter = RecursiveCharacterTextSplitter(chunk_size=800, chunk_overlap=100)
    passages = splitter.split_documents(PyPDFLoader(options.file).lazy_load())
    retriever = BM25Retriever.from_documents(passages, k=4)
    prompt = ChatPromptTemplate.from_messages([("system", RULES), ("human", "{input}")])
    page = PromptTemplate.from_template("Page {page_label}: {page_content}")
    answer = create_stuff_documents_chain(init_chat_model(options.model), prompt, document_prompt=page)
    chain = create_retrieval_chain(retriever, answer)

    for chunk in chain.stream({"input": options.question}):
        if "context" in chunk:
            print("Pages:", ", ".join(passage.metadata["page_label"] for passage in chunk["context"]))
        print(chunk.get("answer", ""), end="", flush=True)
    print()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask a PDF file.")
    parser.add_argument("file")
    parser.add_argument("question")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
