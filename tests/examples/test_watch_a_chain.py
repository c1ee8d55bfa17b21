"""A chain seen from inside."""

from __future__ import annotations

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented


def test_it_prints_what_the_readme_shows_and_draws_it(examples, server):
    server.replies(answer)
    server.pace = 0.01
    question = "Should a small team write its own database?"
    ran = examples.run("watch_a_chain", question, "--picture", "debate.svg")
    assert comparable(ran.stdout) == comparable(documented("watch_a_chain"))
    picture = (examples.place / "debate.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert all(f">{name}<" in picture for name in (question, "for", "against", "verdict"))
