"""Markdown's headings become metadata."""

from __future__ import annotations

import pytest

from prill.documents import Document
from prill.errors import ConfigError
from prill.text_splitters import MarkdownHeaderTextSplitter

FENCE = "``" + "`"
TEXT = f"""intro
# Sky
Blue.
{FENCE}
# no heading
{FENCE}
## Night ##
Black.
### Stars
Many.
# Sea
Deep."""


def test_parts_know_the_headings_above_them():
    splitter = MarkdownHeaderTextSplitter([("#", "chapter"), ("##", "section")])
    assert splitter.split_text(TEXT) == [
        Document("intro"),
        Document(f"Blue.\n{FENCE}\n# no heading\n{FENCE}", metadata={"chapter": "Sky"}),
        Document("Black.\n### Stars\nMany.", metadata={"chapter": "Sky", "section": "Night"}),
        Document("Deep.", metadata={"chapter": "Sea"}),
    ]


def test_headings_may_stay_and_lines_may_stand_alone():
    kept = MarkdownHeaderTextSplitter([("#", "chapter")], strip_headers=False).split_text("# Sea\nDeep.\nWide.")
    assert kept == [Document("# Sea\nDeep.\nWide.", metadata={"chapter": "Sea"})]
    lines = MarkdownHeaderTextSplitter([("#", "chapter")], return_each_line=True).split_text("# Sea\nDeep.\n\nWide.")
    assert [line.page_content for line in lines] == ["Deep.", "Wide."]


def test_a_mark_that_is_no_heading_is_refused():
    with pytest.raises(ConfigError, match="mark of a heading"):
        MarkdownHeaderTextSplitter([("=", "chapter")])


@pytest.mark.parametrize("line", ["```pip install x``` installs it.", "``` a ` b", "````a```` b", "`` ` ``"])
def test_inline_code_at_the_start_of_a_line_is_not_a_fence(line):
    found = MarkdownHeaderTextSplitter([("#", "h")]).split_text(f"# A\n{line}\n# B\ntext")
    assert [each.metadata for each in found] == [{"h": "A"}, {"h": "B"}]


def test_a_byte_order_mark_and_other_line_ends_do_not_hide_a_heading():
    found = MarkdownHeaderTextSplitter([("#", "h")]).split_text("\ufeff# A\r\na\u2028# no\r# B\rb")
    assert [(each.metadata["h"], each.page_content) for each in found] == [("A", "a\u2028# no"), ("B", "b")]


def test_lines_have_metadata_of_their_own():
    one, two = MarkdownHeaderTextSplitter([("#", "h")], return_each_line=True).split_text("# A\na\nb")
    one.metadata["x"] = 1
    assert two.metadata == {"h": "A"}
