"""The page that compares two runs shows the differences first, in a browser, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browser import chromium, opened

from prill.errors import ConfigError
from prill.evaluate import Comparison, compare, evaluate, exact_match, json_diff

ROWS = [
    {"id": f"row {number}", "input": f"Where is house {number}?", "expected": f"Rome {number}"} for number in range(12)
]


def answers(**wrong: str) -> Any:
    def answer(text: str) -> str:
        number = text.split()[-1].rstrip("?")
        if wrong.get(f"n{number}") == "fail":
            raise ValueError("no <b>house</b>")
        return wrong.get(f"n{number}", f"Rome {number}")

    return answer


@pytest.fixture(scope="module")
def both() -> Comparison:
    scorers = [exact_match, json_diff]
    before = evaluate(answers(n1="Oslo 1", n2="</script><script>alert(1)</script>"), ROWS, scorers, name="old prompt")
    return compare(before, evaluate(answers(n2="Bonn 2", n3="fail", n4="Rom 4"), ROWS, scorers, name="new prompt"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def test_differences_are_shown_first_and_can_be_filtered(both: Comparison, browser: Any, tmp_path: Path) -> None:
    both.write(tmp_path / "page.html")
    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        assert page.locator("#count").inner_text() == "4 of 12 rows"
        assert page.locator("article").count() == 4
        assert page.locator("article pre.bad").inner_text() == "ValueError: no <b>house</b>"
        page.select_option("#show", "better")
        assert page.locator("article h2").all_inner_texts()[0].startswith("row 1")
        page.select_option("#show", "all")
        assert page.locator("article").count() == 12
        page.fill("#search", "Bonn")
        assert page.locator("article ins").all_inner_texts()[0] == "Bonn"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "lang"), [(1280, "en"), (390, "zh")])
def test_it_fits_a_phone_in_both_languages_and_schemes(
    both: Comparison, browser: Any, tmp_path: Path, width: int, lang: Any, scheme: str
) -> None:
    both.write(tmp_path / "page.html", lang=lang)
    size = {"width": width, "height": 800}
    with opened(browser, (tmp_path / "page.html").as_uri(), viewport=size, color_scheme=scheme) as page:
        assert page.locator("label").first.inner_text().startswith("Show" if lang == "en" else "显示")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=tmp_path / f"{width}-{scheme}.png")


def test_an_unknown_language_is_refused(both: Comparison) -> None:
    with pytest.raises(ConfigError, match="lang is 'en' or 'zh'"):
        both.to_html("fr")  # type: ignore[arg-type]  # what is refused
