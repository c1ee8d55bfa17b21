"""A conversation with a folder of texts."""

from __future__ import annotations

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented
from tests.helpers import requires


@requires("weights", "bm25s")
def test_a_follow_up_question_is_written_out_and_looked_up(examples, server):
    server.replies(answer)
    questions = ["How do bees find flowers?", "And in winter?"]
    ran = examples.run("conversational_rag", "examples/texts", typed="\n".join([*questions, ""]))
    shown = documented("conversational_rag")
    for question in questions:  # typed on a terminal, they are seen
        shown = shown.replace(f"> {question}\n", "> ")
    assert comparable(ran.stdout) == comparable(shown)

    first, rewrite, second = (request.json["messages"] for request in server.requests)
    assert [message["role"] for message in first] == ["system", "user"]
    assert rewrite[0]["content"].startswith("Write the last question")
    assert [message["content"] for message in rewrite[1:]][::2] == questions
    assert "shiver" in second[0]["content"]
