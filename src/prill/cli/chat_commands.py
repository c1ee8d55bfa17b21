"""The commands inside a chat: ``/file``, ``/model``, ``/tools``, ``/save``, ``/load``, ``/clear``, ``/help``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prill.cli.attachments import read_attachment, split_path
from prill.cli.chat import Chat
from prill.errors import ConfigError, PrillError
from prill.messages import messages_from_dict, messages_to_dict

_COMMAND = re.compile(r"(?s:/file\s.*)|/[a-z]+(\s.*)?")
"""A question may start with a slash too, as the path ``/etc/hosts`` does; one that goes with a file may have several
lines."""


def is_command(message: str) -> bool:
    """Whether a message is for the chat, and not for the model."""
    return _COMMAND.fullmatch(message) is not None


def run_command(chat: Chat, message: str) -> None:
    """Do what a command says; what goes wrong is shown, and the chat goes on."""
    name, *rest = message.split(maxsplit=1)
    command = _COMMANDS.get(name)
    try:
        if command is None:
            raise ConfigError(chat.words.unknown.format(command=name))
        command(chat, "".join(rest))
    except (PrillError, OSError) as error:
        chat.screen.complain(error)


def attach(chat: Chat, argument: str) -> None:
    """Send a file with a question, or keep it for the next one."""
    path, question = split_path(_need(chat, "/file", argument))
    chat.attached.append(read_attachment(path))
    if question:
        chat.ask(question)
    else:
        chat.screen.note(chat.words.attached.format(name=path.name))


def choose_model(chat: Chat, argument: str) -> None:
    """Let another model answer, or say which one does."""
    if argument and chat.find is not None:
        chat.use_model(chat.find(argument))
    chat.screen.note(chat.words.model.format(name=chat.name))


def list_tools(chat: Chat, _: str) -> None:
    """Show the tools with the first line of what they say about themselves."""
    if not chat.tools:
        chat.screen.note(chat.words.no_tools)
        return
    _show_table([(_name(tool), _describe(tool)) for tool in chat.tools], not chat.at_terminal)


def save(chat: Chat, argument: str) -> None:
    """Write the messages as JSON."""
    path = Path(_need(chat, "/save", argument)).expanduser()
    text = json.dumps(messages_to_dict(chat.messages), ensure_ascii=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8")
    chat.screen.note(chat.words.saved.format(count=len(chat.messages), path=argument))


def load(chat: Chat, argument: str) -> None:
    """Go on from the messages that ``/save`` wrote."""
    path = Path(_need(chat, "/load", argument)).expanduser()
    try:
        messages = messages_from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise
    except Exception as error:  # the file may hold anything
        raise ConfigError(chat.words.not_loaded.format(path=argument)) from error
    chat.messages[:] = messages
    chat.screen.note(chat.words.loaded.format(count=len(messages), path=argument))


def clear(chat: Chat, _: str) -> None:
    """Clear the conversation."""
    chat.clear()
    chat.screen.note(chat.words.cleared)


def show_help(chat: Chat, _: str) -> None:
    """Show the commands, and the keys where somebody presses keys."""
    _show_table([*chat.words.commands, *(chat.words.keys if chat.at_terminal else ())], not chat.at_terminal)


_COMMANDS: dict[str, Callable[[Chat, str], None]] = {
    "/file": attach,
    "/model": choose_model,
    "/tools": list_tools,
    "/save": save,
    "/load": load,
    "/clear": clear,
    "/help": show_help,
}


def _need(chat: Chat, command: str, argument: str) -> str:
    """The argument of a command that has to have one."""
    if not argument:
        usage = next(usage for usage, _ in chat.words.commands if usage.startswith(command))
        raise ConfigError(chat.words.needs_argument.format(usage=usage))
    return argument


def _name(tool: object) -> str:
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", tool))


def _describe(tool: object) -> str:
    text = getattr(tool, "description", None) or getattr(tool, "__doc__", None) or ""
    return text.strip().partition("\n")[0]


def _show_table(rows: list[tuple[str, str]], to_errors: bool) -> None:
    """Write two columns, as wide as the terminal; Chinese letters count as two."""
    console = Console(highlight=False, stderr=to_errors)
    table = Table.grid(padding=(0, 2))
    for name, description in rows:
        table.add_row(Text(name, no_wrap=console.width >= 60), Text(description))
    console.print(table)
