"""Asking a folder."""

from __future__ import annotations

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented


def test_answers_rest_on_the_passages_found_and_later_starts_embed_what_is_new(examples, server):
    texts = examples.place / "examples" / "texts"
    server.replies(answer)
    first = examples.run("rag_over_a_folder", "examples/texts", "How long do cats sleep?")
    assert comparable(first.stdout) == comparable(documented("rag_over_a_folder"))
    assert "[1] Cats sleep for twelve to sixteen hours" in server.requests[0].json["messages"][0]["content"]

    (texts / "tea.md").unlink()
    (texts / "cats.txt").write_text("Cats like boxes.")
    second = examples.run("rag_over_a_folder", "examples/texts", typed="What do cats like?\n")
    assert second.stdout.startswith("1 added, 0 updated, 1 skipped, 2 deleted\n")
    assert "[1] cats.txt: Cats like boxes.\n" in second.stdout

    (texts / ".index" / "index.json").unlink()  # as after a start that was killed before it could save
    third = examples.run("rag_over_a_folder", "examples/texts", "What do cats like?")
    assert third.stdout.startswith("0 added, 2 updated, 0 skipped, 0 deleted\n")
    assert "[1] cats.txt: Cats like boxes.\n" in third.stdout
