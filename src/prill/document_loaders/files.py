"""Reading files: what can go wrong is a ``LoadError`` that names the file."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from prill.document_loaders.errors import LoadEncodingError, LoadError, LoadFormatError, LoadSourceError
from prill.document_loaders.tolerant import OnError, TolerantLoader
from prill.documents.base import PathLike
from prill.errors import PrillError

_HINTS = {
    errno.ENOENT: "there is no such file, or it was removed meanwhile",
    errno.EISDIR: "it is a folder: use DirectoryLoader",
    errno.EACCES: "it may not be read: its permissions forbid it",
    errno.ELOOP: "it is a symbolic link that leads to itself",
}


class FileLoader(TolerantLoader):
    """Base of loaders of one file."""

    def __init__(self, file_path: PathLike, *, on_error: OnError = "raise") -> None:
        super().__init__(on_error)
        self.file_path = file_path

    @property
    def source(self) -> str:
        """The path, as it is in the metadata of the documents."""
        return os.fsdecode(self.file_path)


@contextlib.contextmanager
def name_errors(source: str) -> Iterator[None]:
    """Turn errors of the system and of encodings into such that name ``source``."""
    try:
        yield
    except OSError as error:
        if isinstance(error, LoadError):
            raise
        reason = _HINTS.get(error.errno or 0) or f"it cannot be read: {error.strerror or error}"
        raise LoadSourceError(reason, source=source) from error
    except UnicodeError as error:
        raise LoadEncodingError(f"{describe(error)}: give its encoding", source=source) from error
    except ValueError as error:
        if isinstance(error, PrillError) or "\0" not in source:
            raise
        raise LoadSourceError("there is no such file: its name has a NUL character", source=source) from error


def describe(error: UnicodeError) -> str:
    """What is wrong with an encoding, in words."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not {error.encoding.upper()} at byte {error.start}"
    return f"its encoding is wrong ({error})"


@contextlib.contextmanager
def open_file(source: str) -> Iterator[BinaryIO]:
    """Open a regular file; another, such as a pipe, might never end."""
    with name_errors(source):
        if not stat.S_ISREG(os.stat(source).st_mode):
            folder = os.path.isdir(source)
            raise LoadSourceError(_HINTS[errno.EISDIR] if folder else "it is not a regular file", source=source)
        with open(source, "rb") as file:
            yield file


def read_bytes(source: str) -> bytes:
    """The content of a file, which must not be empty."""
    with open_file(source) as file:
        data = file.read()
    if not data:
        raise LoadFormatError("the file is empty", source=source)
    return data


def read_text(source: str, encoding: str | None, autodetect: bool = False) -> str:
    """The text in a file, with ``\\n`` at the ends of lines; see ``decode``."""
    with open_file(source) as file:
        data = file.read()
    return decode(data, encoding, autodetect, source).replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes, encoding: str | None, autodetect: bool, source: str) -> str:
    """Text out of bytes: UTF-8 unless another encoding is given, or found out.

    Raises:
        LoadEncodingError: the text has another encoding, or there is no encoding of this name.
        LoadFormatError: it is not text.
    """
    try:
        text = data.decode(encoding or _mark_of(data) or "utf-8-sig")
    except UnicodeError as error:
        if b"\0" in data:
            raise LoadFormatError("it is binary, not text", source=source) from error
        if not autodetect:
            hint = "give its encoding, or autodetect_encoding=True"
            raise LoadEncodingError(f"{describe(error)}: {hint}", source=source) from error
        text = data.decode(guess_encoding(data))
    except (LookupError, ValueError) as error:  # of a NUL character in the name
        raise LoadEncodingError(f"there is no encoding {encoding!r}", source=source) from error
    if "\0" in text:
        raise LoadFormatError("it has NUL characters: it is binary, not text", source=source)
    return text


_MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def _mark_of(data: bytes) -> str | None:
    """The encoding that the byte order mark at the start stands for."""
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)


def guess_encoding(data: bytes, *, whole: bool = True) -> str:
    """What text is in: by its byte order mark, UTF-8, Chinese if all of it can be, else that of Western Europe.

    Without ``whole``, ``data`` is the start of the text.
    """
    if mark := _mark_of(data):
        return mark
    for name in ("utf-8-sig", "gb18030", "cp1252"):
        with contextlib.suppress(UnicodeError):
            text = codecs.getincrementaldecoder(name)().decode(data, whole)
            if name != "gb18030" or _is_chinese(text):
                return name
    return "latin-1"


_USUAL = re.compile("[\u4e00-\u9fff\u3000-\u303f\uff00-\uffff]")
"""Characters and punctuation that Chinese text is made of."""


def _is_chinese(text: str) -> bool:
    foreign = [char for char in text if char > "\x7f"]
    usual = [
        char for char in foreign if "\u4e00" <= char <= "\u9fff" or "\u3000" <= char <= "\u303f" or char >= "\uff00"
    ]
    return len(usual) >= 0.9 * len(foreign)


def clean(text: str) -> str:
    """Text that can be stored: halves of characters, which broken files give, are replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def make_absent_error(path: Path) -> LoadSourceError:
    """The error where a folder is not there."""
    reason = "it is a file, not a folder" if path.exists() else "there is no such folder"
    return LoadSourceError(reason, source=str(path))
