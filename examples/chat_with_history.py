"""A chat in the terminal that remembers: what is said stays in a SQLite file, and the next start goes on from there.

    python examples/chat_with_history.py
    python examples/chat_with_history.py --session work --model anthropic:claude-haiku-4-5

Answers stream. Ctrl-C stops an answer, not the program: the connection to the provider is closed at once, and what
had come is kept, marked as interrupted, so that the model knows what you saw. Ctrl-D leaves.
"""

import argparse
from collections.abc import Iterator
from functools import partial

from prill import AIMessage, BaseMessage, ChatPromptTemplate, PrillError, Runnable, StrOutputParser, init_chat_model
from prill.chat_history import SQLiteChatMessageHistory
from prill.runnables import RunnableConfig, RunnableWithMessageHistory

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "You are good company. Answer briefly."), ("placeholder", "{history}"), ("human", "{question}")]
)


def main() -> None:
    options = read_options()
    open_history = partial(SQLiteChatMessageHistory, path=options.file)
    show_what_was_said(open_history(options.session).messages)

    # The history goes around the step that gives the message, so that the whole message is kept, with its tokens.
    remembering: Runnable[dict[str, str], AIMessage] = RunnableWithMessageHistory(
        PROMPT | init_chat_model(options.model),
        open_history,
        input_messages_key="question",
        history_messages_key="history",
    )
    chat = remembering | StrOutputParser()
    session: RunnableConfig = {"configurable": {"session_id": options.session}}
    for question in questions():
        answer(chat, question, session)


def answer(chat: Runnable[dict[str, str], str], question: str, session: RunnableConfig) -> None:
    """Print the answer as it comes. Leaving the loop, in whichever way, closes the stream down to its socket."""
    try:
        for piece in chat.stream({"question": question}, session):
            print(piece, end="", flush=True)
        print()
    except KeyboardInterrupt:
        print("\n[stopped]")
    except PrillError as error:
        print(f"\n[{error}]")


def show_what_was_said(messages: list[BaseMessage]) -> None:
    for message in messages:
        sign = "> " if message.type == "human" else ""
        mark = " [stopped]" if message.response_metadata.get("interrupted") else ""
        print(f"{sign}{message.text}{mark}")


def questions() -> Iterator[str]:
    """What is typed, line by line, until Ctrl-D."""
    while True:
        try:
            if line := input("> ").strip():
                yield line
        except KeyboardInterrupt:
            print()  # the line is given up, not the program
        except EOFError:
            print()
            return


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A chat that remembers.")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    parser.add_argument("--session", default="default", help="which conversation of the file (%(default)s)")
    parser.add_argument("--file", default="chat-history.db", help="where conversations are kept (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
