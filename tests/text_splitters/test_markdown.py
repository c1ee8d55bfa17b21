"""Headings of Markdown are found where CommonMark has them; a reader of CommonMark is the judge."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from prill.documents import Document
from prill.text_splitters import MarkdownHeaderTextSplitter
from prill.text_splitters.markdown import find_headings, split_lines

READER = MarkdownIt("commonmark")

PIECES = [
    *("# a", "## b ##", "#", "# #", "### c \\#", "#5", "\\# x", "#\tt", "  # in", "===", "---", "=", "_"),
    *("- ", "* x", "1. y", "2) z", "> ", "> # q", "- # h", "-", "- - x", "10. t", "+", "***", "* * *"),
    *("    ", "  ", " ", "\t", "      deep", "```", "````", "~~~", "``` py"),
    *("<!--", "-->", "<div>", "</div>", "<b>", "<script>", "</script>", "<pre>", "<?", "?>", "<a href='x'>"),
    *("text", "a", "\n", "\n", "\n", "\n\n"),
]
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def judged(text: str) -> list[tuple[int, str, int, int]]:
    tokens = READER.parse(text)
    return [
        (int(token.tag[1]), trimmed(inline.content), *token.map)
        for token, inline in itertools.pairwise(tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def trimmed(title: str) -> str:
    return "\n".join(line.strip() for line in title.split("\n"))


@settings(max_examples=1500)
@given(text=texts)
@example("- x\n\n  # in the list\n# out")
@example("> x\n# out")
@example("> x\nlazy\n===")
@example("<!-- \n# no\n-->\n# yes")
@example("````\n```\n# no\n`````\n# yes")
def test_headings_are_those_of_commonmark(text: str) -> None:
    assert [tuple(found) for found in find_headings(split_lines(text))] == judged(text)


@pytest.mark.parametrize("text", ["[x]: /u\n===", "[x]:\n/u\n---", "[x]: /u 'a\nb'\n==="])
def test_a_definition_of_a_link_is_not_a_heading(text: str) -> None:
    assert find_headings(split_lines(text)) == []


def test_the_text_of_a_heading_behind_the_definition_of_a_link_is_its_own() -> None:
    assert [found.title for found in find_headings(["[x]: /u", "Sky", "==="])] == ["Sky"]


@given(text=texts)
def test_parts_with_their_headings_hold_every_line(text: str) -> None:
    names = [("#" * level, str(level)) for level in range(1, 7)]
    parts = MarkdownHeaderTextSplitter(names, strip_headers=False).split_text(text)
    held = "".join("".join(part.page_content.split()) for part in parts)
    assert held == "".join("".join(split_lines(text)).split())


def test_underlined_headings_count_as_those_with_marks() -> None:
    text = "Blue\nsky\n===\nday\n\nNight\n---\nstars\n\n# Sea\ndeep"
    assert MarkdownHeaderTextSplitter([("#", "1"), ("##", "2")]).split_text(text) == [
        Document("day", metadata={"1": "Blue sky"}),
        Document("stars", metadata={"1": "Blue sky", "2": "Night"}),
        Document("deep", metadata={"1": "Sea"}),
    ]
    kept = MarkdownHeaderTextSplitter([("##", "2")], strip_headers=False).split_text(text)
    assert kept[1] == Document("Night\n---\nstars\n\n# Sea\ndeep", metadata={"2": "Night"})


@pytest.mark.parametrize(
    "text",
    ["* " * 50_000 + "x", ">" * 50_000, "\n".join("  " * depth + "- x" for depth in range(1000))],
    ids=["items", "quotations", "lines"],
)
def test_lists_and_quotations_without_end_are_read_as_any_other_text(text: str) -> None:
    assert [found.title for found in find_headings(split_lines(f"{text}\n\n# out"))] == ["out"]
