"""Document loaders: what reads documents out of files, folders and pages.

    loader = DirectoryLoader("docs", on_error="skip")
    chunks = loader.load_and_split()

The extra ``documents`` installs what all of them need; ``pdf``, ``docx`` and ``html`` that of one kind. Your own is a
subclass of ``BaseLoader`` that defines ``lazy_load``. ``index`` and ``bulk.run`` take loaders as their source.
"""

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.document_loaders.base import (
        BaseBlobParser as BaseBlobParser,
        BaseLoader as BaseLoader,
        BlobLoader as BlobLoader,
    )
    from prill.document_loaders.blobs import (
        FileSystemBlobLoader as FileSystemBlobLoader,
        GenericLoader as GenericLoader,
    )
    from prill.document_loaders.csv_rows import CSVLoader as CSVLoader
    from prill.document_loaders.directory import (
        DirectoryLoader as DirectoryLoader,
        PyPDFDirectoryLoader as PyPDFDirectoryLoader,
    )
    from prill.document_loaders.errors import (
        LoadAddressError as LoadAddressError,
        LoadEncodingError as LoadEncodingError,
        LoadError as LoadError,
        LoadFormatError as LoadFormatError,
        LoadLimitError as LoadLimitError,
        LoadPasswordError as LoadPasswordError,
        LoadSourceError as LoadSourceError,
    )
    from prill.document_loaders.html import BSHTMLLoader as BSHTMLLoader
    from prill.document_loaders.json_values import JSONLoader as JSONLoader
    from prill.document_loaders.pdf import PyPDFLoader as PyPDFLoader
    from prill.document_loaders.text import MarkdownLoader as MarkdownLoader, TextLoader as TextLoader
    from prill.document_loaders.tolerant import OnError as OnError, TolerantLoader as TolerantLoader
    from prill.document_loaders.web import WebBaseLoader as WebBaseLoader
    from prill.document_loaders.word import Docx2txtLoader as Docx2txtLoader
    from prill.documents.base import Blob as Blob, PathLike as PathLike

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "base": "BaseBlobParser BaseLoader BlobLoader",
        "blobs": "FileSystemBlobLoader GenericLoader",
        "csv_rows": "CSVLoader",
        "directory": "DirectoryLoader PyPDFDirectoryLoader",
        "errors": (
            "LoadAddressError LoadEncodingError LoadError LoadFormatError LoadLimitError LoadPasswordError "
            "LoadSourceError"
        ),
        "html": "BSHTMLLoader",
        "json_values": "JSONLoader",
        "pdf": "PyPDFLoader",
        "text": "MarkdownLoader TextLoader",
        "tolerant": "OnError TolerantLoader",
        "web": "WebBaseLoader",
        "word": "Docx2txtLoader",
        "prill.documents.base": "Blob PathLike",
    },
)
