"""``runlet chat``: on a terminal with a real signal, and with pipes."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from runlet.cli.commands import app
from runlet.messages import messages_from_dict
from runlet.testing import Faults, ReplayServer, Reply

CTRL_C, CTRL_D = "\x03", "\x04"
_PATIENCE = 30.0

# A session's leader takes a terminal for its own, so that Ctrl-C on it is a signal. Whoever runs the tests in the
# background may have turned that signal off, which programs inherit.
_LAUNCH = """
import fcntl, os, signal, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for descriptor in 0, 1, 2:
    os.dup2(terminal, descriptor)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self.process = process
        self.screen = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt_until(self, text: str) -> str:
        """Press Ctrl-C until ``text`` is shown.

        A signal that comes in the instant before a program begins to read is seen only after the read; a person
        presses again.
        """
        for _ in range(int(_PATIENCE)):
            self.type(CTRL_C)
            if self._shows(text, 1.0):
                break
        return self.wait_for(text)

    def _shows(self, text: str, patience: float) -> bool:
        ends = time.monotonic() + patience
        while text not in self.screen:
            ready, _, _ = select.select([self._descriptor], [], [], max(ends - time.monotonic(), 0))
            if not ready:
                return False
            self.screen += self._read()
        return True

    def wait_for(self, text: str) -> str:
        """What is shown up to ``text``, which is awaited; it is not looked at again."""
        ends = time.monotonic() + _PATIENCE
        while text not in self.screen:
            ready, _, _ = select.select([self._descriptor], [], [], max(ends - time.monotonic(), 0))
            if not ready:
                pytest.fail(f"{text!r} did not come; there is {self.screen!r}")
            self.screen += self._read()
        shown, _, self.screen = self.screen.partition(text)
        return shown

    def _read(self) -> str:
        try:
            return os.read(self._descriptor, 4096).decode()
        except OSError:  # Linux: the program has left its terminal
            return pytest.fail(f"the program has ended; there is {self.screen!r}")


def command(server: ReplayServer, *options: str) -> list[str]:
    return [sys.executable, "-m", "runlet", "chat", "-m", "openai:gpt-4o", "--base-url", server.openai_url, *options]


@contextmanager
def terminal(server: ReplayServer, *options: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    launch = [sys.executable, "-c", _LAUNCH, os.ttyname(slave)]
    environment = {**os.environ, "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen([*launch, *command(server, *options)], start_new_session=True, env=environment) as process:
        try:
            yield Terminal(master, process)
        finally:
            process.kill()
            os.close(slave)
            os.close(master)


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
        screen.type("A story, please\n")
        screen.wait_for("Once upon")
        screen.type(CTRL_C)
        screen.wait_for("[stopped]")
        assert server.wait_closed(_PATIENCE)
        assert server.closed_early == 1
        screen.wait_for("> ")
        screen.type("Enough\n")
        screen.wait_for("Good night")
        screen.wait_for("> ")
        screen.type(f"/save {file}\n")
        screen.wait_for("[4 messages in ")
        screen.wait_for("> ")
        screen.type(CTRL_D)
        assert screen.process.wait(_PATIENCE) == 0
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
        screen.type("Anyone there?\n")
        assert server.wait_requests(1, _PATIENCE)
        screen.type(CTRL_C)
        screen.wait_for("[stopped]")
        screen.wait_for("> ")
        screen.type("Hello\n")
        screen.wait_for("> ")
    assert said(server.requests[1]) == [("user", "Hello")]


def test_ctrl_c_at_the_prompt_gives_up_the_line(server: ReplayServer) -> None:
    with terminal(server) as screen:
        screen.wait_for("> ")
        screen.type("half a ques")
        screen.wait_for("ques")
        screen.interrupt_until("> ")
        screen.type("exit\n")
        assert screen.process.wait(_PATIENCE) == 0
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


def test_a_cut_answer_stays_marked_and_the_chat_goes_on(server: ReplayServer, tmp_path: Path) -> None:
    file = tmp_path / "said.json"
    server.queue(Reply(["Once", " upon"], faults=Faults(cut_after_events=3)))
    ran = piped(server, f"A story\n/save {file}\n")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("Once upon\n")
    assert ran.stderr.startswith("[")
    assert "Traceback" not in ran.stderr
    last = messages_from_dict(json.loads(file.read_text()))[-1]
    assert (last.content, last.response_metadata["interrupted"]) == ("Once upon", True)


def test_debug_shows_where_an_error_came_from(server: ReplayServer) -> None:
    server.fail(401)
    assert "Traceback" in piped(server, "hello\n", "--debug").stderr


def test_a_model_of_no_known_provider_is_said_at_once() -> None:
    ran = CliRunner().invoke(app, ["chat", "-m", "gtp"])
    assert ran.exit_code == 1
    assert ran.stderr.startswith("runlet: the name 'gtp' does not tell its provider: write 'provider:gtp'.")
