"""Chains over documents: retrieval with an answer, questions in a conversation, answers with their sources.

    answer = create_stuff_documents_chain(model, prompt)
    chain = create_retrieval_chain(store.as_retriever(), answer)
    chain.invoke({"input": "How long does a refund take?"})  # {"input": …, "context": [documents], "answer": …}

They are put together from ordinary steps, and stream: the documents come before the first piece of the answer.
"""

from prill.chains.citations import (
    CITED_ANSWER_PROMPT,
    CitedDocument,
    create_cited_retrieval_chain,
    with_citations,
)
from prill.chains.documents import (
    create_history_aware_retriever,
    create_retrieval_chain,
    create_stuff_documents_chain,
)

__all__ = [
    "CITED_ANSWER_PROMPT",
    "CitedDocument",
    "create_cited_retrieval_chain",
    "create_history_aware_retriever",
    "create_retrieval_chain",
    "create_stuff_documents_chain",
    "with_citations",
]
