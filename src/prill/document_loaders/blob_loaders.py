"""``BlobLoader``: the base of what finds raw data, to be parsed by a ``BaseBlobParser``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from prill.documents.base import Blob, PathLike

__all__ = ["Blob", "BlobLoader", "PathLike"]


class BlobLoader(ABC):
    """Base of what finds raw data. A subclass defines ``yield_blobs``."""

    @abstractmethod
    def yield_blobs(self) -> Iterator[Blob]:
        """Return the blobs one by one."""
