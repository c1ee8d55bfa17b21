"""An agent with tools."""

from __future__ import annotations

from examples.without_a_key import answer, call
from tests.examples.conftest import comparable, documented


def answers(request):
    return [message["content"] for message in request.json["messages"] if message["role"] == "tool"]


def test_it_prints_what_the_readme_shows(examples, server):
    server.replies(answer)
    ran = examples.run("tool_agent", "How hot is the water for green tea?", "--folder", "examples/texts")
    assert comparable(ran.stdout) == comparable(documented("tool_agent"))


def test_what_goes_wrong_is_told_to_the_model_and_after_so_many_turns_it_gives_up(examples, server):
    server.queue(
        call("read_lines", '{"path": "tea', finish_reason="length"),
        call("read_lines", {"path": "../without_a_key.py"}, {"path": "tea.md", "count": "many"}),
        call("remove", {"path": "tea.md"}),
    )
    server.replies(lambda request: call("list_files", {}))
    ran = examples.run("tool_agent", "What?", "--folder", "examples/texts", "--turns", "5", failing=True)
    cut, outside, wrong, unknown, listed = answers(server.requests[-1])
    assert cut.startswith("This was not run: the answer was cut at its token limit")
    assert outside == "there is no '../without_a_key.py' in the folder"
    assert "count: Input should be a valid integer" in wrong
    assert unknown == "This was not run: there is no such tool; there are list_files, read_lines, search"
    assert listed == "bees.md\ncats.txt\ntea.md"
    assert ran.stderr == "There is no answer after 5 turns.\n"
    assert server.request_count == 5
