"""``prill chat`` in a real terminal: several lines, pasted and typed ahead, thinking, narrow screens, Chinese."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest
from tests.helpers import requires
from tests.tmux import PATIENCE, Pane, in_tmux

from prill.testing import Faults, ReplayServer, Reply, SeenRequest

pytestmark = requires("tmux")

Chat = Callable[..., AbstractContextManager[Pane]]
WIDTHS = pytest.mark.parametrize("columns", [40, 120])


@pytest.fixture
def chat(server: ReplayServer) -> Chat:
    def start(*options: str, columns: int = 120, place: Path | None = None) -> AbstractContextManager[Pane]:
        command = [sys.executable, "-m", "prill", "chat", "-m", "openai:gpt-4o", "--base-url", server.openai_url]
        return in_tmux([*command, *options], columns=columns, place=place)

    return start


def last_question(server: ReplayServer) -> str:
    return str(server.requests[-1].json["messages"][-1]["content"])


@WIDTHS
def test_pasted_lines_are_one_message(server: ReplayServer, chat: Chat, columns: int) -> None:
    server.reply("I see")
    with chat(columns=columns) as pane:
        assert pane.wait_for(">") == ["openai:gpt-4o", "/help lists the commands, Ctrl-D leaves.", ">"]
        pane.paste("def f():\n\treturn 1\n\nWhat is this?")
        pane.wait_for("> def f():", "      return 1", "  What is this?")
        pane.press("Enter")
        pane.wait_for("  What is this?", "I see", ">")
    assert last_question(server) == "def f():\n\treturn 1\n\nWhat is this?"


def test_alt_enter_and_a_backslash_start_a_new_line(server: ReplayServer, chat: Chat) -> None:
    server.reply("I see")
    with chat() as pane:
        pane.wait_for(">")
        pane.type("one")
        pane.press("M-Enter")
        pane.type("two\\")
        pane.press("Enter")
        pane.say("three")
        pane.wait_for("> one", "  two", "  three", "I see", ">")
    assert last_question(server) == "one\ntwo\nthree"


def test_a_file_goes_with_a_question_of_several_lines(server: ReplayServer, chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").write_text("words")
    server.reply("I see")
    with chat(place=tmp_path) as pane:
        pane.wait_for(">")
        pane.paste("/file my notes.txt\nWhat\nis this?")
        pane.wait_for("  is this?")
        pane.press("Enter")
        pane.wait_for("I see", ">")
    blocks = server.requests[0].json["messages"][0]["content"]
    assert [block["text"] for block in blocks] == ["my notes.txt:\n\nwords\n", "What\nis this?"]


@WIDTHS
def test_what_is_typed_while_an_answer_runs_is_in_the_next_prompt(
    server: ReplayServer, chat: Chat, columns: int
) -> None:
    server.queue(Reply(["Once", " upon"], faults=Faults(stall_at=3)), Reply(["Good night"]))
    with chat(columns=columns) as pane:
        pane.wait_for(">")
        pane.say("A story")
        pane.wait_for("> A story", "Once upon")
        pane.type("第一行 and")
        pane.paste(" more\nlines")
        stopped = ["> A story", "Once upon", "[stopped]", "> 第一行 and more", "  lines"]
        pane.interrupt_until(lambda lines: lines[-5:] == stopped)
        pane.press("Enter")
        pane.wait_for("Good night", ">")
    assert last_question(server) == "第一行 and more\nlines"


def test_what_was_typed_before_a_call_is_asked_about_does_not_approve_it(
    server: ReplayServer, chat: Chat, tmp_path: Path
) -> None:
    (tmp_path / "my_tools.py").write_text(
        'def weather(city: str) -> str:\n    """The weather."""\n    return "sunny"\n'
    )
    typed = Event()

    def answer(request: SeenRequest) -> Reply:
        if request.json["messages"][-1]["role"] == "tool":
            return Reply(["It is sunny"])
        if "y" in request.json["messages"][-1]["content"]:
            return Reply(["As you say"])
        assert typed.wait(PATIENCE)
        return Reply(tool_calls=[{"name": "weather", "args": {"city": "Oslo"}}])

    server.replies(answer)
    with chat("--tools", "my_tools:weather", place=tmp_path) as pane:
        pane.wait_for(">")
        pane.say("hi")
        assert server.wait_requests(1, PATIENCE)
        pane.say("y")
        pane.lines()  # tmux has written the keys once it answers this
        typed.set()
        pane.wait_for("Run weather(city='Oslo')? [y]es, [n]o, [e]dit:")
        pane.say("no")
        pane.wait_for("It is sunny", "> y", "As you say", ">")
    [result] = [message for message in server.requests[1].json["messages"] if message["role"] == "tool"]
    assert "rejected" in result["content"]


def test_thinking_is_dimmed_and_a_cut_answer_says_so(server: ReplayServer, chat: Chat) -> None:
    server.queue(Reply(["It is", " 4"], thinking=["2 and", " 2"], finish_reason="length"))
    with chat() as pane:
        pane.wait_for(">")
        pane.say("2 and 2?")
        pane.wait_for("Thinking: 2 and 2", "It is 4", "[the answer is cut: it reached the limit of tokens]", ">")
        styled = pane.lines(styled=True)
    assert [line for line in styled if "Thinking" in line] == ["\x1b[2mThinking: 2 and 2"]
    assert any(line.startswith("\x1b[0m") and line.endswith("It is 4") for line in styled), styled


def test_an_answer_cannot_write_control_codes(server: ReplayServer, chat: Chat) -> None:
    server.reply("\x1b[2Jclean\x07 \x9b31mtext")
    with chat() as pane:
        pane.wait_for(">")
        pane.say("hi")
        pane.wait_for("> hi", "[2Jclean 31mtext", ">")


def test_the_interface_is_chinese_on_a_narrow_screen(server: ReplayServer, chat: Chat) -> None:
    server.queue(Reply(["小溪流" * 14], finish_reason="length"))
    with chat("--lang", "zh", columns=40) as pane:
        assert pane.wait_for(">") == ["openai:gpt-4o", "/help 列出命令，Ctrl-D 退出。", ">"]
        pane.say("什么是普里尔？请用一句很长很长很长的话来回答")
        pane.wait_for(
            *("> 什么是普里尔？请用一句很长很长很长的话", "  来回答"),
            *(("小溪流" * 14)[:20], ("小溪流" * 14)[20:40], "流小溪流"[-2:]),
            *("[回答不完整：达到了 token 上限]", ">"),
        )
        pane.say("/help")
        shown = pane.wait(lambda lines: "Ctrl-D" in lines[-2])
    assert any(line.split() == ["/save", "文件", "把对话写成", "JSON", "文件"] for line in shown), shown


def test_history_is_kept_between_chats_without_keys(
    server: ReplayServer, chat: Chat, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-another-form")
    with chat() as pane:
        pane.wait_for(">")
        for question in ("first", "is a-key-of-another-form right?", "and sk-123456789abcdef?"):
            pane.say(question)
            pane.wait_for(f"> {question}", question, ">")
        pane.press("C-d")
        assert pane.wait_exit() == 0
    file = state_folder / "chat-history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [line for line in file.read_text().splitlines() if line.startswith("+")] == ["+first"]
    with chat() as pane:
        pane.wait_for(">")
        pane.press("Up")
        pane.wait_for("> first")


def test_the_terminal_is_as_before_when_the_chat_ends(server: ReplayServer) -> None:
    command = f"{sys.executable} -m prill chat -m openai:gpt-4o --base-url {server.openai_url}; stty -a"
    with in_tmux(["sh", "-c", command]) as pane:
        pane.wait_for(">")
        pane.say("exit")
        assert pane.wait_exit() == 0
        words = {word.rstrip(";") for word in " ".join(pane.lines()).split()}
    assert {"echo", "icanon", "icrnl", "isig", "-noflsh"} <= words
