"""A config in an address: LZString's ``compressToEncodedURIComponent``, which LangServe uses.

The algorithm is a variant of LZW over UTF-16 code units, written as 6 bits a character:
https://pieroxy.net/blog/pages/lz-string/index.html
"""

from __future__ import annotations

import json
from typing import Any

from prill.errors import RequestError

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$"
_VALUES = {letter: index for index, letter in enumerate(_ALPHABET)}
_BITS = 6

MAX_CONFIG = 64 * 1024
"""Code units of a decompressed config. Some thousand characters of an address can stand for hundreds of megabytes."""


def decode_config_hash(text: str) -> dict[str, Any]:
    """The config that a hash stands for.

    Raises:
        RequestError: 400, it is not a hash of an object, or stands for more than ``MAX_CONFIG``.
    """
    invalid = RequestError("Invalid config hash", status=400, code="invalid_config_hash")
    try:
        config = json.loads(decompress(text))
    except (ValueError, RecursionError):
        raise invalid from None
    if not isinstance(config, dict):
        raise invalid
    return config


def encode_config_hash(config: Any) -> str:
    """The hash of a config, for an address."""
    return compress(json.dumps(config))


class _Bits:
    """Reads numbers from letters, least significant bit first."""

    def __init__(self, text: str) -> None:
        try:
            self._values = [_VALUES[letter] for letter in text.replace(" ", "+")]
        except KeyError:
            raise ValueError("not a letter of a hash") from None
        self._place = 0
        self._left = _BITS

    def read(self, width: int) -> int:
        number = 0
        for power in range(width):
            if self._place >= len(self._values):
                raise ValueError("the hash ends too early")
            self._left -= 1
            number |= (self._values[self._place] >> self._left & 1) << power
            if not self._left:
                self._place, self._left = self._place + 1, _BITS
        return number


def decompress(text: str, limit: int = MAX_CONFIG) -> str:
    """The text that ``compress`` wrote.

    Raises:
        ValueError: it is malformed, or longer than ``limit`` when decompressed.
    """
    bits = _Bits(text)
    first = bits.read(2)
    if first == 2:
        return ""
    word = _read_letter(bits, first)
    pieces, size = [word], len(word)
    table, count, room, width = {3: word}, 4, 4, 3

    def grow() -> None:
        nonlocal room, width
        room -= 1
        if not room:
            room, width = 1 << width, width + 1

    while True:
        code = bits.read(width)
        if code == 2:
            return "".join(pieces)
        if code in (0, 1):
            table[count] = _read_letter(bits, code)
            code, count = count, count + 1
            grow()
        if code in table:
            entry = table[code]
        elif code == count:
            entry = word + word[0]
        else:
            raise ValueError("the hash has an unknown code")
        size += len(entry)
        if size > limit:
            raise ValueError("the config is too long")
        pieces.append(entry)
        table[count] = word + entry[0]
        count, word = count + 1, entry
        grow()


def _read_letter(bits: _Bits, code: int) -> str:
    if code > 1:
        raise ValueError("the hash does not start with a letter")
    return chr(bits.read(16 if code else 8))


def compress(text: str) -> str:
    """Compress a text."""
    writer = _Writer()
    for letter in _code_units(text):
        writer.add(letter)
    return writer.finish()


def _code_units(text: str) -> str:
    """The text as UTF-16 code units, of which there are two for a character beyond the first plane."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[index] | raw[index + 1] << 8) for index in range(0, len(raw), 2))


class _Writer:
    def __init__(self) -> None:
        self._table: dict[str, int] = {}
        self._unwritten: set[str] = set()
        self._word = ""
        self._room, self._width = 2, 2
        self._letters: list[str] = []
        self._value, self._filled = 0, 0

    def add(self, letter: str) -> None:
        if letter not in self._table:
            self._table[letter] = len(self._table) + 3
            self._unwritten.add(letter)
        longer = self._word + letter
        if longer in self._table:
            self._word = longer
            return
        self._write_word()
        self._table[longer] = len(self._table) + 3
        self._word = letter

    def finish(self) -> str:
        if self._word:
            self._write_word()
        self._write(2, self._width)
        while True:  # the last letter is filled up with zeros, and there is at least one
            self._write(0, 1)
            if not self._filled:
                return "".join(self._letters)

    def _write_word(self) -> None:
        if self._word in self._unwritten:
            unit = ord(self._word)
            wide = unit > 255
            self._write(int(wide), self._width)
            self._write(unit, 16 if wide else 8)
            self._grow()
            self._unwritten.discard(self._word)
        else:
            self._write(self._table[self._word], self._width)
        self._grow()

    def _grow(self) -> None:
        self._room -= 1
        if not self._room:
            self._room, self._width = 1 << self._width, self._width + 1

    def _write(self, number: int, width: int) -> None:
        for _ in range(width):
            self._value = self._value << 1 | number & 1
            number >>= 1
            self._filled += 1
            if self._filled == _BITS:
                self._letters.append(_ALPHABET[self._value])
                self._value, self._filled = 0, 0
