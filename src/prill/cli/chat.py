"""An interactive chat: answers stream, Ctrl-C stops an answer and not the program."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from prill.errors import PrillError
from prill.language_models import BaseChatModel
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    merge_chunks,
    message_chunk_to_message,
    messages_to_dict,
)

_HELP = """\
/clear       forget what was said
/save FILE   write what was said to FILE, as JSON that prill.messages.messages_from_dict reads
/help        this
exit         leave; so does Ctrl-D
"""
_PROMPT = "> "


class Chat:
    """A conversation with ``model`` on standard input and output.

    An answer that Ctrl-C stopped stays in ``messages`` as far as it came, with ``"interrupted": True`` in its
    ``response_metadata``. A question whose answer failed, or to which none arrived at all, is forgotten.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None, debug: bool = False) -> None:
        self.model = model
        self.messages: list[BaseMessage] = []
        self._start: list[BaseMessage] = [] if system is None else [SystemMessage(system)]
        self._debug = debug
        self._at_terminal = sys.stdin.isatty()
        self.clear()

    def run(self, name: str) -> None:
        """Ask and answer until the input ends."""
        if self._at_terminal:
            with suppress(ImportError):  # not on Windows: there the console edits lines
                import_module("readline")
            print(f"{name}. Ctrl-C stops an answer, Ctrl-D leaves, /help lists the commands.")
        for line in self._lines():
            command, _, rest = line.partition(" ")
            if line in ("exit", "quit", "/exit", "/quit"):
                return
            if command.startswith("/"):
                self._command(command, rest.strip())
            else:
                self.ask(line)

    def clear(self) -> None:
        """Forget everything but the system message."""
        self.messages[:] = self._start

    def save(self, path: Path) -> None:
        """Write the messages as JSON."""
        text = json.dumps(messages_to_dict(self.messages), ensure_ascii=False, indent=2)
        path.write_text(f"{text}\n", encoding="utf-8")

    def ask(self, question: str) -> None:
        """Print the answer to ``question`` while it arrives, and remember both."""
        chunks: list[AIMessageChunk] = []
        self.messages.append(HumanMessage(question))
        stream: Any = self.model.stream(self.messages)
        try:
            for chunk in stream:
                chunks.append(chunk)
                print(chunk.text, end="", flush=True)
        except KeyboardInterrupt:
            if not self._at_terminal:
                raise  # nobody is there to ask the next question
            self._remember(chunks, interrupted=True)
            print("\n[stopped]")
        except PrillError as error:
            self._remember([], interrupted=True)
            print(flush=True)
            self._complain(error)
        else:
            self._remember(chunks, interrupted=False)
            print(flush=True)
        finally:
            stream.close()

    def _remember(self, chunks: list[AIMessageChunk], *, interrupted: bool) -> None:
        if interrupted and not any(chunk.content for chunk in chunks):
            self.messages.pop()  # providers refuse an empty answer, and two questions in a row
            return
        message = message_chunk_to_message(merge_chunks(chunks)) if chunks else AIMessage("")
        if interrupted:
            message.response_metadata["interrupted"] = True
        self.messages.append(message)

    def _lines(self) -> Iterator[str]:
        """The lines that say something, until the end of the input."""
        while True:
            try:
                line = input(_PROMPT if self._at_terminal else "").strip()
            except EOFError:
                if self._at_terminal:
                    print()
                return
            except KeyboardInterrupt:
                if not self._at_terminal:
                    raise
                print()  # the line is given up, not the program
                continue
            if line:
                yield line

    def _command(self, command: str, argument: str) -> None:
        if command == "/clear":
            self.clear()
        elif command == "/save" and argument:
            try:
                self.save(Path(argument).expanduser())
            except OSError as error:
                self._complain(error)
            else:
                print(f"[{len(self.messages)} messages in {argument}]")
        else:
            print(_HELP, end="")

    def _complain(self, error: Exception) -> None:
        if self._debug:
            traceback.print_exception(error)
        print(f"[{error}]", file=sys.stderr, flush=True)
