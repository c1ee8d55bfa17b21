"""HTML is split at its headings, in the order of the page."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.documents import Document
from prill.errors import ConfigError, MissingDependencyError
from prill.text_splitters import HTMLHeaderTextSplitter, HTMLSectionSplitter

NAMES = [("h1", "1"), ("h2", "2")]
PAGE = """<html><head><title>no</title><style>no</style></head><body><p>intro</p><h1>Foo</h1><p>Of <b>Foo</b>.</p>
<div><h2>Bar</h2>of bar<ul><li>a</li><li>b</li></ul><h3>Sub</h3><script>no</script><!-- no --></div>
<div><h2>Baz</h2><p>of baz</p></div><br><p>End of Foo</p></body></html>"""


def split(page: str, **options: Any) -> list[tuple[str, dict[str, str]]]:
    return [(each.page_content, each.metadata) for each in HTMLHeaderTextSplitter(NAMES, **options).split_text(page)]


def test_parts_know_the_headings_above_them() -> None:
    foo = {"1": "Foo"}
    assert split(PAGE) == [
        ("intro", {}),
        ("Foo", foo),
        ("Of Foo.", foo),
        ("Bar", {**foo, "2": "Bar"}),
        ("of bar  \na  \nb  \nSub", {**foo, "2": "Bar"}),
        ("Baz", {**foo, "2": "Baz"}),
        ("of baz", {**foo, "2": "Baz"}),
        ("End of Foo", foo),
    ]
    assert [text for text, _ in split(PAGE, return_each_element=True)][4:8] == ["of bar", "a", "b", "Sub"]


def test_a_heading_alone_in_its_element_counts_beyond_it() -> None:
    assert split("<header><div><h1>A</h1></div></header><p>x</p>") == [("A", {"1": "A"}), ("x", {"1": "A"})]
    assert split("<section><h1>A</h1><p>x</p></section><p>y</p>")[2] == ("y", {})


@pytest.mark.parametrize(
    "heading", ["A<br>B", "<div>A</div>B", "A<div>B</div>", "A<i> </i>B", " A\n<!-- x -->B ", "A <script>x</script>B"]
)
def test_the_lines_of_a_heading_are_apart(heading: str) -> None:
    assert split(f"<h1>{heading}</h1>") == [("A B", {"1": "A B"})]


def test_a_heading_ends_those_of_its_level_and_below() -> None:
    assert [known for _, known in split("<h2>B</h2><h1>A</h1><h2>C</h2><h2>D</h2>x")] == [
        *({"2": "B"}, {"1": "A"}, {"1": "A", "2": "C"}, {"1": "A", "2": "D"}, {"1": "A", "2": "D"})
    ]


def test_a_page_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes('<meta charset="gbk"><h1>天</h1>空'.encode("gbk"))
    splitter = HTMLHeaderTextSplitter(NAMES)
    assert splitter.split_text_from_file(path) == splitter.split_text_from_file(io.BytesIO(path.read_bytes()))
    assert splitter.split_text_from_file(str(path))[1] == Document("空", metadata={"1": "天"})


def test_sections_are_a_heading_with_all_up_to_the_next_one() -> None:
    splitter = HTMLSectionSplitter(NAMES, chunk_size=12, chunk_overlap=0)
    assert splitter.split_text("x<h1>Foo</h1><p>of foo</p><h2>Bar</h2>") == [
        Document("x"),
        Document("Foo\nof foo", metadata={"1": "Foo"}),
        Document("Bar", metadata={"2": "Bar"}),
    ]
    pages = [Document("<h1>Foo</h1><p>one two three</p>", metadata={"source": "a"})]
    parts = splitter.split_documents(pages)
    assert [part.page_content for part in parts] == ["Foo", "one two", "three"]
    assert parts[1].metadata == {"source": "a", "1": "Foo"}
    assert splitter.create_documents(["<h1>A</h1>"], [{"n": 1}]) == [Document("A", metadata={"n": 1, "1": "A"})]


def test_what_cannot_be_a_heading_is_refused_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="h1 to h6"):
        HTMLHeaderTextSplitter([("#", "1")])
    monkeypatch.setitem(sys.modules, "bs4", None)
    with pytest.raises(MissingDependencyError, match=r"beautifulsoup4: pip install 'prill\[html\]'"):
        HTMLHeaderTextSplitter(NAMES).split_text("<p>x")


TAGS = [
    "<h1>A</h1>",
    "<h2>B</h2>",
    "<h3>C</h3>",
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "x",
    " ",
    "<li>",
    "<br>",
]


@given(pieces=st.lists(st.sampled_from(TAGS), max_size=20))
def test_no_text_is_lost_or_changes_its_place(pieces: list[str]) -> None:
    wanted = "".join(piece for piece in pieces if piece == "x" or piece[:2] == "<h")
    for tag in ("<h1>", "</h1>", "<h2>", "</h2>", "<h3>", "</h3>"):
        wanted = wanted.replace(tag, "")
    for splitter in (HTMLHeaderTextSplitter(NAMES), HTMLSectionSplitter(NAMES)):
        found = "".join("".join(each.page_content.split()) for each in splitter.split_text("".join(pieces)))
        assert found == wanted


def test_a_page_of_deep_elements_is_split() -> None:
    assert split("<div>" * 3000 + "<h1>A</h1>x") == [("A", {"1": "A"}), ("x", {"1": "A"})]
