"""Files that are written whole, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from typing import Any

from prill.errors import ConfigError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that at any moment, also after a crash, the old one or the new one is there whole."""
    path = os.fspath(path)
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


def _sync_folder(folder: str) -> None:
    """Make the renaming last; where folders cannot be opened (Windows) the system does that itself."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """What a file holds. Raises ``ConfigError``, which names it, where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"the file {os.fspath(path)!r} cannot be read: {error.strerror or error}") from error


def read_json(path: str | os.PathLike[str]) -> Any:
    """What a JSON file holds. Raises ``ConfigError``, which names it, where it is damaged."""
    return parse_json(path, read_whole(path))


def parse_json(path: str | os.PathLike[str], data: bytes) -> Any:
    """What ``data``, read from ``path``, says in JSON."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise damaged(path, error) from error


def damaged(path: str | os.PathLike[str], why: object) -> ConfigError:
    """The error for a file that does not hold what it should."""
    return ConfigError(f"the file {os.fspath(path)!r} is damaged, or holds something else: {why}")


def json_text(value: Any, what: str) -> str:
    """``value`` in JSON. Raises ``ConfigError`` where reading it back would not give the same.

    JSON has no tuples, no dates, and no keys that are numbers; a store that brought back something else would not say
    so.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the {what} cannot be kept in JSON: {error}") from error
    _check_plain(value, what)
    return text


def _check_plain(value: Any, what: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"the {what} cannot be kept in JSON: the key {key!r} is no text")
            _check_plain(inner, what)
    elif isinstance(value, tuple):
        raise ConfigError(f"the {what} cannot be kept in JSON: {value!r:.80} would come back as a list")
    elif isinstance(value, list) and not (value and isinstance(value[0], float)):
        for inner in value:
            _check_plain(inner, what)
