"""``FileSystemBlobLoader`` and ``GenericLoader``: files found by one object, and read by another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from prill.document_loaders.base import BaseBlobParser, BlobLoader
from prill.document_loaders.directory import load_file
from prill.document_loaders.errors import LoadError
from prill.document_loaders.files import decode
from prill.document_loaders.tolerant import OnError, TolerantLoader
from prill.document_loaders.walking import Choice
from prill.documents import Blob, Document
from prill.documents.base import PathLike
from prill.errors import ConfigError
from prill.runnables.engine.batch import show_progress as show_bar


class FileSystemBlobLoader(BlobLoader):
    """Finds files in a folder, or one file; each is a blob, which is read when its data is needed.

    Args:
        path: the folder, or the file.
        glob: a pattern, see ``DirectoryLoader``.
        exclude: patterns of files that are left out.
        suffixes: endings of names, ``[".txt", ".md"]``; without them, all.
        show_progress: show how many files were found; needs the extra ``cli``.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        glob: str = "**/[!.]*",
        exclude: Sequence[str] = (),
        suffixes: Sequence[str] | None = None,
        show_progress: bool = False,
    ) -> None:
        self.path = Path(path)
        self._choice = Choice([glob], exclude, suffixes=suffixes)
        self._show_progress = show_progress

    def yield_blobs(self) -> Iterator[Blob]:
        """Return the blobs one by one."""
        with show_bar(self._show_progress, None) as advance:
            for found in [self.path] if self.path.is_file() else self._choice.find(self.path):
                if isinstance(found, LoadError):
                    raise found
                yield Blob.from_path(found)
                if advance is not None:
                    advance()


class GenericLoader(TolerantLoader):
    """Reads what ``blob_loader`` finds with ``blob_parser``.

        loader = GenericLoader.from_filesystem("notes", suffixes=[".txt"])

    Args:
        blob_loader: finds blobs.
        blob_parser: makes documents of each.
        on_error: what to do with a blob that is broken, see ``TolerantLoader``.
    """

    def __init__(self, blob_loader: BlobLoader, blob_parser: BaseBlobParser, *, on_error: OnError = "raise") -> None:
        super().__init__(on_error)
        self.blob_loader = blob_loader
        self.blob_parser = blob_parser

    def _read(self) -> Iterator[Document | LoadError]:
        for blob in self.blob_loader.yield_blobs():
            try:
                yield from self.blob_parser.lazy_parse(blob)
            except LoadError as error:
                yield error
            except ConfigError:
                raise  # not the blob's fault
            except (OSError, ValueError) as error:
                failed = LoadError(f"{type(error).__name__}: {error}", source=blob.source)
                failed.__cause__ = error
                yield failed

    @classmethod
    def from_filesystem(
        cls,
        path: PathLike,
        *,
        glob: str = "**/[!.]*",
        exclude: Sequence[str] = (),
        suffixes: Sequence[str] | None = None,
        show_progress: bool = False,
        parser: BaseBlobParser | Literal["default"] = "default",
        on_error: OnError = "raise",
    ) -> GenericLoader:
        """Make one that reads files, by default with the loader that fits the ending of each one's name."""
        blobs = FileSystemBlobLoader(path, glob=glob, exclude=exclude, suffixes=suffixes, show_progress=show_progress)
        if parser != "default" and not isinstance(parser, BaseBlobParser):
            raise ConfigError(f"parser must be 'default' or a BaseBlobParser, not {parser!r:.60}")
        return cls(blobs, FileParser() if parser == "default" else parser, on_error=on_error)


class FileParser(BaseBlobParser):
    """Reads a blob of a file with the loader that fits the ending of its name; one without a file is text."""

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Return the documents in ``blob`` one by one."""
        if blob.data is None:
            for document in load_file(str(blob.path)).lazy_load():
                yield Document(document.page_content, metadata={**document.metadata, **blob.metadata})
        else:
            text = decode(blob.as_bytes(), blob.encoding, False, blob.source or "data")
            yield Document(text, metadata={"source": blob.source, **blob.metadata})
