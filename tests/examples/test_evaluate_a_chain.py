"""Two prompts, scored and compared."""

from __future__ import annotations

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented


def test_it_prints_what_the_readme_shows_and_writes_the_page(examples, server):
    server.replies(answer)
    ran = examples.run("evaluate_a_chain")
    assert comparable(ran.stdout) == comparable(documented("evaluate_a_chain"))
    assert "chatty → bare" in (examples.place / "changes.html").read_text(encoding="utf-8")
