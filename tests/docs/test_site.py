"""The guide is built without a word of complaint, and without a thing that the network would have to bring."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.helpers import eventually, read_public_names
from tests.serve.browser import chromium, opened

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|embed)\b[^>]*?\ssrc=["']?(?:https?:)?//[^\s"'>]+"""
    r"""|<link\b(?=[^>]*?rel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*?href=["']?(?:https?:)?//[^\s"'>]+"""
)
_LOADED_BY_STYLE = re.compile(r"""(?:url\(["']?|@import\s+["'])(?:https?:)?//[^\s"')]+""")

OTHER_NAMES = {"K", "V", "Run"}
"""Public names that are variables of types, or other names of what has an entry."""

_LOCAL = re.compile(r"""<(?:a|img|link|script)\b[^>]*?\s(?:href|src)=["'](?![a-z]+:|//)([^"'#?]*)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built guide."""
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert (built.returncode, built.stderr) == (0, "")
    return place


def test_every_page_is_in_the_site_in_both_languages(site: Path) -> None:
    pages = {page.name.removesuffix(".md") for page in (ROOT / "docs").glob("*.md")}
    english = {page for page in pages if not page.endswith(".zh")}
    assert english == {page.stem for page in site.glob("*.html")} - {"404"}
    assert english == {page.stem for page in (site / "zh").glob("*.html")}
    assert 'lang="zh"' in (site / "zh" / "index.html").read_text(encoding="utf-8")


def test_no_page_and_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = [
        (page.name, match[0])
        for kind, pattern in (("html", _LOADED), ("html", _LOADED_BY_STYLE), ("css", _LOADED_BY_STYLE))
        for page in site.rglob(f"*.{kind}")
        for match in pattern.finditer(page.read_text(encoding="utf-8"))
    ]
    assert loaded == []


def test_what_the_pages_lead_to_and_show_is_in_the_site(site: Path) -> None:
    missing = set()
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # it is shown at any address, so its links begin at the root
            continue
        for target in _LOCAL.findall(page.read_text(encoding="utf-8")):
            if target and not (page.parent / unquote(target)).exists():
                missing.add((str(page.relative_to(site)), target))
    assert missing == set()


def test_what_would_see_a_load_from_elsewhere_sees_one() -> None:
    assert _LOADED.search('<script defer src="https://unpkg.com/mermaid"></script>')
    assert _LOADED.search('<link href="//fonts.gstatic.com" rel="preconnect" crossorigin>')
    assert not _LOADED.search('<link rel="canonical" href="https://example.org/"><a href="https://example.org/">')
    assert _LOADED_BY_STYLE.search("@font-face{src:url(https://fonts.gstatic.com/a.woff2)}")


def test_no_page_asks_for_the_diagrams_whose_script_would_come_from_elsewhere(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text(encoding="utf-8")] == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(
    ("page", "words", "found"),
    [
        ("index.html", "deploying", "deploying.html"),
        ("reference/errors.html", "trim_messages", "reference/messages.html"),
        ("zh/index.html", "后备", "zh/recovering.html"),
        ("zh/reference/errors.html", "检索", "zh/retrieval.html"),
    ],
)
def test_a_page_that_is_opened_as_a_file_finds_pages_of_its_language(
    site: Path, browser: Any, page: str, words: str, found: str
) -> None:
    with opened(browser, (site / page).as_uri()) as shown:
        shown.click("input.md-search__input")
        shown.keyboard.type(words)
        shown.keyboard.press("End")  # Chinese letters come without the release of a key, which the page waits for
        shown.wait_for_selector(f'.md-search-result__link[href*="{found}"]', state="attached")
        links = shown.eval_on_selector_all(".md-search-result__link", "links => links.map(link => link.href)")
    places = {unquote(link.removeprefix(site.as_uri() + "/")).partition("?")[0].partition("#")[0] for link in links}
    assert {place.startswith("zh/") for place in places} == {page.startswith("zh/")}
    assert [place for place in places if not (site / place).exists()] == []


def test_each_language_has_an_index_of_its_own_pages(site: Path) -> None:
    for folder in (site, site / "zh"):
        index = json.loads((folder / "search" / "search_index.json").read_text(encoding="utf-8"))
        places = {entry["location"].partition("#")[0] for entry in index["docs"]}
        assert not [place for place in places if place.startswith("zh/")]
        assert places == {str(page.relative_to(folder)) for page in all_pages(folder)}


def all_pages(folder: Path) -> list[Path]:
    """The pages of a language."""
    return [
        page for page in folder.rglob("*.html") if page.name != "404.html" and page.relative_to(folder).parts[0] != "zh"
    ]


def test_no_page_is_wider_than_the_window_and_no_code_than_its_column(site: Path, browser: Any) -> None:
    wide = []
    with opened(browser, (site / "index.html").as_uri()) as shown:
        for page in sorted(site.glob("*.html")) + sorted((site / "zh").glob("*.html")):
            shown.goto(page.as_uri())
            for width in (390, 1280):
                shown.set_viewport_size({"width": width, "height": 900})
                # The page slides into its place after a change of width.
                fits = eventually(lambda: shown.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                code = shown.eval_on_selector_all(
                    "article .highlight:not(.language-text) pre > code",
                    "blocks => blocks.filter(block => block.scrollWidth > block.clientWidth).length",
                )
                if not fits or (code and width == 1280):
                    wide.append((str(page.relative_to(site)), width, code))
    assert wide == []


def test_the_reference_has_the_public_names_of_its_rooms(site: Path) -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    entries = set(re.findall(r'<h\d id="(prill\.[\w.]+)"', shown))
    missing = [
        f"{module}.{name}"
        for module, names in read_public_names().items()
        if module.count(".") == 1 and module != "prill.utils"
        for name in names
        if name[0] != "_" and name not in OTHER_NAMES and f"{module}.{name}" not in entries
    ]
    assert missing == []
