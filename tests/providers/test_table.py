"""The page of providers says what the models do."""

from __future__ import annotations

import pytest

from providers.table import PAGE, page
from runlet.testing import recordings_folder


@pytest.mark.skipif(recordings_folder() is None, reason="needs recorded answers: set RUNLET_WIRE to their folder")
def test_the_page_says_what_the_recordings_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "the page is out of date: make providers"


def test_the_page_names_no_folder_of_the_machine_that_wrote_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "/home" not in text
    assert str(PAGE.parent.parent) not in text
