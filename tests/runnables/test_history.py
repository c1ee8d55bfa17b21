from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from prill.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory, SQLiteChatMessageHistory
from prill.errors import (
    AsyncRequiredError,
    Cancelled,
    CompositionError,
    ConfigError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.io import CancelToken
from prill.language_models import FakeListChatModel
from prill.language_models.fake_chat_models import FakeListChatModelError
from prill.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate, MessagesPlaceholder
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.runnables.config_fields import ConfigurableFieldSpec
from prill.runnables.history import RunnableWithMessageHistory
from prill.testing import check_runnable

CONFIG: Any = {"configurable": {"session_id": "a"}}
PROMPT = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{q}")])


class Chats(dict[str, BaseChatMessageHistory]):
    """Histories by session."""

    def __call__(self, session_id: str) -> BaseChatMessageHistory:
        return self.setdefault(session_id, InMemoryChatMessageHistory())

    def said(self, session: str = "a") -> list[tuple[str, Any]]:
        return [(message.type, message.content) for message in self(session).messages]


@pytest.fixture
def chats() -> Chats:
    return Chats()


def model(*texts: str, **settings: Any) -> FakeListChatModel:
    return FakeListChatModel(responses=list(texts) or ["one", "two"], **settings)


def chatting(runnable: Any, chats: Any, **settings: Any) -> RunnableWithMessageHistory[Any, Any]:
    return RunnableWithMessageHistory(runnable, chats, **settings)


def talk(chats: Any, **settings: Any) -> RunnableWithMessageHistory[Any, Any]:
    return chatting(PROMPT | model(), chats, input_messages_key="q", history_messages_key="history", **settings)


def ask_invoke(part: Any, input: Any) -> Any:
    return part.invoke(input, CONFIG)


def ask_stream(part: Any, input: Any) -> Any:
    return list(part.stream(input, CONFIG))


def ask_ainvoke(part: Any, input: Any) -> Any:
    return asyncio.run(part.ainvoke(input, CONFIG))


def ask_astream(part: Any, input: Any) -> Any:
    async def collect() -> list[Any]:
        return [chunk async for chunk in part.astream(input, CONFIG)]

    return asyncio.run(collect())


VERBS = [ask_invoke, ask_stream, ask_ainvoke, ask_astream]


@pytest.mark.parametrize("ask", VERBS)
def test_each_turn_is_kept_once_and_as_whole_messages(chats: Chats, ask: Any) -> None:
    part = talk(chats)
    ask(part, {"q": "first"})
    ask(part, {"q": "second"})
    assert chats.said() == [("human", "first"), ("ai", "one"), ("human", "second"), ("ai", "two")]
    assert [type(message) for message in chats("a").messages] == [HumanMessage, AIMessage] * 2


def test_the_model_is_given_what_was_said_before(chats: Chats) -> None:
    part = chatting(PROMPT | str, chats, input_messages_key="q", history_messages_key="history")
    part.invoke({"q": "first"}, CONFIG)
    assert "first" in part.invoke({"q": "second"}, CONFIG)
    assert "first" not in part.invoke({"q": "third"}, {"configurable": {"session_id": "b"}})


@pytest.mark.parametrize("ask", [ask_stream, ask_astream])
def test_tokens_pass_one_by_one(chats: Chats, ask: Any) -> None:
    assert [chunk.text for chunk in ask(talk(chats), {"q": "x"})] == ["o", "n", "e"]
    parsed = chatting(
        PROMPT | model() | StrOutputParser(), chats, input_messages_key="q", history_messages_key="history"
    )
    assert ask(parsed, {"q": "x"}) == ["o", "n", "e"]


def test_a_chunk_leaves_before_the_next_is_made(chats: Chats) -> None:
    made: list[int] = []

    def count(inputs: Iterator[Any]) -> Iterator[str]:
        for _ in inputs:
            for number in range(3):
                made.append(number)
                yield str(number)

    stream = chatting(RunnableGenerator(count), chats).stream("x", CONFIG)
    assert next(stream) == "0"
    assert made == [0]
    assert list(stream) == ["1", "2"]
    assert chats.said() == [("human", "x"), ("ai", "012")]


# Answers that break off


def leave(part: Any) -> None:
    stream = part.stream({"q": "x"}, CONFIG)
    next(stream)
    next(stream)
    stream.close()


def leave_in_asyncio(part: Any) -> None:
    async def use() -> None:
        stream = part.astream({"q": "x"}, CONFIG)
        await anext(stream)
        await anext(stream)
        await stream.aclose()

    asyncio.run(use())


def cancel(part: Any) -> None:
    token = CancelToken()
    stream = part.stream({"q": "x"}, {**CONFIG, "cancel": token})
    next(stream)
    next(stream)
    token.cancel()
    with pytest.raises(Cancelled):
        next(stream)


def cancel_task(part: Any) -> None:
    async def use() -> None:
        came = asyncio.Event()

        async def read() -> None:
            stream = part.astream({"q": "x"}, CONFIG)
            await anext(stream)
            await anext(stream)
            came.set()
            await anext(stream)

        task = asyncio.create_task(read())
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(use())


WAYS = [leave, leave_in_asyncio, cancel, cancel_task]


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_was_left_or_cancelled_is_kept_as_interrupted(chats: Chats, way: Any) -> None:
    slow = PROMPT | model("one", sleep=0.005)
    way(chatting(slow, chats, input_messages_key="q", history_messages_key="history"))
    assert chats.said() == [("human", "x"), ("ai", "on")]
    answer = chats("a").messages[-1]
    assert type(answer) is AIMessage
    assert answer.response_metadata["interrupted"] is True


@pytest.mark.parametrize("way", WAYS)
def test_or_it_is_dropped_with_its_question(chats: Chats, way: Any) -> None:
    slow = PROMPT | model("one", sleep=0.005)
    settings: Any = {"input_messages_key": "q", "history_messages_key": "history", "interrupted": "drop"}
    way(chatting(slow, chats, **settings))
    assert chats.said() == []


@pytest.mark.parametrize("ask", [ask_stream, ask_astream])
@pytest.mark.parametrize("number", [0, 2])
def test_an_answer_that_failed_is_not_kept_however_far_it_came(chats: Chats, ask: Any, number: int) -> None:
    with pytest.raises(FakeListChatModelError):
        ask(chatting(model(error_on_chunk_number=number), chats), "x")
    assert chats.said() == []


def _stop_with(error: Exception) -> Any:
    def stop(messages: Any) -> Any:
        raise error

    return RunnableLambda(stop)


@pytest.mark.parametrize("ask", VERBS)
@pytest.mark.parametrize("kind", [StreamInterrupted, StreamTimeout, StreamErrorEvent])
def test_a_failure_that_carries_a_part_of_the_answer_does_not_have_it_kept(chats: Chats, ask: Any, kind: Any) -> None:
    with pytest.raises(kind):
        ask(chatting(_stop_with(kind("cut", partial=AIMessageChunk(content="half"))), chats), "x")
    assert chats.said() == []


@pytest.mark.parametrize("ask", [ask_invoke, ask_ainvoke])
def test_a_cancelled_answer_is_kept_with_its_usage_and_without_calls_that_nobody_will_answer(
    chats: Chats, ask: Any
) -> None:
    usage: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    half = AIMessage("half", usage_metadata=usage, tool_calls=[{"name": "f", "args": {}, "id": "1"}])
    with pytest.raises(Cancelled):
        ask(chatting(_stop_with(Cancelled("stopped", partial=half)), chats), "x")
    assert chats.said() == [("human", "x"), ("ai", "half")]
    answer: Any = chats("a").messages[-1]
    assert (answer.usage_metadata["output_tokens"], answer.tool_calls) == (1, [])


def test_an_unknown_wish_for_interrupted_answers_is_refused(chats: Chats) -> None:
    with pytest.raises(ConfigError, match="'store' or 'drop', not 'forget'"):
        chatting(model(), chats, interrupted="forget")


# Sessions


@pytest.mark.parametrize("config", [None, {"configurable": {"user": "x"}}])
def test_a_run_without_a_session_is_told_how_to_name_one(chats: Chats, config: Any) -> None:
    for run in (lambda: talk(chats).invoke({"q": "x"}, config), lambda: list(talk(chats).stream({"q": "x"}, config))):
        with pytest.raises(ConfigError, match=r"session_id is missing.*\{'configurable': \{'session_id': '…'\}\}"):
            run()


def test_a_session_may_be_bound_and_reaches_through_chains(chats: Chats) -> None:
    chain = talk(chats) | StrOutputParser()
    assert chain.with_config(configurable={"session_id": "b"}).invoke({"q": "x"}) == "one"
    assert chats.said("b") == [("human", "x"), ("ai", "one")]


def test_it_tells_which_fields_of_a_config_it_reads(chats: Chats) -> None:
    part = talk(chats)
    assert [spec.id for spec in (part | StrOutputParser()).config_specs] == ["session_id"]
    with pytest.raises(ConfigError, match="no configurable field 'sesion_id'"):
        part.with_config(configurable={"sesion_id": "b"})


def test_a_factory_of_several_fields_is_given_them_by_name() -> None:
    seen: list[tuple[str, str]] = []

    def make(conversation: str, user: str) -> BaseChatMessageHistory:
        seen.append((user, conversation))
        return InMemoryChatMessageHistory()

    fields = [ConfigurableFieldSpec("user", str), ConfigurableFieldSpec("conversation", str)]
    part = RunnableWithMessageHistory(model(), make, history_factory_config=fields)
    part.invoke("x", {"configurable": {"user": "u", "conversation": "c"}})
    assert seen == [("u", "c")]
    with pytest.raises(ConfigError, match=r"conversation is missing.*'user': '…', 'conversation': '…'"):
        part.invoke("x", {"configurable": {"user": "u"}})
    with pytest.raises(ConfigError, match="user, conversation by name"):
        RunnableWithMessageHistory(model(), lambda a, b: make(a, b), history_factory_config=fields)
    with pytest.raises(CompositionError, match="not 'x'"):
        RunnableWithMessageHistory(model(), "x")  # type: ignore[arg-type]


def test_an_async_factory_is_for_asyncio(chats: Chats) -> None:
    async def make(session_id: str) -> BaseChatMessageHistory:
        await asyncio.sleep(0)
        return chats(session_id)

    ask_ainvoke(chatting(model(), make), "x")
    assert chats.said() == [("human", "x"), ("ai", "one")]
    with pytest.raises(AsyncRequiredError, match="ainvoke"):
        ask_invoke(chatting(model(), make), "x")


@pytest.mark.parametrize("ask", VERBS)
def test_a_history_in_a_file_is_opened_for_each_turn(tmp_path: Any, ask: Any) -> None:
    def make(session_id: str) -> BaseChatMessageHistory:
        return SQLiteChatMessageHistory(session_id, tmp_path / "chats.db")

    part = talk(make)
    ask(part, {"q": "first"})
    ask(part, {"q": "second"})
    assert [message.text for message in make("a").messages] == ["first", "one", "second", "two"]


# Inputs and outputs that hold no messages


@pytest.mark.parametrize(
    ("settings", "input", "says"),
    [
        ({}, {"q": "a", "z": "b"}, r"keys \['q', 'z'\]: give input_messages_key"),
        ({"input_messages_key": "q"}, {"z": "b"}, r"keys \['z'\]"),
        ({"input_messages_key": "q"}, {"q": 3}, r"not int \(3\)"),
        ({}, 3, r"not int \(3\)"),
        ({"history_messages_key": "h"}, "x", "must be a dict, not str"),
    ],
)
def test_an_input_without_messages_is_refused(chats: Chats, settings: Any, input: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        chatting(RunnableLambda(str), chats, **settings).invoke(input, CONFIG)
    assert chats.said() == []


@pytest.mark.parametrize(
    ("settings", "output", "says"),
    [
        ({}, 3, r"not stored: int \(3\) is neither text"),
        ({}, {"o": "a", "p": "b"}, r"keys \['o', 'p'\]"),
        ({"output_messages_key": "r"}, {"o": "a"}, r"keys \['o'\]"),
    ],
)
@pytest.mark.parametrize("ask", VERBS)
def test_an_answer_that_cannot_be_kept_is_an_error(
    chats: Chats, ask: Any, settings: Any, output: Any, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        ask(chatting(RunnableLambda(lambda _: output), chats, **settings), "x")
    assert chats.said() == []


def test_a_growing_output_is_kept_as_it_is_at_the_end(chats: Chats) -> None:
    parsed = chatting(model('{"output": "ab"}') | JsonOutputParser(), chats)
    chunks = list(parsed.stream("x", CONFIG))
    assert chunks[-1] == {"output": "ab"}
    assert len(chunks) > 2
    assert chats.said() == [("human", "x"), ("ai", "ab")]


# As a Runnable


def fresh(session_id: str) -> BaseChatMessageHistory:
    return InMemoryChatMessageHistory()


def count(messages: list[BaseMessage]) -> str:
    return f"{len(messages)} messages"


def test_it_keeps_the_promises_of_a_runnable() -> None:
    check_runnable(chatting(RunnableLambda(count), fresh), "hello", expected="1 messages", config=CONFIG)

    def same(one: Any, other: Any) -> bool:
        return bool(one.text == other.text)

    check_runnable(chatting(model("a b"), fresh), "hello", compare=same, config=CONFIG)


def test_observers_see_the_conversation_and_the_steps_in_it(chats: Chats) -> None:
    async def starts() -> list[tuple[str, int]]:
        events = talk(chats).astream_events({"q": "x"}, CONFIG)
        return [(event["name"], len(event["parent_ids"])) async for event in events if "start" in event["event"]]

    assert asyncio.run(starts()) == [
        ("RunnableWithMessageHistory", 0),
        ("RunnableSequence", 1),
        ("ChatPromptTemplate", 2),
        ("FakeListChatModel", 2),
    ]


def test_explain_streaming_looks_inside(chats: Chats) -> None:
    rows = talk(chats).explain_streaming().rows
    assert (rows[0].verdict, rows[0].pieces) == ("buffers", True)
    assert "history" in rows[0].why
    assert rows[-1].step.endswith("FakeListChatModel)")


# The same as the peer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import langchain_core.messages as their_messages
    from langchain_core.chat_history import InMemoryChatMessageHistory as TheirHistory
    from langchain_core.runnables import RunnableLambda as TheirLambda
    from langchain_core.runnables.history import RunnableWithMessageHistory as TheirConversation


class Kit(NamedTuple):
    conversation: Any
    history: Any
    function: Any
    human: Any
    ai: Any


OURS = Kit(RunnableWithMessageHistory, InMemoryChatMessageHistory, RunnableLambda, HumanMessage, AIMessage)
THEIRS = Kit(TheirConversation, TheirHistory, TheirLambda, their_messages.HumanMessage, their_messages.AIMessage)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return (value.type, value.content) if hasattr(value, "content") else value


def turns(kit: Kit, settings: dict[str, Any], answer: Any, inputs: list[Any]) -> Any:
    given: list[Any] = []
    history = kit.history()

    def note(input: Any) -> Any:
        given.append(plain(input))
        return answer(kit)

    conversation = kit.conversation(kit.function(note), lambda session_id: history, **settings)
    outputs = [plain(conversation.invoke(input(kit), CONFIG)) for input in inputs]
    return given, outputs, plain(history.messages)


BOTH = {"input_messages_key": "q", "history_messages_key": "h"}
CASES: dict[str, Any] = {
    "text": ({}, lambda kit: "a", [lambda kit: "x", lambda kit: "y"]),
    "message": ({}, lambda kit: kit.ai("a"), [lambda kit: kit.human("x"), lambda kit: kit.human("y")]),
    "messages": ({}, lambda kit: "a", [lambda kit: [kit.human("x"), kit.ai("y")]]),
    "dict": (BOTH, lambda kit: "a", [lambda kit: {"q": "x", "z": 1}, lambda kit: {"q": "y"}]),
    "dict of messages": (BOTH, lambda kit: "a", [lambda kit: {"q": [kit.human("x")]}]),
    "input key alone": ({"input_messages_key": "q"}, lambda kit: "a", [lambda kit: {"q": "x", "z": 1}] * 2),
    "only key": ({}, lambda kit: "a", [lambda kit: {"q": "x"}] * 2),
    "usual key": ({}, lambda kit: "a", [lambda kit: {"input": "x", "z": 1}] * 2),
    "history key alone": ({"history_messages_key": "h"}, lambda kit: "a", [lambda kit: {"input": "x", "z": 1}]),
    "output key": ({**BOTH, "output_messages_key": "o"}, lambda kit: {"o": "a", "p": 1}, [lambda kit: {"q": "x"}]),
    "only output key": (BOTH, lambda kit: {"o": "a"}, [lambda kit: {"q": "x"}]),
    "usual output key": (BOTH, lambda kit: {"output": kit.ai("a"), "p": 1}, [lambda kit: {"q": "x"}]),
    "messages out": (BOTH, lambda kit: [kit.ai("a"), kit.human("b")], [lambda kit: {"q": "x"}]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_peer_gives_and_keeps_the_same(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert turns(OURS, *CASES[case]) == turns(THEIRS, *CASES[case])


def test_a_factory_without_parameters_needs_no_session(chats: Chats) -> None:
    chat: Any = RunnableWithMessageHistory(model(), lambda: chats("a"))
    assert [chat.invoke("hi").content, asyncio.run(chat.ainvoke("again")).content] == ["one", "two"]
    assert chats.said() == [("human", "hi"), ("ai", "one"), ("human", "again"), ("ai", "two")]
    assert chat.with_config(CONFIG).config["configurable"] == {"session_id": "a"}


def test_the_schemas_show_where_the_messages_are(chats: Chats) -> None:
    chat = RunnableWithMessageHistory(PROMPT | model(), chats, input_messages_key="q", history_messages_key="history")
    schema = chat.get_input_jsonschema()
    text, message, several = schema["properties"]["q"]["anyOf"]
    assert (schema["type"], schema["required"], text) == ("object", ["q"], {"type": "string"})
    assert (several["type"], len(several["items"]["oneOf"])) == ("array", len(message["oneOf"]))
    assert chat.get_output_jsonschema()["type"] == "object"


def test_without_a_key_the_schemas_are_those_of_messages(chats: Chats) -> None:
    chat = RunnableWithMessageHistory(model(), chats)
    assert [chat.get_input_jsonschema()["type"], chat.get_output_jsonschema()["type"]] == ["array", "array"]


def test_without_fields_the_factory_is_called_with_nothing() -> None:
    kept = InMemoryChatMessageHistory()
    count: Any = RunnableLambda(lambda messages: str(len(messages)))
    chat: Any = RunnableWithMessageHistory(count, lambda: kept, history_factory_config=[])
    assert [chat.invoke([HumanMessage("x")]) for _ in range(2)] == ["1", "3"]
