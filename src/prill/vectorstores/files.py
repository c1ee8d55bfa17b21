"""Files that are written completely, or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from prill.errors import ConfigError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file atomically: at any moment, also after a crash, either the old or the new content is there.

    Raises ``ConfigError`` for a path that cannot be used, ``OSError`` where the disk fails.
    """
    path = os.fspath(path)
    with _usable(path):
        _replace(path, data)


def _replace(path: str, data: bytes) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    handle, beside = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path) + ".", suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, and those around it, if it is not there. Raises as ``write_whole`` does."""
    with _usable(os.fspath(path)):
        os.makedirs(path, exist_ok=True)


_UNUSABLE = frozenset(
    (
        *(errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.ELOOP),
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY),
    )
)
"""The errors of the system that are about a path, and not about the disk."""


@contextlib.contextmanager
def _usable(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        raise ConfigError(f"the path {path!r:.200} cannot be written: {error.strerror}") from error
    except ValueError as error:  # a zero byte, or half a character
        raise ConfigError(f"{path!r:.200} is not a path: {error}") from error


def _sync_folder(folder: str) -> None:
    """Make the renaming durable; where folders cannot be opened (Windows) the system does that itself."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file. Raises ``ConfigError``, which names it, if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"the file {os.fspath(path)!r:.200} cannot be read: {reason}") from error


def file_name(name: str, argument: str) -> str:
    """Return ``name`` if it is the name of a file, not a path that could leave its folder.

    Raises:
        ConfigError: it is not; the message names the ``argument``.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or any(each in name for each in "/\\\0:"):
        raise ConfigError(f"{argument} must be the name of a file, without a folder, not {name!r:.80}")
    return name


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the value of a JSON file. Raises ``ConfigError``, which names it, if it is damaged."""
    return parse_json(path, read_whole(path))


def parse_json(path: str | os.PathLike[str], data: bytes) -> Any:
    """Return the JSON value of ``data``, which was read from ``path``."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise damaged(path, error) from error
    except RecursionError:
        raise damaged(path, "its JSON is nested too deeply") from None


def damaged(path: str | os.PathLike[str], why: object) -> ConfigError:
    """Return the error for a file with unexpected content."""
    return ConfigError(f"the file {os.fspath(path)!r} is damaged, or was written by another program: {why}")


def json_text(value: Any, what: str) -> str:
    """Return ``value`` as JSON. Raises ``ConfigError`` if reading it back would give another value.

    JSON has no tuples, no dates, and no keys that are numbers; without this check a store would silently return
    something else.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the {what} cannot be stored as JSON: {error}") from error
    _check_plain(value, what)
    return text


def _check_plain(value: Any, what: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"the {what} cannot be stored as JSON: the key {key!r} is not a text")
            _check_plain(inner, what)
    elif isinstance(value, tuple):
        raise ConfigError(f"the {what} cannot be stored as JSON: {value!r:.80} would come back as a list")
    elif isinstance(value, list) and not (value and isinstance(value[0], float)):
        for inner in value:
            _check_plain(inner, what)
