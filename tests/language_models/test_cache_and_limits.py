"""Models with a cache or a rate limiter before them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from language_models.models import Echo, Pieces, Streaming
from prill.caches import BaseCache, InMemoryCache, SQLiteCache
from prill.callbacks import UsageMetadataCallbackHandler
from prill.errors import ConfigError
from prill.globals import get_llm_cache, set_llm_cache
from prill.language_models import (
    BaseChatModel,
    FakeListChatModel,
    FakeListLLM,
    GenericFakeChatModel,
    SimpleChatModel,
)
from prill.language_models.cache_and_limits import ChatCall
from prill.language_models.fake_chat_models import FakeListChatModelError
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    merge_chunks,
    message_chunk_to_message,
)
from prill.outputs import ChatGeneration, Generation
from prill.rate_limiters import BaseRateLimiter, Permit
from prill.runnables.engine.runs import start_run
from prill.testing import check_runnable

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
NOTHING = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def answers() -> Iterator[AIMessage]:
    for number in count():
        yield AIMessage(
            content=f"the answer is {number}",
            tool_calls=[{"name": "f", "args": {"x": number}, "id": "1"}, {"name": "g", "args": {}, "id": "2"}],
            usage_metadata=USAGE,
            response_metadata={"model_name": "m", "finish_reason": "stop"},
        )


def model(cache: BaseCache | bool | None = None, **settings: Any) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=answers(), cache=cache, **settings)


def ask_invoke(part: Any, input: Any) -> Any:
    return part.invoke(input)


def ask_stream(part: Any, input: Any) -> Any:
    return message_chunk_to_message(merge_chunks(list(part.stream(input))))


def ask_ainvoke(part: Any, input: Any) -> Any:
    return asyncio.run(part.ainvoke(input))


def ask_astream(part: Any, input: Any) -> Any:
    async def collect() -> list[Any]:
        return [chunk async for chunk in part.astream(input)]

    return message_chunk_to_message(merge_chunks(asyncio.run(collect())))


VERBS = [ask_invoke, ask_stream, ask_ainvoke, ask_astream]


@pytest.fixture(params=["memory", "sqlite"])
def cache(request: pytest.FixtureRequest, tmp_path: Any) -> BaseCache:
    return InMemoryCache() if request.param == "memory" else SQLiteCache(tmp_path / "cache.db")


@pytest.fixture(autouse=True)
def _no_shared_cache() -> Iterator[None]:
    yield
    set_llm_cache(None)


@pytest.mark.parametrize("second", VERBS)
@pytest.mark.parametrize("first", VERBS)
def test_every_verb_finds_what_every_verb_has_brought(cache: BaseCache, first: Any, second: Any) -> None:
    part = model(cache)
    asked, found = first(part, "x"), second(part, "x")
    assert found.text == asked.text == "the answer is 0"
    assert found.tool_calls == asked.tool_calls
    assert asked.usage_metadata == USAGE
    assert "cached" not in asked.response_metadata
    assert found.response_metadata == {**asked.response_metadata, "cached": True}
    assert found.usage_metadata == NOTHING
    assert found.id != asked.id
    assert next(part.messages).text == "the answer is 1", "the model was asked once"


def test_a_remembered_answer_is_streamed_in_pieces(cache: BaseCache) -> None:
    part = model(cache)
    part.invoke("x")
    chunks = list(part.stream("x"))
    assert [chunk.text for chunk in chunks] == ["the", " answer", " is", " 0", ""]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].chunk_position == "last"  # type: ignore[attr-defined]  # it is an AIMessageChunk


text = st.text(max_size=40)


@given(text, st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=3))
def test_the_pieces_of_a_remembered_answer_make_it_again(content: str, calls: list[dict[str, int]]) -> None:
    message = AIMessage(
        content=content,
        tool_calls=[{"name": "f", "args": args, "id": str(place)} for place, args in enumerate(calls)],
        response_metadata={"finish_reason": "stop"},
        additional_kwargs={"more": 1},
        name="n",
    )
    call = ChatCall(model(), [], start_run(None), {})
    pieces = list(call._split(ChatGeneration(message=message)))
    assert message_chunk_to_message(merge_chunks(pieces)) == message


def test_the_pieces_of_content_blocks_make_them_again() -> None:
    content: list[Any] = [
        {"type": "reasoning", "reasoning": "hm hm", "index": 0},
        {"type": "text", "text": "one two three", "index": 1},
        {"type": "text", "text": "", "index": 2},
        {"type": "image_url", "image_url": {"url": "u"}},
    ]
    call = ChatCall(model(), [], start_run(None), {})
    pieces = list(call._split(ChatGeneration(message=AIMessage(content=content))))
    assert len(pieces) == 7
    assert merge_chunks(pieces).content == content


def test_a_stream_that_is_left_or_fails_is_not_remembered(cache: BaseCache) -> None:
    part = model(cache)
    stream = part.stream("x")
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator

    async def leave() -> None:
        chunks = part.astream("x")
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator

    asyncio.run(leave())
    assert part.invoke("x").text == "the answer is 2"
    failing = FakeListChatModel(responses=["abc"], error_on_chunk_number=1, cache=cache)
    with pytest.raises(FakeListChatModelError):
        list(failing.stream("x"))
    failing.error_on_chunk_number = None
    assert "cached" not in failing.invoke("x").response_metadata


def test_an_answer_with_a_broken_tool_call_is_asked_for_again(cache: BaseCache) -> None:
    broken: Any = {"name": "f", "args": "{", "id": "1", "error": "cut", "type": "invalid_tool_call"}
    part = GenericFakeChatModel(messages=iter([AIMessage("a", invalid_tool_calls=[broken]), "b"]), cache=cache)
    assert [part.invoke("x").text, part.invoke("x").text] == ["a", "b"]


def test_what_a_program_does_with_an_answer_does_not_change_the_remembered_one() -> None:
    part = model(InMemoryCache())
    for _ in range(3):
        message = part.invoke("x")
        assert message.tool_calls[0]["args"] == {"x": 0}
        message.tool_calls[0]["args"]["x"] = 99
        message.response_metadata["mine"] = 1
        assert list(part.stream("x"))[-1].response_metadata.pop("mine", None) is None


def test_answers_are_told_apart_by_messages_arguments_and_settings() -> None:
    class Set(FakeListChatModel):
        temperature: float = 0

    cache = InMemoryCache()

    def fresh(part: Any, input: Any) -> bool:
        return "cached" not in part.invoke(input).response_metadata

    one = Set(responses=["a"], cache=cache)
    assert fresh(one, "x")
    assert not fresh(one, [HumanMessage("x", id="another")])
    assert not fresh(Set(responses=["a"], cache=cache, tags=["t"], name="n"), "x")
    assert fresh(one, [HumanMessage("x", name="me")])
    assert fresh(one.bind(stop=["."]), "x")
    assert fresh(one.bind(tools=[{"name": "f"}]), "x")
    assert fresh(Set(responses=["a"], cache=cache, temperature=1), "x")
    assert fresh(FakeListChatModel(responses=["a"], cache=cache), "x")
    history: list[BaseMessage] = [HumanMessage("x"), one.invoke("x"), HumanMessage("y")]
    assert fresh(one, history)
    assert not fresh(one, [HumanMessage("x"), AIMessage("a"), HumanMessage("y")])
    assert fresh(one, [HumanMessage("x"), ToolMessage("r", tool_call_id="1", artifact={"seconds": 1})])
    assert not fresh(one, [HumanMessage("x"), ToolMessage("r", tool_call_id="1", artifact={"seconds": 2})])


def test_servers_at_other_addresses_are_other_models_and_no_key_is_in_the_cache() -> None:
    seen: list[str] = []

    class Seeing(InMemoryCache):
        def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
            seen.append(llm_string)
            return [ChatGeneration(message=AIMessage("known"))]

    from prill.openai import ChatOpenAI

    for url in ("http://a.test/v1", "http://b.test/v1"):
        part = ChatOpenAI(model="m", base_url=url, api_key="sk-secret", cache=Seeing())  # type: ignore[arg-type]
        assert part.invoke("x", extra_headers={"Authorization": "Bearer sk-secret"}).text == "known"
    assert seen[0] != seen[1]
    assert json.loads(seen[0])["base_url"] == "http://a.test/v1"
    assert "secret" not in "".join(seen)


def test_the_shared_cache_serves_all_models_but_those_that_want_none() -> None:
    shared = InMemoryCache()
    set_llm_cache(shared)
    assert get_llm_cache() is shared
    for wish, texts in ((None, "00"), (True, "00"), (False, "01"), (InMemoryCache(), "00")):
        part = model(wish)
        shared.clear()
        assert "".join(part.invoke("x").text[-1] for _ in range(2)) == texts
    set_llm_cache(None)
    assert get_llm_cache() is None
    assert [model().invoke("x").text[-1] for _ in range(2)] == ["0", "0"], "two models, both asked"
    with pytest.raises(ConfigError, match="set_llm_cache"):
        model(True).invoke("x")


def test_a_found_answer_is_told_to_observers_and_its_tokens_are_not_counted_again() -> None:
    part = model(InMemoryCache())

    async def events() -> list[Any]:
        return [event async for event in part.astream_events("x")]

    ends = [asyncio.run(events())[-1] for _ in range(2)]
    assert [end["metadata"].get("cached") for end in ends] == [None, True]
    counting = UsageMetadataCallbackHandler()
    part.invoke("x", {"callbacks": [counting]})
    assert counting.usage_metadata.get("m", NOTHING) == NOTHING


def test_generate_finds_answers_too() -> None:
    part = model(InMemoryCache())
    results = [part.generate([["x"], ["y"]]) for _ in range(2)]
    texts = [[generations[0].text for generations in result.generations] for result in results]
    assert texts[0] == texts[1]


def test_text_models_remember_too(cache: BaseCache) -> None:
    part = FakeListLLM(responses=["one two", "b"], cache=cache)
    assert [part.invoke("x"), part.invoke("x"), part.invoke("y")] == ["one two", "one two", "b"]
    assert asyncio.run(part.ainvoke("x")) == "one two"
    result = part.generate(["x"])
    assert result.generations[0][0].generation_info == {"cached": True}
    assert list(Pieces(cache=cache).stream("one two")) == list("one two")
    assert list(Pieces(cache=cache).stream("one two")) == ["one", " two"]
    assert Pieces(cache=cache).invoke("one two") == "one two"


def test_a_model_with_a_cache_keeps_the_promises_of_a_runnable() -> None:
    def same(one: Any, other: Any) -> bool:
        return bool(one.text == other.text)

    check_runnable(Streaming(cache=InMemoryCache()), "hello there", compare=same)
    check_runnable(Echo(cache=InMemoryCache()), "hello there", expected="hello there|None")
    check_runnable(Streaming(rate_limiter=Counting()), "hello there", compare=same)


# Rate limiters


class Counting(BaseRateLimiter):
    def __init__(self) -> None:
        self.plain = self.in_asyncio = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.plain += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.in_asyncio += 1
        return True


def test_a_limiter_is_asked_once_for_each_request_and_not_for_a_remembered_answer() -> None:
    limiter = Counting()
    part = model(InMemoryCache(), rate_limiter=limiter)
    part.invoke("a")
    part.invoke("a")
    list(part.stream("a"))
    list(part.stream("b"))
    assert (limiter.plain, limiter.in_asyncio) == (2, 0)
    ask_ainvoke(part, "c")
    ask_astream(part, "d")
    ask_astream(part, "a")
    assert (limiter.plain, limiter.in_asyncio) == (2, 2)
    FakeListLLM(responses=["x"], rate_limiter=limiter).invoke("x")
    assert limiter.plain == 3


class Reckoning(Counting):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.estimates: list[tuple[int, int]] = []
        self.settled: list[tuple[int | None, int | None]] = []

    async def admit(self, io: Any, estimate: Any) -> Permit:
        self.estimates.append(estimate())
        noted = self.settled

        class Noting(Permit):
            def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
                noted.append((input_tokens, output_tokens))

        return Noting()


class Bounded(GenericFakeChatModel):
    max_tokens: int | None = None


@pytest.mark.parametrize("ask", VERBS)
def test_a_limiter_is_told_what_an_answer_may_take_and_what_it_took(ask: Any) -> None:
    limiter = Reckoning()
    part = Bounded(messages=answers(), rate_limiter=limiter, max_tokens=100)
    ask(part, "x" * 400)
    ask(part.bind(max_tokens=7), "x")
    (long, most), (short, least) = limiter.estimates
    assert 100 <= long <= 110
    assert short < 10
    assert (most, least) == (100, 7)
    assert limiter.settled == [(10, 5)] * 2


def test_a_limiter_is_told_of_streams_that_are_left_and_of_answers_that_fail() -> None:
    limiter = Reckoning()
    stream = FakeListChatModel(responses=["a" * 40], rate_limiter=limiter).stream("x")
    for _ in range(20):
        next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator

    class Failing(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "failing"

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise OSError("down")

    with pytest.raises(OSError, match="down"):
        Failing(rate_limiter=limiter).invoke("x")
    (_, came), failed = limiter.settled
    assert came is not None
    assert 5 <= came <= 12
    assert failed == (None, 0)


def test_models_without_cache_and_limiter_go_straight_to_their_answer() -> None:
    assert not model()._has_cache_or_limiter()
    assert model(InMemoryCache())._has_cache_or_limiter()
    assert model(rate_limiter=Counting())._has_cache_or_limiter()
    assert isinstance(next(model().stream("x")), AIMessageChunk)


class Persona(SimpleChatModel):
    persona: str
    secret: SecretStr | None = None

    @property
    def _llm_type(self) -> str:
        return "persona"

    def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        return f"I am {self.persona}"


def test_every_field_of_a_model_is_part_of_the_key() -> None:
    cache = InMemoryCache()
    assert Persona(persona="a pirate", cache=cache).invoke("who?").text == "I am a pirate"
    assert Persona(persona="a nun", cache=cache).invoke("who?").text == "I am a nun"
    assert "cached" not in Persona(persona="a nun", secret=SecretStr("s"), cache=cache).invoke("who?").response_metadata
    assert "cached" in Persona(persona="a nun", cache=cache).invoke("who?").response_metadata


def test_classes_of_one_name_in_two_modules_are_two_models() -> None:
    cache = InMemoryCache()

    def answer(module: str) -> Any:
        bot = type("Bot", (Persona,), {"__module__": module, "__qualname__": "Bot"})
        return bot(persona="x", cache=cache).invoke("q").response_metadata.get("cached")

    assert [answer("one"), answer("two"), answer("one")] == [None, None, True]


def test_objects_without_a_value_of_their_own_are_told_apart_even_at_one_address() -> None:
    class Plain:
        pass

    class Holder(Persona):
        thing: Any = None

    cache = InMemoryCache()
    for _ in range(20):  # a freed object's address is soon another's
        answer = Holder(persona="x", thing=Plain(), cache=cache).invoke("q")
        assert "cached" not in answer.response_metadata
