"""``TolerantLoader``: the base of loaders that can go on where a file, a page or a row is broken."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal, TypeAlias

from prill.document_loaders.base import BaseLoader
from prill.document_loaders.errors import LoadError
from prill.documents import Document
from prill.errors import ConfigError

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

    def _pass_over(self, error: LoadError) -> Iterator[Document]:
        _forget_frames(error)
        self.errors.append(error)
        if self.on_error == "skip":
            _LOG.warning("left out: %s", error)
        else:
            known = {"error": error.reason, "error_type": type(error).__name__}
            yield Document("", metadata={"source": error.source, **known})


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what the code that raised an error was holding, such as the whole file."""
    while error is not None:
        error.with_traceback(None)
        error = error.__cause__ or error.__context__
