"""``prill chat``: on a terminal with a real signal, and with pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.terminals import CTRL_D, PATIENCE, Terminal, on_terminal
from typer.testing import CliRunner, Result

from prill.cli.commands import app
from prill.messages import messages_from_dict
from prill.testing import Faults, ReplayServer, Reply


def command(server: ReplayServer, *options: str) -> list[str]:
    return [sys.executable, "-m", "prill", "chat", "-m", "openai:gpt-4o", "--base-url", server.openai_url, *options]


def terminal(server: ReplayServer, *options: str) -> AbstractContextManager[Terminal]:
    return on_terminal(command(server, *options))


def said(request: Any) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in request.json["messages"]]


def piped(server: ReplayServer, text: str, *options: str) -> Result:
    arguments = ["chat", "-m", "openai:gpt-4o", "--base-url", server.openai_url, *options]
    return CliRunner().invoke(app, arguments, input=text)


def test_ctrl_c_stops_the_answer_and_not_the_program(server: ReplayServer, tmp_path: Path) -> None:
    file = tmp_path / "said.json"
    server.queue(Reply(["Once", " upon"], faults=Faults(stall_at=3)), Reply(["Good", " night"]))
    with terminal(server) as screen:
        screen.wait_for("> ")
        screen.type("A story, please\r")
        screen.wait_for("Once upon")
        screen.interrupt_until("[stopped]")
        assert server.wait_closed(PATIENCE)
        assert server.closed_early == 1
        screen.wait_for("> ")
        screen.type("Enough\r")
        screen.wait_for("Good night")
        screen.wait_for("> ")
        screen.type(f"/save {file}\r")
        screen.wait_for("[4 messages in ")
        screen.wait_for("> ")
        screen.type(CTRL_D)
        assert screen.process.wait(PATIENCE) == 0
    assert said(server.requests[1]) == [
        ("user", "A story, please"),
        ("assistant", "Once upon"),
        ("user", "Enough"),
    ]
    marks = [m.response_metadata.get("interrupted") for m in messages_from_dict(json.loads(file.read_text()))]
    assert marks == [None, True, None, None]


def test_ctrl_c_before_the_first_piece_forgets_the_question(server: ReplayServer) -> None:
    server.queue(Reply(["never said"], faults=Faults(stall_at=0)))
    with terminal(server) as screen:
        screen.wait_for("> ")
        screen.type("Anyone there?\r")
        assert server.wait_requests(1, PATIENCE)
        screen.interrupt_until("[stopped]")
        screen.wait_for("> ")
        screen.type("Hello\r")
        screen.wait_for("> ")
    assert said(server.requests[1]) == [("user", "Hello")]


def test_ctrl_c_at_the_prompt_gives_up_the_line(server: ReplayServer) -> None:
    with terminal(server) as screen:
        screen.wait_for("> ")
        screen.type("half a ques")
        screen.wait_for("ques")
        screen.interrupt_until("> ", again=1.0)
        screen.type("exit\r")
        assert screen.process.wait(PATIENCE) == 0
    assert server.request_count == 0


def test_pipes_get_the_answers_alone(server: ReplayServer) -> None:
    text = "first thing\n\nsecond thing\n"
    ran = subprocess.run(command(server), input=text, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("first thing\nsecond thing\n", "", 0)


def test_the_history_and_the_system_message_are_sent(server: ReplayServer) -> None:
    piped(server, "one\ntwo\n", "-s", "Be brief.")
    assert said(server.requests[1]) == [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "one"),
        ("user", "two"),
    ]


def test_clear_forgets_all_but_the_system_message(server: ReplayServer) -> None:
    piped(server, "one\n/clear\ntwo\n", "--system", "Be brief.")
    assert said(server.requests[1]) == [("system", "Be brief."), ("user", "two")]


def test_exit_leaves(server: ReplayServer) -> None:
    assert piped(server, "exit\nnever asked\n").exit_code == 0
    assert server.request_count == 0


def test_an_unknown_command_shows_the_commands(server: ReplayServer) -> None:
    assert "/save FILE" in piped(server, "/what\n").stdout


def test_a_file_that_cannot_be_written_is_said_and_the_chat_goes_on(server: ReplayServer, tmp_path: Path) -> None:
    ran = piped(server, f"/save {tmp_path}/none/said.json\nstill here\n")
    assert ran.stdout == "still here\n"
    assert "No such file or directory" in ran.stderr


def test_a_cut_answer_is_forgotten_with_its_question_and_the_chat_goes_on(server: ReplayServer, tmp_path: Path) -> None:
    file = tmp_path / "said.json"
    server.queue(Reply(["Once", " upon"], faults=Faults(cut_after_events=3)))
    ran = piped(server, f"A story\nAnother\n/save {file}\n")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("Once upon\n")
    assert ran.stderr.startswith("[")
    assert "Traceback" not in ran.stderr
    kept = messages_from_dict(json.loads(file.read_text()))
    assert [message.content for message in kept if message.type == "human"] == ["Another"]
    assert not any("interrupted" in message.response_metadata for message in kept)


def test_debug_shows_where_an_error_came_from(server: ReplayServer) -> None:
    server.fail(401)
    assert "Traceback" in piped(server, "hello\n", "--debug").stderr


def test_a_model_of_no_known_provider_is_said_at_once() -> None:
    ran = CliRunner().invoke(app, ["chat", "-m", "gtp"])
    assert ran.exit_code == 1
    assert ran.stderr.startswith("prill: the provider of model 'gtp' is unknown: write 'provider:gtp'.")
