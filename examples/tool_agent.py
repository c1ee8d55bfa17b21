"""An agent that looks through a folder to answer a question: the model calls tools, the program runs them, in turns.

    python examples/tool_agent.py "What is this project about?"
    python examples/tool_agent.py "Where is the version written down?" --folder src --turns 12

Tools are typed functions; their progress is shown while they work. What goes wrong in one is told to the model, and so
are wrong arguments. A call that was cut short is never run. After so many turns the program gives up.
"""

import argparse
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

from prill import AIMessage, BaseMessage, HumanMessage, PrillError, SystemMessage, ToolMessage, init_chat_model
from prill.messages import InvalidToolCall, ToolCall, message_chunk_to_message
from prill.runnables import add
from prill.tools import BaseTool, StructuredTool, ToolException

SYSTEM = "Answer questions about a folder. Look into it with your tools first. Paths are relative to the folder."


def main() -> None:
    options = read_options()
    tools = {tool.name: tool for tool in make_tools(options.folder.resolve())}
    model = init_chat_model(options.model).bind_tools(list(tools.values()))
    messages: list[BaseMessage] = [SystemMessage(SYSTEM), HumanMessage(options.question)]
    for _ in range(options.turns):
        answer: AIMessage = message_chunk_to_message(add(shown(model.stream(messages))))
        messages.append(answer)
        if not answer.tool_calls and not answer.invalid_tool_calls:
            return
        messages += [run(tools, call) for call in answer.tool_calls]
        messages += [refuse(call, str(call["error"])) for call in answer.invalid_tool_calls]
    sys.exit(f"There is no answer after {options.turns} turns.")


def shown(chunks: Iterable[AIMessage]) -> Iterator[AIMessage]:
    spoke = False
    for chunk in chunks:
        print(chunk.text, end="", flush=True)
        spoke = spoke or bool(chunk.text)
        yield chunk
    if spoke:
        print()


def run(tools: dict[str, BaseTool], call: ToolCall) -> ToolMessage:
    """Run a call. The stream of a tool is its progress, and at its end the message for the model."""
    print(f"→ {call['name']} {call['args']}")
    tool = tools.get(call["name"])
    if tool is None:
        return refuse(call, f"there is no such tool; there are {', '.join(tools)}")
    for chunk in tool.stream(call):
        if isinstance(chunk, ToolMessage):
            print(f"  {chunk.status}: {shorten(chunk.text, 90)}")
            return chunk
        print(f"  {chunk}")
    raise AssertionError("a stream of a tool ends with its message")


def refuse(call: ToolCall | InvalidToolCall, why: str) -> ToolMessage:
    print(f"✗ {call['name']}: {why}")
    return ToolMessage(f"This was not run: {why}", tool_call_id=call["id"], status="error")


def make_tools(folder: Path) -> list[BaseTool]:
    def inside(path: str) -> Path:
        found = (folder / path).resolve()
        if not found.is_relative_to(folder) or not found.exists():
            raise ToolException(f"there is no {path!r} in the folder")
        return found

    def list_files(path: str = ".") -> str:
        """List what is in a folder; the names of folders end with a slash."""
        return "\n".join(sorted(each.name + "/" * each.is_dir() for each in inside(path).iterdir()))

    def read_lines(path: str, first: int = 1, count: int = 50) -> str:
        """Read some lines of a text file.

        Args:
            path: the file.
            first: the number of the first line, from 1.
            count: how many lines.
        """
        lines = inside(path).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[first - 1 : first - 1 + count])

    def search(text: str) -> Generator[str, None, str]:
        """Search all files for a text. A hit is the file, the number of the line, and the line."""
        hits: list[str] = []
        found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = [path for path in found if "/." not in f"/{path.relative_to(folder).as_posix()}"]
        for number, path in enumerate(files, 1):
            for line_number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if text in line:
                    hits.append(f"{path.relative_to(folder)}:{line_number}: {line.strip()}")
            if number % 100 == 0 or number == len(files):
                yield f"{number} of {len(files)} files, {len(hits)} hits"
        return "\n".join(hits[:50]) or "no hits"

    functions: list[Callable[..., Any]] = [list_files, read_lines, search]
    return [
        StructuredTool.from_function(function, handle_tool_error=True, handle_validation_error=True)
        for function in functions
    ]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Answer a question about a folder.")
    parser.add_argument("question")
    parser.add_argument("--folder", type=Path, default=Path(), help="where it may look (the current one)")
    parser.add_argument("--turns", type=int, default=8, help="how often the model may speak (%(default)s)")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except PrillError as error:
        sys.exit(str(error))
