"""``JSONLoader``: values in a file of JSON, or in one of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from prill.document_loaders.csv_rows import LONGEST
from prill.document_loaders.errors import LoadError, LoadFormatError, LoadLimitError
from prill.document_loaders.files import FileLoader, clean, decode, open_file
from prill.document_loaders.json_path import Query, compile_query
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.errors import ConfigError

MetadataFunction = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class JSONLoader(FileLoader):
    """Reads values out of a file of JSON; each is a document.

    The metadata have ``source`` and ``seq_num`` (from 1).

        JSONLoader("chat.json", ".messages[]", content_key="text")
        JSONLoader("reviews.jsonl", content_key="review", json_lines=True)

    Args:
        file_path: the file.
        jq_schema: which values: a path such as ``.``, ``.[]`` or ``.messages[].content``, or any expression of
            `jq <https://jqlang.org/manual/>`_, for which the extra ``documents`` is needed.
        content_key: the key of a value that has the text; without it, the value itself is the text.
        is_content_key_jq_parsable: ``content_key`` is an expression as ``jq_schema`` is, such as ``.data.text``.
        metadata_func: is called with each value and its metadata, and returns the metadata.
        text_content: a text that is not a string is an error; without it, it is written as JSON.
        json_lines: each line of the file is a value of JSON, and is read as it is needed. Else the whole file is read.
        on_error: see ``TolerantLoader``; each line, or value, that is broken is an error of its own.

    Raises:
        LoadSourceError: the file cannot be read.
        LoadFormatError: it is not JSON, or has other values than the path asks for.
        LoadEncodingError: it is not UTF-8.
        LoadLimitError: a line is longer than 16 MB.
        MissingDependencyError: the expression needs jq, which is not installed.
        ConfigError: jq does not understand the expression.
    """

    _has_rows = True

    def __init__(
        self,
        file_path: PathLike,
        jq_schema: str = ".",
        content_key: str | None = None,
        is_content_key_jq_parsable: bool | None = False,
        metadata_func: MetadataFunction | None = None,
        text_content: bool = True,
        json_lines: bool = False,
        *,
        on_error: OnError = "raise",
    ) -> None:
        if is_content_key_jq_parsable and content_key is None:
            raise ConfigError("is_content_key_jq_parsable needs a content_key")
        super().__init__(file_path, on_error=on_error)
        self._find = compile_query(jq_schema)
        self._content_key = content_key
        self._content: Query | None = compile_query(content_key) if is_content_key_jq_parsable and content_key else None
        self._metadata_func = metadata_func
        self._text_content = text_content
        self._json_lines = json_lines

    def _read(self) -> Iterator[Document | LoadError]:
        number = 0
        for place, value in self._values():
            for outcome in [value] if isinstance(value, LoadError) else self._found(value, place):
                number += not isinstance(outcome, LoadError)
                yield outcome if isinstance(outcome, LoadError) else self._make(outcome[0], number, place)

    def _values(self) -> Iterator[tuple[str, Any]]:
        with open_file(self.source) as file:
            if self._json_lines:
                yield from self._lines(file)
            else:
                yield "it", self._parse(file.read(), "it")

    def _lines(self, file: BinaryIO) -> Iterator[tuple[str, Any]]:
        number = 0
        while line := file.readline(LONGEST + 1):
            number += 1
            place = f"line {number}"
            if len(line) > LONGEST:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST)
                yield place, LoadLimitError(f"{place} is longer than {LONGEST // 1024**2} MB", source=self.source)
            elif line.strip():
                yield place, self._parse(line, place)

    def _parse(self, data: bytes, place: str) -> Any:
        """Return a value, or the error that it is."""
        if not data:
            return LoadFormatError("the file is empty", source=self.source)
        try:
            return json.loads(decode(data, None, False, self.source))
        except LoadError as error:
            return error if place == "it" else type(error)(f"{place}: {error.reason}", source=self.source)
        except (ValueError, RecursionError) as error:
            return LoadFormatError(f"{place} is not JSON: {error}", source=self.source)

    def _found(self, value: Any, place: str) -> Iterator[tuple[Any] | LoadError]:
        found = self._find(value)
        while True:
            try:
                one = next(found)
            except StopIteration:
                return
            except ValueError as error:
                yield LoadFormatError(f"{place} has not what jq_schema asks for: {error}", source=self.source)
                return
            yield (one,)

    def _make(self, value: Any, number: int, place: str) -> Document | LoadError:
        known: dict[str, Any] = {"source": self.source, "seq_num": number}
        try:
            text = self._text(self._pick(value))
        except ValueError as error:
            return LoadFormatError(f"value {number} ({place}) {error}", source=self.source)
        if self._metadata_func is not None:
            known = self._metadata_func(value, known)
        return Document(text, metadata=known)

    def _pick(self, value: Any) -> Any:
        if self._content is not None:
            return next(self._content(value), None)
        if self._content_key is None:
            return value
        if not isinstance(value, dict) or self._content_key not in value:
            raise ValueError(f"has no key {self._content_key!r}")
        return value[self._content_key]

    def _text(self, content: Any) -> str:
        if isinstance(content, str):
            return clean(content)
        if self._text_content:
            kind = "null" if content is None else type(content).__name__
            raise ValueError(f"is not a text but {kind}: give content_key, or text_content=False")
        return "" if content is None else clean(json.dumps(content, ensure_ascii=False))
