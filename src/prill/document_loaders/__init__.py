"""Document loaders: the bases of what reads documents out of files, pages and databases.

Subclass ``BaseLoader`` and define ``lazy_load``; ``index`` takes loaders as its source.
"""

from prill.document_loaders.base import BaseBlobParser, BaseLoader, BlobLoader
from prill.documents.base import Blob, PathLike

__all__ = ["BaseBlobParser", "BaseLoader", "Blob", "BlobLoader", "PathLike"]
