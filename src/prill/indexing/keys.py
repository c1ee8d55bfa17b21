"""The key of a document: the same for the same text and metadata, in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Literal, get_args

from prill.documents import Document
from prill.errors import ConfigError

Algorithm = Literal["sha1", "sha256", "sha512", "blake2b"]
KeyEncoder = Algorithm | Callable[[Document], str]


def key_function(encoder: KeyEncoder) -> Callable[[Document], str]:
    """Return a function that makes the key of a document. Raises ``ConfigError`` for an unknown ``encoder``."""
    if callable(encoder):
        return encoder
    if encoder not in get_args(Algorithm):
        raise ConfigError(f"key_encoder must be a function or one of {', '.join(get_args(Algorithm))}, not {encoder!r}")
    return lambda document: hashlib.new(encoder, _content(document), usedforsecurity=False).hexdigest()


def _content(document: Document) -> bytes:
    try:
        text = json.dumps([document.page_content, document.metadata], sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the metadata of {document.page_content!r:.60} cannot be written as JSON ({error}), so its key cannot be "
            "made: give key_encoder a function of the document"
        ) from error
    return text.encode()
