"""The pages about the documents say what becomes of their blocks."""

from __future__ import annotations

import pytest

from seeds.outcomes import Outcome
from seeds.table import CHINESE, ENGLISH, FOLDER, Words, page


def test_the_pages_say_what_becomes_of_the_blocks(ran: list[list[Outcome]]) -> None:
    for words in (ENGLISH, CHINESE):
        written = (FOLDER / words.page).read_text(encoding="utf-8")
        assert written == page(words, ran), "the page is out of date: make seeds-table"


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_a_page_names_no_folder_of_the_machine_that_wrote_it(words: Words) -> None:
    text = (FOLDER / words.page).read_text(encoding="utf-8")
    assert "/home" not in text
    assert str(FOLDER.parent) not in text
