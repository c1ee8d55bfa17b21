"""Answers from PDF files, with their pages."""

from __future__ import annotations

from examples.without_a_key import ARGUMENTS, answer
from tests.examples.conftest import comparable, documented
from tests.helpers import requires


@requires("bm25s")
def test_the_pages_that_the_answer_names_are_listed(examples, server):
    server.replies(answer)
    ran = examples.run("cited_answers", "examples/handbook", ARGUMENTS["cited_answers"][1])
    assert comparable(ran.stdout) == comparable(documented("cited_answers"))
    assert "[2] (returns.pdf, page 2)\nRefunds" in server.requests[0].json["messages"][0]["content"]


@requires("bm25s")
def test_a_page_that_was_made_up_is_said_to_be(examples, server):
    server.reply("Next year [9].")
    ran = examples.run("cited_answers", "examples/handbook", typed="When do you open in Norway?\n")
    assert "[9] there is no such page" in ran.stdout
