"""Splitters at separators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

from prill.errors import ConfigError
from prill.text_splitters.base import TextSplitter
from prill.text_splitters.languages import Language, language_separators
from prill.text_splitters.spans import Keep, Span, cut, joined, split

LINE = r"\r?\n"
PARAGRAPH = LINE * 2
SENTENCES = r"""[。！？；…]+[”’」』）》】"']*|[.!?]+["')\]]*(?=\s)"""
CLAUSES = "[，、：]"


class CharacterTextSplitter(TextSplitter):
    """Splits at one separator, and merges the parts again as far as they fit.

    With ``is_separator_regex`` the ``separator`` is a regular expression; ``""`` splits into letters. The other
    arguments are those of ``TextSplitter``. A part that is too long by itself stays whole.
    """

    def __init__(self, separator: str = "\n\n", is_separator_regex: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pattern = _compiled(separator, is_separator_regex)

    def _spans(self, text: str) -> Iterable[Span]:
        parts = cut(text, (0, len(text)), self._pattern, self._keep_separator)
        return joined(text, parts, self._chunk_size, self._chunk_overlap, self._length_function)


class RecursiveCharacterTextSplitter(TextSplitter):
    """Splits at paragraphs; what is still too long, at lines, then sentences, words, clauses, and letters at last.

        >>> splitter = RecursiveCharacterTextSplitter(chunk_size=12, chunk_overlap=0)
        >>> splitter.split_text("天空是蓝色的。草是绿色的！雪呢？")
        ['天空是蓝色的。', '草是绿色的！雪呢？']

    ``separators`` replace the default ones, the coarsest first; a text without any of them stays whole, unless ``""``
    is the last. ``keep_separator`` determines to which chunk a separator goes: ``"start"`` of the next, ``"end"`` of
    the one before, ``True`` (closing marks such as 。 to the one before, others to the next) or ``False``: to none. The
    other arguments are those of ``TextSplitter``.
    """

    def __init__(
        self,
        separators: Sequence[str] | None = None,
        keep_separator: Keep = True,
        is_separator_regex: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(keep_separator=keep_separator, **kwargs)
        if isinstance(separators, str):
            raise ConfigError("separators must be a list, also for one separator: [separator]")
        if separators is None:
            separators, is_separator_regex = self._default_separators(), True
        self._patterns = [_compiled(separator, is_separator_regex) for separator in separators]

    @classmethod
    def from_language(cls, language: Language | str, **kwargs: Any) -> Self:
        """Make a splitter for source code or markup: at its declarations first, then as other text.

        Raises:
            ConfigError: the language is not known; the message lists those that are.
        """
        separators = cls.get_separators_for_language(language)
        return cls(separators, is_separator_regex=True, **kwargs)

    @staticmethod
    def get_separators_for_language(language: Language | str) -> list[str]:
        """Return the separators for a language, as regular expressions, the coarsest first."""
        return [*language_separators(language), PARAGRAPH, LINE, " ", ""]

    def _default_separators(self) -> Sequence[str]:
        return [PARAGRAPH, LINE, SENTENCES, " ", CLAUSES, ""]

    def _spans(self, text: str) -> Iterable[Span]:
        whole = (0, len(text))
        if self._length_function(text) <= self._chunk_size:
            return [whole]
        size, overlap = self._chunk_size, self._chunk_overlap
        return split(text, whole, self._patterns, self._keep_separator, size, overlap, self._length_function)


def _compiled(separator: str, is_regex: bool) -> re.Pattern[str] | None:
    if not isinstance(separator, str):
        raise ConfigError(f"a separator must be a text, not {separator!r:.60}")
    if not separator:
        return None
    if not is_regex:
        separator = r"\r?\n".join(map(re.escape, separator.split("\n")))
    try:
        return re.compile(separator)
    except re.error as error:
        raise ConfigError(f"the separator {separator!r:.60} is not a regular expression: {error}") from error


class MarkdownTextSplitter(RecursiveCharacterTextSplitter):
    """Splits Markdown at headings, the highest first; then at blocks of code, rules, paragraphs, and as other text.

    The arguments are those of ``RecursiveCharacterTextSplitter``.
    """

    def _default_separators(self) -> Sequence[str]:
        return [*language_separators(Language.MARKDOWN), PARAGRAPH, LINE, SENTENCES, " ", CLAUSES, ""]


class PythonCodeTextSplitter(RecursiveCharacterTextSplitter):
    """Splits Python code at classes and functions, then as other text. The same as ``from_language("python")``."""

    def _default_separators(self) -> Sequence[str]:
        return self.get_separators_for_language(Language.PYTHON)


class LatexTextSplitter(RecursiveCharacterTextSplitter):
    """Splits LaTeX at its headings and environments, then as other text. The same as ``from_language("latex")``."""

    def _default_separators(self) -> Sequence[str]:
        return self.get_separators_for_language(Language.LATEX)
