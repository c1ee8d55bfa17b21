"""Agents: sub-agents, approval in the terminal, tools of a server."""

from __future__ import annotations

import json
from typing import Any

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented
from tests.helpers import require
from tests.terminals import PATIENCE


def results(request: Any) -> list[str]:
    return [message["content"] for message in request.json["messages"] if message["role"] == "tool"]


def typed(shown: str, *answers: str) -> str:
    """What a person sees: the answers that were typed stand behind their questions."""
    for given in answers:
        shown = shown.replace("May I? ", f"May I?\0 {given}\n", 1)
    return shown.replace("\0", "")


def test_each_agent_speaks_under_its_name(examples, server):
    server.replies(answer)
    ran = examples.run("research_agents", "What do bees and cats have in common?", "--folder", "examples/texts")
    assert comparable(ran.stdout.lstrip("\n")) == comparable(documented("research_agents"))


def test_calls_are_made_as_far_as_they_are_approved(examples, server):
    server.replies(answer)
    ran = examples.run("approve_in_the_terminal", typed="y\nnot Bob\n")
    shown, expected = comparable(typed(ran.stdout, "y", "not Bob")), comparable(documented("approve_in_the_terminal"))
    assert sorted(shown) == sorted(expected)  # results come in the order in which the calls end
    assert sum("not Bob" in result for result in results(server.requests[-1])) == 1


def test_a_program_that_was_killed_asks_again_and_does_nothing_twice(examples, server):
    server.replies(answer)
    with examples.on_terminal("approve_in_the_terminal") as screen:
        screen.wait_for("May I? ")
        screen.process.kill()
        screen.process.wait(PATIENCE)
    asked = server.request_count
    ran = examples.run("approve_in_the_terminal", "--resume", typed="y\ny\n")
    assert ran.stdout.count("sent to ada@example.org") == ran.stdout.count("sent to bob@example.org") == 1
    assert "find_address" not in ran.stdout
    assert server.request_count == asked + 1
    assert "Ada and Bob know." in ran.stdout


def test_tools_of_a_server_are_called(examples, server):
    require("mcp-server-time")
    server.replies(answer)
    ran = examples.run("tools_of_a_server", "What time is it in Tokyo when it is noon in Oslo?")
    assert comparable(ran.stdout) == comparable(documented("tools_of_a_server"))
    assert json.loads(results(server.requests[-1])[0])["target"]["timezone"] == "Asia/Tokyo"
