"""Reviews are labelled, though the program is killed in the middle."""

from __future__ import annotations

from tests.examples.conftest import documented


def test_it_prints_what_the_readme_shows_and_reports_what_was_done(examples):
    ran = examples.run("label_reviews", "--rows", "400")
    assert ran.stdout == documented("label_reviews").replace("10000", "400").replace("5000", "200")
    assert "400 done (" in ran.stderr
    assert "rows/s; " in ran.stderr
    assert "cost 0.0" in ran.stderr
