"""What the model says to each block: the tokens that the document shows, taken from what it prints."""

from __future__ import annotations

import re
from collections.abc import Callable

from prill.testing import Reply
from seeds.documents import Block
from seeds.printed import Spelled, read

Says = Callable[[tuple[Block, ...], Block], Reply]


def tokens(blocks: tuple[Block, ...], block: Block) -> Reply:
    """The block prints its tokens with a mark after each."""
    return Reply([token for token in block.printed[0].rstrip("\n").split("|") if token])


def words(begin: str = "") -> Says:
    """The block prints a text as it comes: its words, after ``begin``, which the page has lost."""

    def says(blocks: tuple[Block, ...], block: Block) -> Reply:
        text = begin + block.printed[0].rstrip("\n")
        return Reply(re.findall(r"\s*\S+", text))

    return says


def of_events(blocks: tuple[Block, ...], block: Block) -> Reply:
    """The block prints events: the contents of their chunks; the first one has the count of the input's tokens."""
    chunks = [
        item["data"]["chunk"] for item in read(block.printed) if isinstance(item, dict) and "chunk" in item["data"]
    ]
    told = chunks[0].fields["usage_metadata"]
    said = [chunk.fields["content"] for chunk in chunks if chunk.fields["content"]]
    return Reply([*said, " about goldfish"], usage=(told["input_tokens"], 9))


def at_the_end_of(number: int) -> Says:
    """Another block shows the whole message at the end of its events; it is said word by word."""

    def says(blocks: tuple[Block, ...], block: Block) -> Reply:
        message = read(blocks[number - 1].printed)[-1]["data"]["output"]
        assert isinstance(message, Spelled)
        return Reply(re.findall(r" ?\w+|\W", message.fields["content"]))

    return says


def countries(number: int) -> Says:
    """JSON whose value, as it grows, another block prints; cut into tokens as document 004 shows them."""

    def says(blocks: tuple[Block, ...], block: Block) -> Reply:
        grown = [value["countries"] for value in read(blocks[number - 1].printed) if value]
        pieces = ["{", "\n  ", '"', "countries", '":', " ["]
        for at, country in enumerate(grown[-1]):
            pieces += ["\n    ", "{", "\n      ", '"', "name", '":', ' "', country["name"], '",']
            pieces += ["\n      ", '"', "population", '":', " "]
            numbers = [value[at]["population"] for value in grown if len(value) > at and "population" in value[at]]
            pieces += _steps([str(number) for number in dict.fromkeys(numbers)])
            pieces += ["\n    ", "},"] if country is not grown[-1][-1] else ["\n    ", "}\n  ", "]\n", "}"]
        return Reply(pieces)

    return says


def _steps(grown: list[str]) -> list[str]:
    return [text.removeprefix(before) for before, text in zip(["", *grown], grown, strict=False)]


def said(*pieces: str) -> Says:
    """The document does not show what is said here."""
    return lambda blocks, block: Reply(pieces)
