"""A chat: answers stream, Ctrl-C stops an answer and not the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prill.cli.models import Found
from prill.cli.screen import Screen
from prill.cli.words import ENGLISH, Words
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
)
from prill.messages.ai import is_truncated


class Chat:
    """A conversation with a model on standard input and output.

    An answer that Ctrl-C stopped stays in ``messages`` as far as it came, with ``"interrupted": True`` in its
    ``response_metadata``. A question whose answer failed, or to which no text arrived at all, is forgotten.

    Args:
        model: what answers.
        name: what it is called.
        editor: reads what is typed, where standard input is a terminal; see ``prill.cli.editor``.
        find: returns the model of a name, for ``/model``.
        system: the system message.
        words: the language of the interface.
        debug: whether errors are shown with their traceback.
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str = "",
        *,
        editor: Any = None,
        find: Callable[[str], Found] | None = None,
        system: str | None = None,
        words: Words = ENGLISH,
        debug: bool = False,
    ) -> None:
        self.model = model
        self.name = name
        self.editor = editor
        self.messages: list[BaseMessage] = []
        self.tools: list[Any] = []
        self.attached: list[dict[str, Any]] = []
        self.words = words
        self.screen = Screen(words, debug=debug)
        self.find = find
        self._start: list[BaseMessage] = [] if system is None else [SystemMessage(system)]
        self._shown: list[AIMessageChunk] = []
        self.clear()

    @property
    def at_terminal(self) -> bool:
        """Whether a person types, and sees what is written."""
        return self.editor is not None

    def clear(self) -> None:
        """Forget everything but the system message."""
        self.messages[:] = self._start
        self.attached.clear()

    def use_model(self, found: Found) -> None:
        """Let another model answer from now on."""
        self.model, self.name = found

    def ask(self, question: str) -> None:
        """Print the answer to ``question``, and to the files attached to it, while it arrives; remember both."""
        content: Any = [*self.attached, {"type": "text", "text": question}] if self.attached else question
        self.attached.clear()  # as the question, they are forgotten if the answer fails
        self.messages.append(HumanMessage(content))
        self._shown.clear()
        try:
            self.answer()
        except KeyboardInterrupt:
            if not self.at_terminal:
                raise  # nobody is there to ask the next question
            self.remember_part()
            self.screen.end_thinking()
            self.screen.note(f"\n{self.words.stopped}")
        except PrillError as error:
            self._shown.clear()  # an answer that failed is not kept
            self.remember_part()
            self.screen.end_thinking()
            print(flush=True)
            self.screen.complain(error)

    def answer(self) -> None:
        """Print what the model answers, and remember it."""
        stream: Any = self.model.stream(self.messages)
        try:
            for chunk in stream:
                self.show(chunk)
        finally:
            stream.close()
        message = message_chunk_to_message(merge_chunks(self._shown)) if self._shown else AIMessage("")
        self.messages.append(message)
        self.end_answer(message)

    def show(self, chunk: AIMessageChunk) -> None:
        """Print a piece of an answer, and keep it in case the rest does not come."""
        self._shown.append(chunk)
        self.screen.show(chunk)

    def end_answer(self, message: AIMessage) -> None:
        """End the line of an answer, and say so if it is not whole."""
        self._shown.clear()
        self.screen.end_thinking()
        print(flush=True)
        if is_truncated(message):
            self.screen.note(self.words.cut)

    def remember_part(self) -> None:
        """Keep what arrived of an answer that was stopped; forget a question to which no text arrived."""
        if any(chunk.text for chunk in self._shown):
            message = message_chunk_to_message(merge_chunks(self._shown))
            message.response_metadata["interrupted"] = True
            self.messages.append(message)
        elif isinstance(self.messages[-1], HumanMessage):
            self.messages.pop()  # providers refuse an empty answer, and two questions in a row
        self._shown.clear()
