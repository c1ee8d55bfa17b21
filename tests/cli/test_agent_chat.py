"""``prill chat --tools``: on a terminal, where calls are approved, and with pipes, where they are not."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.terminals import CTRL_D, PATIENCE, Terminal, on_terminal

from prill.cli.agent_chat import load_tools
from prill.errors import ConfigError
from prill.messages import messages_from_dict
from prill.testing import Faults, ReplayServer, Reply

TOOLS = '''
"""Tools of a user's program."""
import threading

def weather(city: str):
    """The weather of a city."""
    yield "asking the satellite"
    yield f"sunny in {city}"

def slow(city: str) -> str:
    """Never answers by itself."""
    print("slow has started", flush=True)
    threading.Event().wait()
    return city

both = [weather, slow]
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_tools.py").write_text(TOOLS, encoding="utf-8")
    return tmp_path


def call(name: str, city: str, text: str = "") -> Reply:
    return Reply([text] if text else [], tool_calls=[{"name": name, "args": {"city": city}, "id": "c1"}])


def command(server: ReplayServer, *options: str) -> list[str]:
    tools = ["--tools", "my_tools:both"]
    return [
        *(sys.executable, "-m", "prill", "chat", "-m", "openai:gpt-4o", "--base-url", server.openai_url),
        *(*tools, *options),
    ]


def terminal(server: ReplayServer, folder: Path, *options: str) -> AbstractContextManager[Terminal]:
    return on_terminal(command(server, *options), place=folder)


def results(request: Any) -> list[str]:
    return [message["content"] for message in request.json["messages"] if message["role"] == "tool"]


def test_calls_progress_and_results_are_shown_where_nobody_is_asked(server: ReplayServer, folder: Path) -> None:
    server.queue(call("weather", "Oslo", "let me look"), Reply(["It is sunny"]))
    done = subprocess.run(
        command(server, "--yes"), input="hi\n", capture_output=True, text=True, cwd=folder, check=True, timeout=PATIENCE
    )
    assert done.stdout.splitlines() == [
        "let me look",
        "  → weather(city='Oslo')",
        "  … asking the satellite",
        "  … sunny in Oslo",
        "  ← sunny in Oslo",
        "It is sunny",
    ]


def test_another_model_has_the_same_tools(server: ReplayServer, folder: Path) -> None:
    done = subprocess.run(
        command(server, "--yes"),
        input="/tools\n/model openai:other\nhi\n",
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
        timeout=PATIENCE,
    )
    assert [line.split("  ")[0] for line in done.stderr.splitlines()] == ["weather", "slow", "[model: openai:other]"]
    assert server.requests[0].json["model"] == "other"
    assert [tool["function"]["name"] for tool in server.requests[0].json["tools"]] == ["weather", "slow"]


def test_a_call_runs_once_it_is_approved(server: ReplayServer, folder: Path) -> None:
    server.queue(call("weather", "Oslo"), Reply(["It is sunny"]))
    with terminal(server, folder) as screen:
        screen.wait_for("> ")
        screen.type("hi\r")
        screen.wait_for("Run weather(city='Oslo')? [y]es, [n]o, [e]dit: ")
        assert server.request_count == 1
        screen.type("what\r")
        screen.wait_for("Run weather(city='Oslo')?")
        screen.type("y\r")
        screen.wait_for("It is sunny")
        screen.wait_for("> ")
        screen.type(CTRL_D)
        assert screen.process.wait(PATIENCE) == 0
    assert results(server.requests[1]) == ["sunny in Oslo"]


def test_a_call_that_is_rejected_does_not_run(server: ReplayServer, folder: Path) -> None:
    server.queue(call("weather", "Oslo"), Reply(["Then not"]))
    with terminal(server, folder) as screen:
        screen.wait_for("> ")
        screen.type("hi\r")
        screen.wait_for("dit: ")
        screen.type("n\r")
        screen.wait_for("Then not")
    [result] = results(server.requests[1])
    assert "rejected" in result


def test_a_call_is_edited_before_it_runs(server: ReplayServer, folder: Path) -> None:
    server.queue(call("weather", "Oslo"), Reply(["It is sunny there"]))
    with terminal(server, folder) as screen:
        screen.wait_for("> ")
        screen.type("hi\r")
        screen.wait_for("dit: ")
        screen.type("e\r")
        screen.wait_for("New: ")
        screen.type("{Bergen}\r")
        screen.wait_for("not JSON")
        screen.wait_for("New: ")
        screen.type('{"city": "Bergen"}\r')
        screen.wait_for("It is sunny there")
    [result] = results(server.requests[1])
    assert "sunny in Bergen" in result


def test_ctrl_c_stops_a_tool_and_its_call_is_answered_before_the_next_question(
    server: ReplayServer, folder: Path
) -> None:
    server.queue(call("slow", "Oslo"), Reply(["Fine"]))
    with terminal(server, folder, "--yes") as screen:
        screen.wait_for("> ")
        screen.type("hi\r")
        screen.wait_for("slow has started")
        screen.interrupt_until("[stopped]")
        screen.wait_for("> ")
        screen.type("never mind\r")
        screen.wait_for("Fine")
    [result] = results(server.requests[1])
    assert "not run" in result or "cancelled" in result
    assert [message["role"] for message in server.requests[1].json["messages"]] == ["user", "assistant", "tool", "user"]


def test_ctrl_c_stops_an_answer_which_stays_as_far_as_it_came(server: ReplayServer, folder: Path) -> None:
    file = folder / "said.json"
    server.queue(Reply(["Once", " upon"], faults=Faults(stall_at=3)), Reply(["Good night"]))
    with terminal(server, folder) as screen:
        screen.wait_for("> ")
        screen.type("A story\r")
        screen.wait_for("Once upon")
        screen.interrupt_until("[stopped]")
        assert server.wait_closed(PATIENCE)
        screen.wait_for("> ")
        screen.type("Enough\r")
        screen.wait_for("Good night")
        screen.wait_for("> ")
        screen.type(f"/save {file}\r")
        screen.wait_for("[4 messages in ")
    messages = messages_from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert [message.text for message in messages] == ["A story", "Once upon", "Enough", "Good night"]
    assert messages[1].response_metadata["interrupted"] is True


def test_tools_are_not_run_unasked_where_nobody_can_be_asked(server: ReplayServer, folder: Path) -> None:
    done = subprocess.run(
        command(server), input="hi\n", capture_output=True, text=True, cwd=folder, check=False, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert server.request_count == 0


@pytest.mark.parametrize("place", ["no_colon", "my_missing:", ":name"])
def test_a_place_of_another_form_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match="module:name"):
        load_tools([place], [])


def test_a_name_that_the_module_does_not_have_is_an_error() -> None:
    with pytest.raises(ConfigError, match="json has no 'missing'"):
        load_tools(["json:missing"], [])
    with pytest.raises(ConfigError, match="named no tool"):
        load_tools([], [])
