"""``MarkdownTextSplitter``: at headings first."""

from __future__ import annotations

from collections.abc import Sequence

from prill.text_splitters.character import CLAUSES, LINE, PARAGRAPH, SENTENCES, RecursiveCharacterTextSplitter


class MarkdownTextSplitter(RecursiveCharacterTextSplitter):
    """Splits Markdown at headings, the highest first; then at blocks of code, rules, paragraphs, and as other text.

    The arguments are those of ``RecursiveCharacterTextSplitter``.
    """

    def _default_separators(self) -> Sequence[str]:
        headings = [rf"(?m)^(?=#{{{level}}} )" for level in range(1, 7)]
        rule = rf"{LINE}(?:\*\*\*+|---+|___+){LINE}"
        return [*headings, r"(?m)^(?=```)", rule, PARAGRAPH, LINE, SENTENCES, " ", CLAUSES, ""]
