"""``prill chat``: on a terminal with a real signal, and with pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
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
    assert "no command /what; /help lists them" in piped(server, "/what\n").stderr
    assert "/save FILE" in piped(server, "/help\n").stderr


def test_a_file_that_cannot_be_written_is_said_and_the_chat_goes_on(server: ReplayServer, tmp_path: Path) -> None:
    ran = piped(server, f"/save {tmp_path}/none/said.json\nstill here\n")
    assert ran.stdout == "still here\n"
    assert "No such file or directory" in ran.stderr


def test_a_cut_answer_is_forgotten_with_its_question_and_the_chat_goes_on(server: ReplayServer, tmp_path: Path) -> None:
    file = tmp_path / "said.json"
    server.queue(Reply(["Once", " upon"], faults=Faults(cut_after_events=3)))
    ran = piped(server, f"A story\nAnother\n/save {file}\n")
    assert ran.exit_code == 1  # a script that pipes should know
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


def content(request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request.json["messages"][-1]["content"]
    return found


def test_a_file_goes_with_its_question_or_with_the_next_one(server: ReplayServer, tmp_path: Path) -> None:
    picture, text = tmp_path / "a.png", tmp_path / "a.txt"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    text.write_text("words")
    ran = piped(server, f"/file {picture} What is it?\n/file {text}\nAnd this?\nThe end\n")
    assert ran.exit_code == 0
    assert [block["type"] for block in content(server.requests[0])] == ["image_url", "text"]
    assert [block.get("text") for block in content(server.requests[1])] == ["a.txt:\n\nwords\n", "And this?"]
    assert content(server.requests[2]) == "The end"


def test_a_file_is_forgotten_with_the_question_whose_answer_failed(server: ReplayServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    server.fail(401)
    assert piped(server, f"/file {tmp_path}/a.txt\nWhat is it?\nHello\n").stdout == "\nHello\n"


def test_what_was_saved_is_loaded(server: ReplayServer, tmp_path: Path) -> None:
    piped(server, f"one\n/save {tmp_path}/said.json\n", "-s", "Be brief.")
    ran = piped(server, f"/load {tmp_path}/said.json\ntwo\n")
    assert (ran.stdout, ran.stderr, ran.exit_code) == ("two\n", f"[3 messages from {tmp_path}/said.json]\n", 0)
    assert said(server.requests[1]) == [("system", "Be brief."), ("user", "one"), ("assistant", "one"), ("user", "two")]


def test_a_file_without_messages_is_not_loaded(server: ReplayServer, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    ran = piped(server, f"/load {tmp_path}/other.json\n/load\nstill here\n")
    assert (ran.stdout, ran.exit_code) == ("still here\n", 1)
    assert "does not hold messages" in ran.stderr
    assert "/load FILE: something is missing" in ran.stderr


def test_another_model_goes_on_with_the_conversation(server: ReplayServer) -> None:
    ran = piped(server, "one\n/model openai:other\ntwo\n/model\n/model nonsense:x\n", "--temperature", "0.5")
    assert [request.json["model"] for request in server.requests] == ["gpt-4o", "other"]
    assert [request.json["temperature"] for request in server.requests] == [0.5, 0.5]
    assert [text for _, text in said(server.requests[1])] == ["one", "one", "two"]
    assert ran.stderr.count("[model: openai:other]") == 2
    assert "unknown provider 'nonsense'" in ran.stderr


def test_a_model_without_a_key_is_not_chosen(server: ReplayServer) -> None:
    ran = piped(server, "/model anthropic:claude-haiku-4-5\none\n")
    assert "ANTHROPIC_API_KEY" in ran.stderr
    assert server.requests[0].json["model"] == "gpt-4o"


def test_a_question_may_start_with_a_slash(server: ReplayServer) -> None:
    assert piped(server, "/etc/hosts is what?\n").stdout == "/etc/hosts is what?\n"


def test_pipes_get_no_thinking_and_a_note_where_the_limit_cut_an_answer(server: ReplayServer) -> None:
    server.queue(Reply(["It is"], thinking=["hm"], finish_reason="length"))
    ran = piped(server, "hi\n")
    assert (ran.stdout, ran.exit_code) == ("It is\n", 0)
    assert ran.stderr == "[the answer is cut: it reached the limit of tokens]\n"


def test_ctrl_c_ends_a_piped_chat_with_its_status(server: ReplayServer) -> None:
    server.queue(Reply(["Once", " upon"], faults=Faults(stall_at=3)))
    with subprocess.Popen(command(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("A story\n")
        process.stdin.flush()
        assert process.stdout.read(4) == "Once"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_a_reader_that_leaves_ends_a_piped_chat_without_a_word(server: ReplayServer) -> None:
    lines = "".join(f"question {number}\n" for number in range(200))
    with subprocess.Popen(
        command(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines)
        process.stdin.flush()
        assert process.stdout.readline() == "question 0\n"
        process.stdout.close()
        _, complaints = process.communicate(timeout=PATIENCE)
    assert complaints == ""
    assert server.request_count < 200


def test_without_a_model_it_is_said_which_keys_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.cli.start_chat.find_model", lambda *_, **__: None)  # this machine may have a model
    ran = CliRunner().invoke(app, ["chat", "--lang", "zh"], input="never read\n")
    assert ran.exit_code == 2
    assert "OPENAI_API_KEY" in ran.stderr
