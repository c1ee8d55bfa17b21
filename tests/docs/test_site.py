"""The guide is built without a word of complaint, and without a thing that the network would have to bring."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|embed)\b[^>]*?\ssrc=["']?(?:https?:)?//[^\s"'>]+"""
    r"""|<link\b(?=[^>]*?rel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*?href=["']?(?:https?:)?//[^\s"'>]+"""
)
_LOADED_BY_STYLE = re.compile(r"""(?:url\(["']?|@import\s+["'])(?:https?:)?//[^\s"')]+""")

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
