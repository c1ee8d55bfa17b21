"""What is written about the examples: the same in both languages and on the site, and nothing is left out."""

from __future__ import annotations

import re

import pytest
from examples.without_a_key import ARGUMENTS
from tests.examples.conftest import EXAMPLES

DOCS = EXAMPLES.parent / "docs"
README, CHINESE = EXAMPLES / "README.md", EXAMPLES / "README.zh-CN.md"


def blocks(text: str) -> list[str]:
    """What is printed, and how programs are run."""
    return re.findall(r"^```(?:text\n|sh\n(?=curl|jupyter|python \S+ [^-])).*?^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
def test_each_example_has_its_section_and_its_words(page):
    there = [path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")]
    sections = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(set(there) - {"without_a_key.py"})
    assert [section.partition(".")[0] for section in sections] == list(ARGUMENTS)


def test_both_languages_show_the_same_programs_printing_the_same():
    english, chinese = (blocks(page.read_text(encoding="utf-8")) for page in (README, CHINESE))
    assert english == chinese
    assert len(english) > 10


@pytest.mark.parametrize(("page", "copy"), [(README, "examples.md"), (CHINESE, "examples.zh.md")])
def test_the_site_says_what_the_readme_says(page, copy):
    assert (DOCS / copy).read_text(encoding="utf-8") == page.read_text(encoding="utf-8")
