"""Documents: texts with metadata, raw data, and the bases of what transforms and selects them."""

from prill.documents.base import Blob, Document
from prill.documents.compressor import BaseDocumentCompressor
from prill.documents.transformers import BaseDocumentTransformer

__all__ = ["BaseDocumentCompressor", "BaseDocumentTransformer", "Blob", "Document"]
