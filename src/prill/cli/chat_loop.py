"""The loop of a chat: what is typed or piped goes to the model, or is a command."""

from __future__ import annotations

import sys

from prill.cli.chat import Chat
from prill.cli.chat_commands import is_command, run_command
from prill.cli.terminal_mode import keep_typed_text, mark_pasted_text


def run_chat(chat: Chat) -> bool:
    """Ask and answer until the input ends, each line of a pipe for itself.

    Returns:
        Whether something failed while nobody was there to see it.
    """
    if not chat.at_terminal:
        for line in sys.stdin:
            if _leaves(chat, line.strip()):
                break
        return chat.screen.failed
    chat.screen.note(f"{chat.name}\n{chat.words.hint}")
    with keep_typed_text():
        mark_pasted_text()
        while not _leaves_terminal(chat):
            pass
    return False


def _leaves_terminal(chat: Chat) -> bool:
    """Take one message; Ctrl-C gives it up, and not the program."""
    try:
        return _leaves(chat, chat.editor.read().strip())
    except EOFError:
        return True
    except KeyboardInterrupt:
        return False


def _leaves(chat: Chat, message: str) -> bool:
    """Answer a message, or do what a command says; returns whether it says to leave."""
    if message in ("exit", "quit", "/exit", "/quit"):
        return True
    if is_command(message):
        run_command(chat, message)
    elif message:
        chat.ask(message)
    return False
