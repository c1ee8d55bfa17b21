"""``Document``, a text with metadata, and ``Blob``, raw data with metadata."""

from __future__ import annotations

import contextlib
import io
import mimetypes
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StrictBytes, StrictStr, model_validator
from pydantic_core import CoreSchema

from prill.transducers.own_fields import dump_own_fields

PathLike = str | PurePath
"""A path, as ``Blob`` takes it."""


class Document(BaseModel):
    """A text, such as a page or a paragraph, with its metadata.

    >>> Document("The sky is blue.", metadata={"source": "sky.txt"})
    Document(metadata={'source': 'sky.txt'}, page_content='The sky is blue.')
    """

    model_config = ConfigDict(extra="ignore", defer_build=True)  # built when first used

    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: dict[Any, Any] = Field(default_factory=dict)
    page_content: str
    type: Literal["Document"] = "Document"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return dump_own_fields(cls, source, handler)

    def __init__(self, page_content: str | None = None, **kwargs: Any) -> None:
        if page_content is not None:
            kwargs["page_content"] = page_content
        super().__init__(**kwargs)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            if name != "type" and value is not None:
                yield name, value

    def __str__(self) -> str:
        """Return the text, and the metadata if there are any, as a prompt shows a document."""
        if self.metadata:
            return f"page_content={self.page_content!r} metadata={self.metadata!r}"
        return f"page_content={self.page_content!r}"


class Blob(BaseModel):
    """Raw data, in memory or in a file, that a parser turns into documents.

    >>> Blob.from_data("The sky is blue.", metadata={"source": "sky.txt"}).as_bytes()
    b'The sky is blue.'

    Attributes:
        data: the data; without it, it is read from ``path`` when it is needed.
        mimetype: the media type, such as ``"text/plain"``.
        encoding: of text in ``data`` or in the file.
        path: of the file. It need not exist if there is ``data``.
        metadata: of the data; ``source`` in it goes before ``path``.
        id: identifies the data.

    Raises:
        pydantic.ValidationError: there is neither ``data`` nor ``path``.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, defer_build=True)

    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: dict[str, Any] = Field(default_factory=dict)
    data: StrictBytes | StrictStr | None = None
    mimetype: str | None = None
    encoding: str = "utf-8"
    path: PathLike | None = None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return dump_own_fields(cls, source, handler)

    @model_validator(mode="before")
    @classmethod
    def _has_data(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("data") is None and values.get("path") is None:
            raise ValueError("a Blob needs data or a path")
        return values

    @classmethod
    def from_data(
        cls,
        data: str | bytes,
        *,
        encoding: str = "utf-8",
        mime_type: str | None = None,
        path: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Self:
        """Make one of data in memory."""
        return cls(data=data, mimetype=mime_type, encoding=encoding, path=path, metadata=metadata or {})

    @classmethod
    def from_path(
        cls,
        path: PathLike,
        *,
        encoding: str = "utf-8",
        mime_type: str | None = None,
        guess_type: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> Self:
        """Make one of a file, which is read when its data is needed. ``guess_type``: by the ending of the name."""
        if mime_type is None and guess_type:
            mime_type = mimetypes.guess_type(str(path))[0]
        return cls(path=path, mimetype=mime_type, encoding=encoding, metadata=metadata or {})

    @property
    def source(self) -> str | None:
        """Where the data comes from: ``source`` in the metadata, or the path."""
        if self.metadata.get("source") is not None:
            return str(self.metadata["source"])
        return None if self.path is None else str(self.path)

    def as_string(self) -> str:
        """Return the data as text."""
        if isinstance(self.data, str):
            return self.data
        return self.as_bytes().decode(self.encoding)

    def as_bytes(self) -> bytes:
        """Return the data."""
        if self.data is None:
            assert self.path is not None
            return Path(self.path).read_bytes()
        return self.data if isinstance(self.data, bytes) else self.data.encode(self.encoding)

    @contextlib.contextmanager
    def as_bytes_io(self) -> Iterator[io.BytesIO | io.BufferedReader]:
        """Open the data as a binary file."""
        if self.data is None:
            assert self.path is not None
            with Path(self.path).open("rb") as file:
                yield file
        else:
            yield io.BytesIO(self.as_bytes())

    def __repr__(self) -> str:
        source = f" {self.source}" if self.source else ""
        return f"Blob {id(self)}{source}"
