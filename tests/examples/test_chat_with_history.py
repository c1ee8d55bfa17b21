"""A chat that remembers."""

from __future__ import annotations

from typing import Any

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented
from tests.terminals import CTRL_D, PATIENCE

from prill.testing import Faults, Reply


def said(request: Any) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in request.json["messages"]]


def test_ctrl_c_stops_the_answer_which_is_kept_as_interrupted(examples, server):
    server.queue(Reply(["Good to meet you, Ada! ", "What are", " you"], faults=Faults(stall_at=3)))
    server.replies(answer)
    with examples.on_terminal("chat_with_history") as screen:
        shown = screen.wait_for("> ") + "> "
        screen.type("My name is Ada.\n")
        shown += screen.wait_for("What are") + "What are"
        shown += screen.interrupt_until("[stopped]") + "[stopped]"
        assert server.wait_closed(PATIENCE)
        assert server.closed_early == 1
        shown += screen.wait_for("> ") + "> "
        screen.type("What is my name?\n")
        shown += screen.wait_for("> ") + "> "
        screen.type(CTRL_D)
        assert screen.process.wait(PATIENCE) == 0
    assert comparable(shown.replace("^C", "")) == comparable(documented("chat_with_history"))
    assert said(server.requests[1])[1:] == [
        ("user", "My name is Ada."),
        ("assistant", "Good to meet you, Ada! What are"),
        ("user", "What is my name?"),
    ]
    next_start = examples.run("chat_with_history").stdout
    assert next_start.startswith("> My name is Ada.\nGood to meet you, Ada! What are [stopped]\n> What is my name?\n")


def test_sessions_are_kept_apart_and_an_error_does_not_end_one(examples, server):
    server.fail(401)
    first = examples.run("chat_with_history", typed="one\ntwo\n")
    assert "[openai answered 401" in first.stdout
    examples.run("chat_with_history", "--session", "work", typed="three\n")
    assert [said(request)[1:] for request in server.requests[1:]] == [[("user", "two")], [("user", "three")]]
