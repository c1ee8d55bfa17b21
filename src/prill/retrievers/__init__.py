"""Retrievers: a question in, documents out.

``BM25Retriever`` finds words, a vector store's ``as_retriever`` meanings, ``EnsembleRetriever`` both at once. Others
ask in several ways, return whole texts for passages, or filter, shorten and reorder what another one finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.retrievers.base import (
        BaseRetriever as BaseRetriever,
        LangSmithRetrieverParams as LangSmithRetrieverParams,
    )
    from prill.retrievers.bm25 import BM25Retriever as BM25Retriever
    from prill.retrievers.compression import (
        ContextualCompressionRetriever as ContextualCompressionRetriever,
        DocumentCompressorPipeline as DocumentCompressorPipeline,
    )
    from prill.retrievers.embedding_filters import (
        EmbeddingsFilter as EmbeddingsFilter,
        EmbeddingsRedundantFilter as EmbeddingsRedundantFilter,
    )
    from prill.retrievers.ensemble import EnsembleRetriever as EnsembleRetriever
    from prill.retrievers.model_filters import LLMChainExtractor as LLMChainExtractor, LLMChainFilter as LLMChainFilter
    from prill.retrievers.multi_query import (
        LineListOutputParser as LineListOutputParser,
        MultiQueryRetriever as MultiQueryRetriever,
    )
    from prill.retrievers.multi_vector import (
        MultiVectorRetriever as MultiVectorRetriever,
        ParentDocumentRetriever as ParentDocumentRetriever,
    )
    from prill.retrievers.reranking import (
        BaseCrossEncoder as BaseCrossEncoder,
        CrossEncoderReranker as CrossEncoderReranker,
        LLMListwiseRerank as LLMListwiseRerank,
    )
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "BaseRetriever LangSmithRetrieverParams",
            "bm25": "BM25Retriever",
            "compression": "ContextualCompressionRetriever DocumentCompressorPipeline",
            "embedding_filters": "EmbeddingsFilter EmbeddingsRedundantFilter",
            "ensemble": "EnsembleRetriever",
            "model_filters": "LLMChainExtractor LLMChainFilter",
            "multi_query": "LineListOutputParser MultiQueryRetriever",
            "multi_vector": "MultiVectorRetriever ParentDocumentRetriever",
            "reranking": "BaseCrossEncoder CrossEncoderReranker LLMListwiseRerank",
        },
    )
