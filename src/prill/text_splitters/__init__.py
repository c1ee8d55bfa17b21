"""Text splitters: long texts in pieces that a model can take.

A piece is always a part of the text as it stands; none ends inside a letter, whatever that is made of.
"""

from prill.text_splitters.base import TextSplitter
from prill.text_splitters.character import CharacterTextSplitter, RecursiveCharacterTextSplitter
from prill.text_splitters.headers import MarkdownHeaderTextSplitter
from prill.text_splitters.markdown import MarkdownTextSplitter
from prill.text_splitters.token import TokenTextSplitter

__all__ = [
    "CharacterTextSplitter",
    "MarkdownHeaderTextSplitter",
    "MarkdownTextSplitter",
    "RecursiveCharacterTextSplitter",
    "TextSplitter",
    "TokenTextSplitter",
]
