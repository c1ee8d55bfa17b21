"""Text splitters: long texts in chunks that a model can take.

A chunk is always a part of the text as it stands; none ends inside a letter, even one of several characters.
"""

from prill.text_splitters.base import TextSplitter
from prill.text_splitters.character import (
    CharacterTextSplitter,
    LatexTextSplitter,
    MarkdownTextSplitter,
    PythonCodeTextSplitter,
    RecursiveCharacterTextSplitter,
)
from prill.text_splitters.headers import MarkdownHeaderTextSplitter
from prill.text_splitters.html import HTMLHeaderTextSplitter, HTMLSectionSplitter
from prill.text_splitters.languages import Language
from prill.text_splitters.token import TokenTextSplitter

__all__ = [
    "CharacterTextSplitter",
    "HTMLHeaderTextSplitter",
    "HTMLSectionSplitter",
    "Language",
    "LatexTextSplitter",
    "MarkdownHeaderTextSplitter",
    "MarkdownTextSplitter",
    "PythonCodeTextSplitter",
    "RecursiveCharacterTextSplitter",
    "TextSplitter",
    "TokenTextSplitter",
]
