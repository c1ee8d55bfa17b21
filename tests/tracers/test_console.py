import asyncio
import builtins
import io

import pytest
from rich.console import Console

from prill.errors import MissingDependencyError
from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda, RunnableParallel
from prill.tracers import ConsoleCallbackHandler
from prill.tracers.console import seconds

ANSWER = ChatPromptTemplate.from_template("{x}") | FakeListChatModel(responses=["abc"]) | StrOutputParser()
BOTH = RunnableParallel(one=ANSWER, two=ANSWER)


def screen(width=120, terminal=False):
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)


def shown(console):
    return console.file.getvalue()


def test_a_tree_is_printed_when_the_run_has_ended():
    console = screen()
    ANSWER.invoke({"x": "hi"}, {"callbacks": [ConsoleCallbackHandler(console)]})
    lines = [line.rstrip() for line in shown(console).splitlines()]
    assert lines[0].split() == ["step", "time", "first", "chunk", "chunks/s", "tokens"]
    assert lines[1].startswith("✓ RunnableSequence ")
    assert [line[:24].rstrip() for line in lines[2:]] == [
        "├─ ✓ ChatPromptTemplate",
        "├─ ✓ FakeListChatModel",
        "└─ ✓ StrOutputParser",
    ]


def test_parallel_branches_of_a_stream_in_either_colour():
    async def main(handler):
        return [chunk async for chunk in BOTH.astream({"x": "hi"}, {"callbacks": [handler]})]

    for run in (
        lambda handler: list(BOTH.stream({"x": "hi"}, {"callbacks": [handler]})),
        lambda handler: asyncio.run(main(handler)),
    ):
        console = screen()
        run(ConsoleCallbackHandler(console))
        text = shown(console)
        assert text.count("✓ FakeListChatModel") == 2
        assert text.count("│  └─ ✓ StrOutputParser") == text.count("   └─ ✓ StrOutputParser") == 1
        assert "━" in text


def test_errors_are_told_below_the_tree_once():
    def fails(x):
        raise ValueError("what went wrong")

    console = screen()
    with pytest.raises(ValueError, match="what went wrong"):
        (RunnableLambda(str) | fails).invoke(1, {"callbacks": [ConsoleCallbackHandler(console)]})
    lines = shown(console).splitlines()
    assert lines[1].startswith("✗ RunnableSequence")
    assert lines[-1].rstrip() == "✗ fails  ValueError: what went wrong"
    assert shown(console).count("what went wrong") == 1


def test_names_with_markup_are_shown_as_they_are():
    console = screen()
    RunnableLambda(str).with_config(run_name="[bold]x[/]").invoke(1, {"callbacks": [ConsoleCallbackHandler(console)]})
    assert "✓ [bold]x[/]" in shown(console)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width):
    console = screen(width)
    step = RunnableLambda(str).with_config(run_name="a step with quite a long name " * 3)
    step.invoke(1, {"callbacks": [ConsoleCallbackHandler(console)]})
    lines = shown(console).splitlines()
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 2


def test_in_a_terminal_the_tree_is_drawn_while_the_run_goes_on():
    console = screen(terminal=True)
    handler = ConsoleCallbackHandler(console)
    stream = ANSWER.stream({"x": "hi"}, {"callbacks": [handler]})
    next(stream)
    assert handler._live is not None
    handler._live.refresh()
    assert "… FakeListChatModel" in shown(console)
    list(stream)
    assert handler._live is None
    assert "✓ FakeListChatModel" in shown(console)


def test_several_runs_at_once_share_the_terminal():
    console = screen(terminal=True)
    handler = ConsoleCallbackHandler(console)
    streams = [ANSWER.stream({"x": "hi"}, {"callbacks": [handler]}) for _ in range(3)]
    for stream in streams:
        next(stream)
    for stream in streams:
        stream.close()
    assert handler._live is None
    assert handler._roots == []
    assert shown(console).count("■ RunnableSequence") >= 3


def test_without_rich_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"prill\[cli\]"):
        ConsoleCallbackHandler()


@pytest.mark.parametrize(
    ("time", "text"),
    [(0.0000421, "42 µs"), (0.00123, "1.23 ms"), (0.64, "640 ms"), (1.0, "1 s"), (12.34, "12.3 s"), (123.4, "123 s")],
)
def test_times_are_written_in_about_three_digits(time, text):
    assert seconds(time) == text
