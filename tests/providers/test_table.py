"""The page of providers says what the models do, in both languages."""

from __future__ import annotations

import pytest

from providers.table import LANGUAGES, Words, page
from recordings import recordings_folder

each_language = pytest.mark.parametrize("words", LANGUAGES, ids=lambda words: words.page.name)


@each_language
@pytest.mark.skipif(recordings_folder() is None, reason="needs recorded answers: set PRILL_WIRE to their folder")
def test_the_page_says_what_the_recordings_give(words: Words) -> None:
    assert words.page.read_text(encoding="utf-8") == page(words), "the page is out of date: make providers"


@each_language
def test_the_page_names_no_folder_of_the_machine_that_wrote_it(words: Words) -> None:
    text = words.page.read_text(encoding="utf-8")
    assert "/home" not in text
    assert str(words.page.parent.parent) not in text
