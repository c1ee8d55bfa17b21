"""``TolerantLoader``: the base of loaders that can go on where a file, a page or a row is broken."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Generator, Iterator
from typing import ClassVar, Literal, TypeAlias, cast

from prill.document_loaders.base import BaseLoader
from prill.document_loaders.errors import LoadError
from prill.documents import Document
from prill.errors import ConfigError
from prill.io import closing, get_asyncio_mode

OnError: TypeAlias = Literal["raise", "skip", "document"]
"""What to do where something is broken: raise, leave it out, or give a document that says what is wrong."""

_LOG = logging.getLogger("prill.document_loaders")


class TolerantLoader(BaseLoader):
    """Base of loaders that can go on where a file, a page or a row is broken.

    A subclass defines ``_read``, which raises a ``LoadError`` where it cannot go on, and yields one where it can.

    Args:
        on_error: ``"raise"`` the first error; ``"skip"`` what is broken, with a line in the log of
            ``prill.document_loaders``; or give an empty ``"document"`` in its place, whose metadata have ``source``,
            ``error`` (what is wrong) and ``error_type`` (the name of the class).

    ``errors`` are the errors of the last load that were not raised, each with its ``source`` and ``reason``.
    """

    errors: list[LoadError]
    _has_rows: ClassVar[bool] = False
    """Whether its documents are many and quickly read, so that a thread gives an event loop several at once."""

    def __init__(self, on_error: OnError = "raise") -> None:
        if on_error not in ("raise", "skip", "document"):
            raise ConfigError(f"on_error must be 'raise', 'skip' or 'document', not {on_error!r:.60}")
        self.on_error = on_error
        self.errors = []

    def _read(self) -> Iterator[Document | LoadError]:
        raise NotImplementedError(f"{type(self).__name__} does not define _read")

    def lazy_outcomes(self) -> Iterator[Document | LoadError]:
        """Return the documents one by one, and an error in the place of each that is broken; raise none of these."""
        try:
            yield from self._read()
        except LoadError as error:
            yield error

    def lazy_load(self) -> Iterator[Document]:
        """Return the documents one by one."""
        self.errors = []
        for outcome in self.lazy_outcomes():
            if isinstance(outcome, Document):
                yield outcome
            elif self.on_error == "raise":
                raise outcome
            else:
                yield from self._pass_over(outcome)

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Return the documents one by one, in asyncio."""
        size = _AT_ONCE if self._has_rows else 1
        async with closing(get_asyncio_mode().pull(lambda: _in_batches(self.lazy_load(), size))) as batches:
            async for batch in batches:
                for document in batch:
                    yield document

    def _pass_over(self, error: LoadError) -> Iterator[Document]:
        _forget_frames(error)
        self.errors.append(error)
        if self.on_error == "skip":
            _LOG.warning("left out: %s", error)
        else:
            known = {"error": error.reason, "error_type": type(error).__name__}
            yield Document("", metadata={"source": error.source, **known})


_AT_ONCE = 64
_SECONDS = 0.001


def _in_batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    """Yield what was read within a millisecond, at most ``size``; an error comes behind what was read before it."""
    failed: Exception | None = None
    with contextlib.closing(cast("Generator[Document]", documents)):
        while failed is None:
            batch: list[Document] = []
            until = time.monotonic() + _SECONDS
            try:
                for document in documents:
                    batch.append(document)
                    if len(batch) == size or time.monotonic() > until:
                        break
                else:
                    yield batch
                    return
            except Exception as error:
                failed = error
            yield batch
    raise failed


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what the code that raised an error was holding, such as the whole file."""
    while error is not None:
        error.with_traceback(None)
        error = error.__cause__ or error.__context__
