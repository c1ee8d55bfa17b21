"""Documents: texts with metadata, raw data, and the bases of classes that transform and select them."""

from prill.documents.base import Blob, Document
from prill.documents.transformers import BaseDocumentCompressor, BaseDocumentTransformer

__all__ = ["BaseDocumentCompressor", "BaseDocumentTransformer", "Blob", "Document"]
