"""``TextSplitter``: the base of all splitters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

from prill.documents import BaseDocumentTransformer, Document
from prill.errors import ConfigError
from prill.text_splitters.optional import Special, tiktoken_counter
from prill.text_splitters.spans import Keep, Length, Span


class TextSplitter(BaseDocumentTransformer):
    """Splits texts into chunks of at most ``chunk_size``, which share ``chunk_overlap`` with their neighbours.

    Lengths are those of ``length_function``, by default characters. A chunk is longer only where it cannot be split.
    ``add_start_index`` puts into the metadata at which character of its text a chunk starts, as ``start_index``.
    ``strip_whitespace`` leaves out white space at the ends of chunks, and chunks of nothing else.

    A custom splitter is a subclass that defines ``split_text``.
    """

    def __init__(
        self,
        chunk_size: int = 4000,
        chunk_overlap: int = 200,
        length_function: Callable[[str], int] = len,
        keep_separator: Keep = False,
        add_start_index: bool = False,
        strip_whitespace: bool = True,
    ) -> None:
        if not isinstance(chunk_size, int) or chunk_size <= 0:
            raise ConfigError(f"chunk_size must be 1 or more, not {chunk_size!r}")
        if not isinstance(chunk_overlap, int) or not 0 <= chunk_overlap <= chunk_size:
            raise ConfigError(f"chunk_overlap must be between 0 and chunk_size ({chunk_size}), not {chunk_overlap!r}")
        if not callable(length_function):
            raise ConfigError(f"length_function must be a function that takes a text, not {length_function!r:.60}")
        if keep_separator not in (True, False, "start", "end"):
            raise ConfigError(f"keep_separator must be True, False, 'start' or 'end', not {keep_separator!r:.60}")
        self._chunk_size = chunk_size
        self._chunk_overlap = chunk_overlap
        self._length_function: Length = length_function
        self._keep_separator: Keep = keep_separator
        self._add_start_index = add_start_index
        self._strip_whitespace = strip_whitespace

    def _spans(self, text: str) -> Iterable[Span]:
        """Return the start and end of each chunk; Prill's own splitters define this."""
        raise NotImplementedError(f"{type(self).__name__} does not define split_text")

    def split_text(self, text: str) -> list[str]:
        """Return the chunks of a text."""
        return [text[start:end] for start, end in self._stripped(text)]

    def _stripped(self, text: str) -> Iterator[Span]:
        """Strip white space from the chunks, and drop each one that then lies within its neighbour."""
        if not isinstance(text, str):
            raise ConfigError(f"{type(self).__name__} splits text, not {text!r:.60}")
        last: Span | None = None
        for start, end in self._spans(text):
            if self._strip_whitespace:
                chunk = text[start:end]
                start, end = end - len(chunk.lstrip()), start + len(chunk.rstrip())
            if start >= end or (last is not None and end <= last[1]):
                continue
            if last is not None and start > last[0]:
                yield last
            last = start, end
        if last is not None:
            yield last

    def create_documents(self, texts: list[str], metadatas: list[dict[Any, Any]] | None = None) -> list[Document]:
        """Return a document for each chunk, with a copy of the metadata of its text."""
        if metadatas is not None and len(metadatas) != len(texts):
            raise ConfigError(f"there are {len(texts)} texts, but {len(metadatas)} metadatas")
        documents = []
        for number, text in enumerate(texts):
            known = metadatas[number] if metadatas else {}
            for start, chunk in self._placed(text):
                place = {"start_index": start} if self._add_start_index else {}
                documents.append(Document(chunk, metadata={**copy.deepcopy(known), **place}))
        return documents

    def _placed(self, text: str) -> Iterator[tuple[int, str]]:
        if type(self).split_text is TextSplitter.split_text:
            for start, end in self._stripped(text):
                yield start, text[start:end]
            return
        start = -1  # custom: each chunk is looked for behind the start of the one before
        for chunk in self.split_text(text):
            start = text.find(chunk, start + 1)
            yield start, chunk

    def split_documents(self, documents: Iterable[Document]) -> list[Document]:
        """Return a document for each chunk, with a copy of the metadata of the one it comes from."""
        documents = list(documents)
        return self.create_documents([each.page_content for each in documents], [each.metadata for each in documents])

    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Return a document for each chunk, with a copy of the metadata of the one it comes from."""
        return self.split_documents(documents)

    @classmethod
    def from_tiktoken_encoder(
        cls,
        encoding_name: str = "gpt2",
        model_name: str | None = None,
        allowed_special: Special = frozenset(),
        disallowed_special: Special = frozenset(),
        **kwargs: Any,
    ) -> Self:
        """Make a splitter that measures in a model's tokens, counted by the package tiktoken.

        tiktoken downloads an encoding when it is first used.

        Args:
            encoding_name: the encoding, such as ``"o200k_base"``.
            model_name: a model of OpenAI, in place of the encoding.
            allowed_special: texts such as ``"<|endoftext|>"`` that count as the one token that they stand for.
            disallowed_special: such texts that are an error; others are counted as any text.
            kwargs: the other arguments of the splitter.

        Raises:
            MissingDependencyError: tiktoken is not installed.
        """
        counter = tiktoken_counter(encoding_name, model_name, allowed_special, disallowed_special)
        return cls(length_function=counter, **kwargs)

    @classmethod
    def from_huggingface_tokenizer(cls, tokenizer: Any, **kwargs: Any) -> Self:
        """Make a splitter that measures in the tokens of a tokenizer of Hugging Face.

        Args:
            tokenizer: one of ``transformers`` (it has ``tokenize``), or a ``tokenizers.Tokenizer``.
            kwargs: the other arguments of the splitter.

        Raises:
            ConfigError: it is neither.
        """
        if callable(getattr(tokenizer, "tokenize", None)):
            return cls(length_function=lambda text: len(tokenizer.tokenize(text)), **kwargs)
        if callable(getattr(tokenizer, "encode", None)):
            return cls(length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False)), **kwargs)
        raise ConfigError(f"a tokenizer of Hugging Face has a method tokenize or encode; this is {tokenizer!r:.60}")
