"""Finding files in folders by patterns, folder by folder, in the order of their names."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from prill.document_loaders.errors import LoadError, LoadSourceError
from prill.document_loaders.files import make_absent_error, name_errors
from prill.errors import ConfigError


class Choice(NamedTuple):
    """Which files of a folder. ``globs`` and ``exclude`` are patterns; the others are those of ``DirectoryLoader``."""

    globs: Sequence[str]
    exclude: Sequence[str] = ()
    recursive: bool = False
    load_hidden: bool = False
    suffixes: Sequence[str] | None = None

    def find(self, folder: Path) -> Iterator[Path | LoadError]:
        """Return the files in ``folder`` one by one; errors in the place of what cannot be looked into."""
        with name_errors(str(folder)):
            if not folder.is_dir():
                raise make_absent_error(folder)
        globs = [_shorten(glob) for glob in self.globs]
        wanted = [_compile(f"**/{glob}" if self.recursive else glob) for glob in globs]
        deep = self.recursive or any("/" in glob or "**" in glob for glob in globs)
        unwanted = [_compile(f"**/{_shorten(glob)}") for glob in self.exclude]
        for name, found in self._walk(folder, "", deep):
            # Without a name it is a folder that cannot be read.
            if not name or (
                any(pattern.fullmatch(name) for pattern in wanted)
                and not any(pattern.fullmatch(name) for pattern in unwanted)
                and (self.suffixes is None or os.path.splitext(name)[1] in self.suffixes)
            ):
                yield found

    def _walk(self, folder: Path, prefix: str, deep: bool) -> Iterator[tuple[str, Path | LoadError]]:
        """Yield the files below a folder, with their paths in it. Links to folders are not followed."""
        try:
            with name_errors(str(folder)), os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except LoadError as error:
            yield "", error
            return
        for entry in inside:
            if entry.name.startswith(".") and not self.load_hidden:
                continue
            name, path = prefix + entry.name, folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if deep:
                    yield from self._walk(path, name + "/", deep)
            elif entry.is_symlink() and not path.exists():
                reason = "it is a symbolic link that leads nowhere, or to itself"
                yield name, LoadSourceError(reason, source=str(path))
            elif entry.is_file():
                yield name, path


def choose(
    found: Iterator[Path | LoadError], size: int, randomize: bool, seed: int | None
) -> Iterator[Path | LoadError]:
    """Return the first ``size`` files, or that many of them by chance; 0 means all."""
    if not size:
        return found
    paths = list(found)
    if randomize:
        random.Random(seed).shuffle(paths)
    return iter(paths[:size])


def _shorten(glob: str) -> str:
    """Return a pattern as paths in the folder are written: without ``./`` and double slashes.

    Raises:
        ConfigError: it is empty, starts outside of the folder or leads there.
    """
    parts = [part for part in glob.split("/") if part not in ("", ".")]
    if not parts or glob.startswith("/") or ".." in parts:
        raise ConfigError(f"a pattern is written from the folder on, such as '**/*.md', not {glob!r:.60}")
    return "/".join(parts)


_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|.", re.DOTALL)


def _compile(glob: str) -> re.Pattern[str]:
    """A pattern as a regular expression: ``*`` within a name, ``**/`` over any number of folders."""
    return re.compile("".join(map(_translate, _PARTS.findall(glob))), re.DOTALL)


def _translate(part: str) -> str:
    special = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in special:
        return special[part]
    if len(part) > 1:  # a set of characters
        inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(part)
