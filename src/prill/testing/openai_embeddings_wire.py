"""OpenAI's embeddings, as bytes: vectors made of the text's words, so that the same text always gets the same one."""

from __future__ import annotations

import base64
import re
import sys
from array import array
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import sqrt
from typing import Any

from prill.testing.openai_wire import OpenAIErrors
from prill.testing.replies import Reply
from prill.testing.wire import dump, get_model_name

DIMENSIONS = 1536

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""Chinese and Japanese are written without spaces, so a character is a word."""


class EmbeddingsWire(OpenAIErrors):
    """``/embeddings``: a vector of length 1 for each input; texts that share words are near each other."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Embeddings are never streamed."""
        return [self.plain(reply, body)]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """Float lists, or base64 of little-endian 32-bit floats if ``encoding_format`` asks for it."""
        texts = _inputs(body.get("input"))
        dimensions = body.get("dimensions") or DIMENSIONS
        in_base64 = body.get("encoding_format") == "base64"
        rows = []
        for index, text in enumerate(texts):
            vector = embed(text, dimensions)
            embedding = _to_base64(vector) if in_base64 else vector.tolist()
            rows.append({"object": "embedding", "index": index, "embedding": embedding})
        tokens = reply.usage[0] if reply.usage else sum(max(1, len(text.split())) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return dump({"object": "list", "data": rows, "model": get_model_name(reply, body), "usage": usage})


def embed(text: str, dimensions: int = DIMENSIONS) -> array[float]:
    """The vector of a text: each word, or Chinese character, adds or takes 1 at a few places chosen by its hash."""
    sums = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [text]:
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        for at in range(0, 32, 8):
            number = int.from_bytes(digest[at : at + 8], "little")
            sums[(number >> 1) % dimensions] += 1.0 if number & 1 else -1.0
    if not any(sums):  # signs can cancel out, but a vector of length 0 has no direction
        sums[0] = 1.0
    length = sqrt(sum(value * value for value in sums))
    return array("f", (value / length for value in sums))


def _inputs(given: Any) -> list[str]:
    """The API takes a text, a list of texts, a list of token numbers, or a list of such lists."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        return []
    if given and isinstance(given[0], int):
        return [_spell(given)]
    return [item if isinstance(item, str) else _spell(item) for item in given]


def _spell(tokens: Iterable[Any]) -> str:
    return " ".join(map(str, tokens))


def _to_base64(vector: array[float]) -> str:
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()
