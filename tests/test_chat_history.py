from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from prill.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory, SQLiteChatMessageHistory
from prill.errors import CompositionError, ConfigError
from prill.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

MESSAGES: list[BaseMessage] = [
    SystemMessage("be brief"),
    HumanMessage([{"type": "text", "text": "é"}], name="me"),
    AIMessage("", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "1"}], response_metadata={"model_name": "m"}),
    ToolMessage("2", tool_call_id="1"),
]


@pytest.fixture(params=["memory", "sqlite"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> BaseChatMessageHistory:
    if request.param == "memory":
        return InMemoryChatMessageHistory()
    return SQLiteChatMessageHistory("a", tmp_path / "chats.db")


def test_messages_come_back_as_they_were_and_in_their_order(history: BaseChatMessageHistory) -> None:
    assert history.messages == []
    history.add_messages(MESSAGES[:2])
    history.add_message(MESSAGES[2])
    history.add_messages(MESSAGES[3:])
    assert history.messages == MESSAGES
    history.clear()
    assert history.messages == []


def test_the_asyncio_forms_do_the_same(history: BaseChatMessageHistory) -> None:
    async def use() -> None:
        await history.aadd_messages(MESSAGES)
        assert await history.aget_messages() == MESSAGES
        await history.aclear()
        assert await history.aget_messages() == []

    asyncio.run(use())


def test_what_user_and_model_said_may_be_texts(history: BaseChatMessageHistory) -> None:
    history.add_user_message("hi")
    history.add_ai_message("ho")
    history.add_user_message(HumanMessage("hi again"))
    history.add_ai_message(AIMessage("ho again"))
    assert [type(message) for message in history.messages] == [HumanMessage, AIMessage] * 2
    assert str(history) == "Human: hi\nAI: ho\nHuman: hi again\nAI: ho again"


def test_a_users_history_needs_messages_and_one_way_to_add_them() -> None:
    class AddsOne(BaseChatMessageHistory):
        def __init__(self) -> None:
            self.messages = []

        def add_message(self, message: BaseMessage) -> None:
            self.messages.append(message)

        def clear(self) -> None:
            self.messages = []

    class AddsMany(BaseChatMessageHistory, BaseModel):
        messages: list[BaseMessage] = Field(default_factory=list)

        def add_messages(self, messages: Sequence[BaseMessage]) -> None:
            self.messages += messages

        def clear(self) -> None:
            self.messages = []

    class AddsNone(BaseChatMessageHistory):
        def clear(self) -> None: ...

    kinds: list[type[BaseChatMessageHistory]] = [AddsOne, AddsMany]
    for kind in kinds:
        own = kind()
        own.add_messages([HumanMessage("a"), AIMessage("b")])
        own.add_user_message("c")
        assert [message.text for message in own.messages] == ["a", "b", "c"]
    with pytest.raises(CompositionError, match="AddsNone cannot store: write its add_messages or its add_message"):
        AddsNone().add_user_message("x")


def test_a_plain_history_is_used_in_a_worker_thread() -> None:
    threads: set[threading.Thread] = set()

    class Noting(BaseChatMessageHistory):
        @property
        def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # as users write it
            threads.add(threading.current_thread())
            return []

        def add_message(self, message: BaseMessage) -> None:
            threads.add(threading.current_thread())

        def clear(self) -> None:
            threads.add(threading.current_thread())

    async def use() -> None:
        await Noting().aget_messages()
        await Noting().aadd_messages([HumanMessage("x")])
        await Noting().aclear()

    asyncio.run(use())
    assert threads
    assert threading.main_thread() not in threads


def test_a_file_holds_many_sessions_and_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    one, other = SQLiteChatMessageHistory("one", path), SQLiteChatMessageHistory("other", path)
    one.add_user_message("a")
    other.add_user_message("b")
    one.add_user_message("c")
    one.close()
    again = SQLiteChatMessageHistory("one", path)
    assert [message.text for message in again.messages] == ["a", "c"]
    again.clear()
    assert [message.text for message in other.messages] == ["b"]


def test_a_chunk_is_kept_as_the_message_it_is_the_sum_of(tmp_path: Path) -> None:
    history = SQLiteChatMessageHistory("a", tmp_path / "chats.db")
    history.add_messages([AIMessageChunk(content="a", chunk_position="last")])
    assert history.messages == [AIMessage("a")]


@pytest.mark.parametrize("damage", [b"{", b'{"type": "martian"}', b"[1]", b"null"])
def test_a_damaged_message_is_an_error_that_names_the_file(tmp_path: Path, damage: bytes) -> None:
    history = SQLiteChatMessageHistory("a", tmp_path / "chats.db")
    history.add_user_message("x")
    other = sqlite3.connect(tmp_path / "chats.db")
    with other:
        other.execute("UPDATE message SET message = ?", [damage])
    other.close()
    with pytest.raises(ConfigError, match=r"chats\.db' is damaged"):
        print(history.messages)


def test_messages_that_json_cannot_hold_are_refused_all_together(tmp_path: Path) -> None:
    history = SQLiteChatMessageHistory("a", tmp_path / "chats.db")
    with pytest.raises(ConfigError, match=r"chats\.db', which holds JSON"):
        history.add_messages([HumanMessage("a"), HumanMessage("b", additional_kwargs={"x": object()})])
    assert history.messages == []


def test_threads_add_to_one_session(tmp_path: Path) -> None:
    def work(name: str) -> None:
        history = SQLiteChatMessageHistory("a", tmp_path / "chats.db")
        for number in range(10):
            history.add_messages([HumanMessage(f"{name}{number}"), AIMessage(f"{name}{number}")])

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [message.text for message in SQLiteChatMessageHistory("a", tmp_path / "chats.db").messages]
    assert len(texts) == 80
    assert texts[::2] == texts[1::2], "what is added at once stays together"


@given(st.lists(st.tuples(st.sampled_from([HumanMessage, AIMessage, SystemMessage]), st.text()), max_size=5))
def test_any_conversation_comes_back_out_of_a_file(said: list[tuple[Any, str]]) -> None:
    history = SQLiteChatMessageHistory("a", ":memory:")
    messages = [kind(text) for kind, text in said]
    try:
        history.add_messages(messages)
        assert history.messages == messages
    finally:
        history.close()


def test_the_messages_that_asyncio_code_is_given_do_not_change_with_the_history() -> None:
    history = InMemoryChatMessageHistory()
    history.add_user_message("a")
    before = asyncio.run(history.aget_messages())
    history.add_ai_message("b")
    assert len(before) == 1
