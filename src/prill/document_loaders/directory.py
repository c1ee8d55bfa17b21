"""``DirectoryLoader`` and ``PyPDFDirectoryLoader``: the files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from prill.document_loaders.base import BaseLoader
from prill.document_loaders.csv_rows import CSVLoader
from prill.document_loaders.errors import LoadError
from prill.document_loaders.html import BSHTMLLoader
from prill.document_loaders.pdf import PyPDFLoader
from prill.document_loaders.text import MarkdownLoader, TextLoader
from prill.document_loaders.tolerant import OnError, TolerantLoader
from prill.document_loaders.walking import Choice, choose
from prill.document_loaders.word import Docx2txtLoader
from prill.documents import Document
from prill.documents.base import PathLike
from prill.errors import ConfigError, MissingDependencyError
from prill.io import BLOCKING, Limit
from prill.runnables.engine.batch import show_progress

LOADERS: dict[str, Callable[..., BaseLoader]] = {
    **dict.fromkeys((".md", ".markdown"), MarkdownLoader),
    **dict.fromkeys((".html", ".htm", ".xhtml"), BSHTMLLoader),
    ".pdf": PyPDFLoader,
    ".docx": Docx2txtLoader,
    ".csv": CSVLoader,
}
"""What reads a file, by the ending of its name; others are read as text."""

_AT_ONCE = 64
"""How many files are given to the threads at once."""


def load_file(path: str, **options: Any) -> BaseLoader:
    """Make the loader of a file, by the ending of its name."""
    return LOADERS.get(Path(path).suffix.lower(), TextLoader)(path, **options)


class DirectoryLoader(TolerantLoader):
    """Reads the files in a folder one after the other, in the order of their names.

        loader = DirectoryLoader("docs", glob="**/*.md", on_error="skip")
        for document in loader.lazy_load():
            ...
        for error in loader.errors:
            print(error.source, error.reason)

    Args:
        path: the folder. Links to folders in it are not followed, so that loops do no harm.
        glob: a pattern, or several: ``*`` within a name, ``**/`` for any number of folders.
        silent_errors: the same as ``on_error="skip"``.
        load_hidden: also load files and folders whose names start with a full stop.
        loader_cls: what reads a file: a loader's class, or a function that takes the path. By default it is chosen by
            the ending: Markdown, HTML, PDF, DOCX, CSV, and text for all others.
        loader_kwargs: further arguments for it.
        recursive: also look into the folders inside, whatever ``glob`` says.
        show_progress: show how many files are read; needs the extra ``cli``.
        use_multithreading: read ``max_concurrency`` files at once; documents come as they are read.
        max_concurrency: how many threads.
        exclude: patterns of files that are left out.
        sample_size: how many files are read at most; 0 means all.
        randomize_sample: choose these by chance, the same ones where ``sample_seed`` is the same.
        sample_seed: a number for ``randomize_sample``.
        on_error: what to do with a file that is broken, see ``TolerantLoader``.

    Raises:
        LoadSourceError: there is no such folder.
        LoadError: a file is broken, and ``on_error`` is ``"raise"``.
    """

    def __init__(
        self,
        path: PathLike,
        glob: str | Sequence[str] = "**/[!.]*",
        silent_errors: bool = False,
        load_hidden: bool = False,
        loader_cls: Callable[..., BaseLoader] | None = None,
        loader_kwargs: Mapping[str, Any] | None = None,
        recursive: bool = False,
        show_progress: bool = False,
        use_multithreading: bool = False,
        max_concurrency: int = 4,
        *,
        exclude: str | Sequence[str] = (),
        sample_size: int = 0,
        randomize_sample: bool = False,
        sample_seed: int | None = None,
        on_error: OnError = "raise",
    ) -> None:
        if max_concurrency < 1:
            raise ConfigError(f"max_concurrency must be 1 or more, not {max_concurrency!r}")
        super().__init__("skip" if silent_errors else on_error)
        self.path = path
        self._choice = Choice(_as_list(glob), _as_list(exclude), recursive, load_hidden)
        self._make_loader = partial(loader_cls or load_file, **(loader_kwargs or {}))
        self._show_progress = show_progress
        self._width = max_concurrency if use_multithreading else 1
        self._sample = (sample_size, randomize_sample, sample_seed)

    def _read(self) -> Iterator[Document | LoadError]:
        found = choose(self._choice.find(Path(self.path)), *self._sample)
        with show_progress(self._show_progress, None) as advance:
            read = self._read_file if advance is None else partial(self._read_and_report, advance)
            if self._width == 1:
                for path in found:
                    yield from read(path)
                return
            while paths := list(islice(found, _AT_ONCE)):
                streams = [BLOCKING.pull(partial(read, path)) for path in paths]
                merged: Any = BLOCKING.iterate(BLOCKING.merge(streams, Limit(self._width)))
                with closing(merged) as outcomes:
                    for _, outcome in outcomes:
                        yield outcome

    def _read_and_report(self, advance: Callable[[], None], path: Path | LoadError) -> Iterator[Document | LoadError]:
        yield from self._read_file(path)
        advance()

    def _read_file(self, path: Path | LoadError) -> Iterator[Document | LoadError]:
        if isinstance(path, LoadError):
            yield path
            return
        loader = self._make_loader(str(path))
        if isinstance(loader, TolerantLoader):
            yield from loader.lazy_outcomes()
            return
        try:
            yield from loader.lazy_load()
        except LoadError as error:
            yield error
        except (ConfigError, MissingDependencyError, NotImplementedError):
            raise  # not the file's fault
        except Exception as error:  # a loader of the user's, over a broken file
            reason = f"{type(loader).__name__} raised {type(error).__name__}: {error}"
            failed = LoadError(reason, source=str(path))
            failed.__cause__ = error
            yield failed


class PyPDFDirectoryLoader(DirectoryLoader):
    """Reads the PDF files in a folder; the arguments are those of ``DirectoryLoader`` and ``PyPDFLoader``."""

    def __init__(
        self,
        path: PathLike,
        glob: str | Sequence[str] = "**/[!.]*.pdf",
        silent_errors: bool = False,
        load_hidden: bool = False,
        recursive: bool = False,
        *,
        on_error: OnError = "raise",
        **loader_kwargs: Any,
    ) -> None:
        super().__init__(
            path, glob, silent_errors, load_hidden, PyPDFLoader, loader_kwargs, recursive, on_error=on_error
        )


def _as_list(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else list(given)
