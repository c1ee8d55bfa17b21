"""The line editor of the chat: several lines, pasted text, and what was typed in earlier chats."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prill.callbacks.secrets import is_secret_name
from prill.cli.terminal_mode import mark_pasted_text
from prill.errors import MissingDependencyError

try:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory
    from prompt_toolkit.input import create_input
    from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.layout.processors import TabsProcessor
    from prompt_toolkit.output import create_output
except ImportError as error:
    raise MissingDependencyError("prill chat needs prompt-toolkit: pip install 'prill[cli]'") from error

PROMPT = "> "
_KEY = re.compile(r"\b(sk-|gsk_|hf_|xai-|pplx-|nvapi-|AIza|AKIA)[\w-]{12,}")
"""How providers' keys start."""
_SHORTEST_SECRET = 8


class Editor:
    """Reads messages at a terminal.

    Args:
        secrets: returns texts that are not written to the file of what was typed; keys of the environment are not
            written either.
        complain: is called with an error where that file cannot be used; then what is typed is kept in memory.
    """

    def __init__(self, secrets: Callable[[], list[str]], complain: Callable[[OSError], object]) -> None:
        self._input = create_input(always_prefer_tty=False)
        more: dict[str, Any] = {"input": self._input}
        if not sys.stdout.isatty():  # it is written to a file, say; the editor is on the terminal all the same
            more["output"] = create_output(always_prefer_tty=True)
        self._messages: PromptSession[str] = PromptSession(
            history=open_history(secrets, complain),
            key_bindings=_make_keys(),
            multiline=True,
            prompt_continuation=" " * len(PROMPT),
            reserve_space_for_menu=0,
            input_processors=[TabsProcessor(char1=" ", char2=" ")],
            **more,
        )
        self._answers: PromptSession[str] = PromptSession(history=InMemoryHistory(), reserve_space_for_menu=0, **more)

    def read(self) -> str:
        """Return the next message.

        Raises:
            EOFError: Ctrl-D was pressed.
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        try:
            return self._messages.prompt(PROMPT)
        finally:
            mark_pasted_text()

    def ask(self, question: str) -> str:
        """Return the answer to a question of the program. What was typed before it was asked is not the answer.

        Raises:
            KeyboardInterrupt: Ctrl-C or Ctrl-D was pressed.
        """
        typed = [*get_typeahead(self._input), *self._input.read_keys(), *self._input.flush_keys()]
        try:
            return self._answers.prompt(question)
        except EOFError:
            raise KeyboardInterrupt from None
        finally:
            store_typeahead(self._input, typed)
            mark_pasted_text()


def _make_keys() -> KeyBindings:
    """Enter sends; Alt+Enter, and Enter behind a backslash, start a new line."""
    keys = KeyBindings()

    @keys.add("enter")
    def send(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.document.char_before_cursor == "\\":
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def start_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class PrivateHistory(FileHistory):
    """What was typed, in a file that its owner alone may read, without lines that hold a key."""

    def __init__(self, path: Path, secrets: Callable[[], list[str]]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        super().__init__(path)
        self._secrets = secrets

    def store_string(self, string: str) -> None:
        """Write what was typed to the file, unless a key is in it."""
        known = (text for text in (*self._secrets(), *_secrets_of_environment()) if len(text) >= _SHORTEST_SECRET)
        if not _KEY.search(string) and not any(text in string for text in known):
            super().store_string(string)


def open_history(secrets: Callable[[], list[str]], complain: Callable[[OSError], object]) -> History:
    """Return the history in the user's folder, or one in memory if that cannot be used."""
    try:
        return PrivateHistory(state_folder() / "chat-history", secrets)
    except OSError as error:
        complain(error)
        return InMemoryHistory()


def state_folder() -> Path:
    """The folder for what programs of this user keep: https://specifications.freedesktop.org/basedir-spec/latest/"""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "prill"


def _secrets_of_environment() -> Iterator[str]:
    return (value for name, value in os.environ.items() if is_secret_name(name.lower()))
