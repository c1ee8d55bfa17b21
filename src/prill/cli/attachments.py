"""Files that are sent with a question: images and PDFs as they are, everything else as text."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from prill.errors import ConfigError

_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""The images that providers take."""
_MOST_BYTES = 32 * 1024 * 1024
"""Larger requests are refused by all providers."""


def read_attachment(path: Path) -> dict[str, Any]:
    """Return the content block of a file: an image, a PDF, or a text in UTF-8 with the file's name above it.

    Raises:
        ConfigError: it is too large, or is none of these.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ConfigError(f"{path} is larger than {_MOST_BYTES >> 20} MB, which no provider takes")
    data = path.read_bytes()
    if kind := _IMAGES.get(path.suffix.lower()):
        return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": kind}
    if data.startswith(b"%PDF-"):
        pdf = {"base64": base64.b64encode(data).decode(), "mime_type": "application/pdf", "filename": path.name}
        return {"type": "file", **pdf}
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConfigError(f"{path} is not an image ({', '.join(_IMAGES)}), not a PDF, and not a text in UTF-8")
    return {"type": "text", "text": f"{path.name}:\n\n{text}\n"}


def split_path(argument: str) -> tuple[Path, str]:
    """Split ``PATH [QUESTION]``: the path is the longest start that names a file, else the first word.

    A path with spaces may be in quotes, or have a backslash before each, as when a file is dropped on a terminal.
    """
    for quote in "'\"":
        if argument.startswith(quote) and quote in argument[1:]:
            quoted, _, question = argument[1:].partition(quote)
            return Path(quoted).expanduser(), question.strip()
    line = argument.splitlines()[0]
    spaces = [place for place, letter in enumerate(line) if letter.isspace()]
    for end in [len(line), *reversed(spaces)]:
        for text in (line[:end], line[:end].replace("\\ ", " ")):
            path = Path(text).expanduser()
            if _is_file(path):
                return path, argument[end:].strip()
    first, *rest = argument.split(maxsplit=1)
    return Path(first).expanduser(), "".join(rest)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than a name may be
        return False
