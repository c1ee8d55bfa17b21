"""What the server says: each wire, read by the provider's own SDK."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.helpers import left_threads, threads

import anthropic
import openai
from prill.errors import ConfigError
from prill.testing import ReplayServer, Reply, SeenRequest
from prill.testing.http_thread import Exchange, HTTPThread

ASK: Any = [{"role": "user", "content": "What is it, then?"}]
WEATHER = {"name": "weather", "args": {"city": "Tromsø", "days": 3}, "id": "call_a"}
CLOCK = {"name": "clock"}


@pytest.fixture
def gpt(server: ReplayServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai_url, api_key="test", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(server: ReplayServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="test", max_retries=0) as client:
        yield client


def post(server: ReplayServer, path: str, body: Any, method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request(method, path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def chunks(gpt: openai.OpenAI, **options: Any) -> list[Any]:
    return list(gpt.chat.completions.create(model="gpt-4o", messages=ASK, stream=True, **options))


def deltas(chunks: list[Any], index: int = 0) -> list[Any]:
    return [choice.delta for chunk in chunks for choice in chunk.choices if choice.index == index]


# OpenAI chat


def test_each_piece_of_a_reply_is_a_chunk_between_role_and_finish(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply("Hello", " wörld 🌍", "")
    received = chunks(gpt)
    assert [delta.content for delta in deltas(received)] == ["", "Hello", " wörld 🌍", "", None]
    assert deltas(received)[0].role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in received] == [None] * 4 + ["stop"]
    assert len({chunk.id for chunk in received}) == 1


def test_usage_comes_last_without_choices_and_only_if_asked_for(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.queue(*[Reply(["a"], usage=(7, 5))] * 2)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks(gpt))
    *others, last = chunks(gpt, stream_options={"include_usage": True})
    assert all(chunk.usage is None for chunk in others)
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (7, 5, 12)


def test_parallel_tool_calls_stream_their_arguments_in_fragments(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply(tool_calls=[WEATHER, CLOCK], fragment=5)
    received = chunks(gpt)
    calls = [call for delta in deltas(received) for call in delta.tool_calls or []]
    assert [call.function.name for call in calls if call.id] == ["weather", "clock"]
    assert calls[0].id == "call_a"
    fragments = [call.function.arguments for call in calls if call.index == 0]
    assert fragments[0] == ""
    assert all(len(fragment) == 5 for fragment in fragments[1:-1])
    assert json.loads("".join(fragments)) == WEATHER["args"]
    assert "".join(call.function.arguments for call in calls if call.index == 1) == "{}"
    assert received[-1].choices[0].finish_reason == "tool_calls"
    assert deltas(received)[0].content is None


def test_arguments_that_are_a_string_are_sent_as_they_are(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply(tool_calls=[{"name": "weather", "args": '{"city": "Os'}])
    answer = gpt.chat.completions.create(model="m", messages=ASK)
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.arguments == '{"city": "Os'  # type: ignore[union-attr]  # only function calls are sent


def test_a_plain_answer_joins_the_pieces(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply("Hello", " world", finish_reason="max_tokens", usage=(3, 4), model="gpt-9")
    answer = gpt.chat.completions.create(model="gpt-4o", messages=ASK)
    assert answer.choices[0].message.content == "Hello world"
    assert answer.choices[0].finish_reason == "length"
    assert answer.model == "gpt-9"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 7


def test_thinking_and_refusals_have_their_own_fields(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.queue(*[Reply(thinking=["let me", " see"], refusal="I must not.")] * 2)
    received = deltas(chunks(gpt))
    assert "".join(delta.model_extra.get("reasoning_content", "") for delta in received) == "let me see"
    assert "".join(delta.refusal or "" for delta in received) == "I must not."
    message = gpt.chat.completions.create(model="m", messages=ASK).choices[0].message
    assert (message.refusal, message.content) == ("I must not.", None)


def test_n_choices_interleave(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply("a", "b")
    received = chunks(gpt, n=2)
    assert [chunk.choices[0].index for chunk in received] == [0, 1] * 4
    assert [delta.content for delta in deltas(received, 1)] == ["", "a", "b", None]


def test_a_batched_reply_says_the_same_each_time(server: ReplayServer, gpt: openai.OpenAI) -> None:
    reply = Reply([f"{n} " for n in range(1000)], batch=64)
    server.queue(reply, reply)
    for _ in range(2):
        assert "".join(delta.content or "" for delta in deltas(chunks(gpt))) == reply.text
    assert server.wait_closed()
    assert {request.writes for request in server.requests} == {16}


# OpenAI's other endpoints


def test_legacy_completions(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.queue(Reply(["a", "b"], finish_reason="length"), Reply(["a", "b"]))
    received = list(gpt.completions.create(model="m", prompt="Say", stream=True))
    assert [chunk.choices[0].text for chunk in received] == ["a", "b", ""]
    assert received[-1].choices[0].finish_reason == "length"
    answer = gpt.completions.create(model="m", prompt=["Say", "Speak"])
    assert [(choice.index, choice.text) for choice in answer.choices] == [(0, "ab"), (1, "ab")]


def test_embeddings_are_the_same_in_floats_and_in_base64(server: ReplayServer, gpt: openai.OpenAI) -> None:
    floats = gpt.embeddings.create(model="e", input=["red fox", "red dog", "blue"], encoding_format="float")
    packed = gpt.embeddings.create(model="e", input=["red fox", "red dog", "blue"])  # the SDK asks for base64
    assert server.requests[1].json["encoding_format"] == "base64"
    assert [row.embedding for row in floats.data] == [row.embedding for row in packed.data]
    fox, dog, blue = (row.embedding for row in floats.data)
    assert len(fox) == 1536
    assert sum(x * x for x in fox) == pytest.approx(1, abs=1e-5)
    assert sum(x * y for x, y in zip(fox, dog, strict=True)) > sum(x * y for x, y in zip(fox, blue, strict=True))


def test_chinese_texts_are_near_each_other_where_they_share_characters(
    server: ReplayServer, gpt: openai.OpenAI
) -> None:
    texts = ["包裹几天送达？", "国内包裹两到三天送达。", "门店晚上六点关门。"]
    asked, near, far = (row.embedding for row in gpt.embeddings.create(model="e", input=texts).data)
    assert sum(x * y for x, y in zip(asked, near, strict=True)) > 0.3
    assert sum(x * y for x, y in zip(asked, far, strict=True)) < 0.3


def test_embeddings_have_the_dimensions_asked_for_and_leave_scripted_texts_alone(
    server: ReplayServer, gpt: openai.OpenAI
) -> None:
    server.reply("for the chat")
    row = gpt.embeddings.create(model="e", input=[[1, 2], [3]], dimensions=8).data[1]
    assert (row.index, len(row.embedding)) == (1, 8)
    assert gpt.chat.completions.create(model="m", messages=ASK).choices[0].message.content == "for the chat"


def test_responses_stream_every_kind_of_item(server: ReplayServer, gpt: openai.OpenAI) -> None:
    reply = Reply(["Hello", " world"], tool_calls=[WEATHER], thinking=["let me", " see"], usage=(3, 9))
    server.queue(reply, reply)
    events = list(gpt.responses.create(model="m", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-1] == "response.completed"
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert texts == ["Hello", " world"]
    arguments = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(arguments)) == WEATHER["args"]
    final = events[-1].response  # type: ignore[union-attr]  # the last event has one
    plain = gpt.responses.create(model="m", input="Hi")
    for response in (final, plain):
        assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
        assert response.output_text == "Hello world"
        assert response.usage is not None
        assert response.usage.total_tokens == 12


def test_a_response_cut_by_its_length_is_incomplete(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply("Hello", finish_reason="length")
    *_, last = gpt.responses.create(model="m", input="Hi", stream=True)
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"


def test_a_response_can_refuse(server: ReplayServer, gpt: openai.OpenAI) -> None:
    server.reply(refusal="I must not.")
    events = list(gpt.responses.create(model="m", input="Hi", stream=True))
    assert "".join(event.delta for event in events if event.type == "response.refusal.delta") == "I must not."


# Anthropic


def test_anthropic_blocks_come_one_after_another(server: ReplayServer, claude: anthropic.Anthropic) -> None:
    reply = Reply(["Hel", "lo"], tool_calls=[WEATHER, CLOCK], thinking=["let me", " see"], usage=(11, 22))
    server.queue(reply, reply, reply)
    events = list(claude.messages.create(model="c", messages=ASK, max_tokens=9, stream=True))
    assert events[0].type == "message_start"
    assert [event.type for event in events[-2:]] == ["message_delta", "message_stop"]
    starts = [event.content_block.type for event in events if event.type == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use", "tool_use"]
    texts = [e.delta.text for e in events if e.type == "content_block_delta" and e.delta.type == "text_delta"]
    assert texts == ["Hel", "lo"]

    with claude.messages.stream(model="c", messages=ASK, max_tokens=9) as stream:
        streamed = stream.get_final_message()
    plain = claude.messages.create(model="c", messages=ASK, max_tokens=9)
    for message in (streamed, plain):
        thinking, text, weather, clock = message.content
        assert (thinking.thinking, text.text) == ("let me see", "Hello")  # type: ignore[union-attr]  # as above
        assert (weather.name, weather.input, weather.id) == ("weather", WEATHER["args"], "call_a")  # type: ignore[union-attr]  # as above
        assert (clock.name, clock.input) == ("clock", {})  # type: ignore[union-attr]  # as above
        assert message.stop_reason == "tool_use"
        assert (message.usage.input_tokens, message.usage.output_tokens) == (11, 22)


def test_an_anthropic_stream_names_its_events_and_pings(server: ReplayServer) -> None:
    _, body = post(server, "/v1/messages", {"model": "c", "messages": ASK, "stream": True})
    blocks = [block.split("\n") for block in body.decode().strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in blocks]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert [json.loads(data.removeprefix("data: "))["type"] for _, data in blocks] == names


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(["a"]), "end_turn"),
        (Reply(["a"], finish_reason="length"), "max_tokens"),
        (Reply(["a"], finish_reason="pause_turn"), "pause_turn"),
        (Reply(refusal="No."), "refusal"),
    ],
)
def test_anthropic_gives_its_own_stop_reasons(
    server: ReplayServer, claude: anthropic.Anthropic, reply: Reply, reason: str
) -> None:
    server.queue(reply)
    assert claude.messages.create(model="c", messages=ASK, max_tokens=9).stop_reason == reason


# What is said next


def test_an_unscripted_server_echoes_the_last_user_message(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    pieces = [delta.content for delta in deltas(chunks(gpt))[1:-1]]
    assert pieces == ["What", " is", " it,", " then?"]
    blocks: Any = [{"role": "user", "content": [{"type": "text", "text": "in blocks"}]}]
    (text,) = claude.messages.create(model="c", messages=blocks, max_tokens=9).content
    assert text.text == "in blocks"  # type: ignore[union-attr]  # an echo is text


def test_the_queue_goes_before_the_function_and_the_function_before_the_echo(
    server: ReplayServer, gpt: openai.OpenAI
) -> None:
    @server.replies
    def answer(request: SeenRequest) -> list[str] | None:
        return ["by ", request.json["model"]] if request.json["model"] != "echo" else None

    server.reply("from the queue")

    def say(model: str) -> str | None:
        return gpt.chat.completions.create(model=model, messages=ASK).choices[0].message.content

    assert [say("a"), say("b"), say("echo")] == ["from the queue", "by b", "What is it, then?"]


def test_a_function_that_raises_is_told_to_the_client_and_to_the_test() -> None:
    answers = []

    def use() -> None:
        with ReplayServer() as server:
            server.replies(lambda request: str(1 // 0))
            answers.append(post(server, "/v1/chat/completions", {"messages": ASK}))

    with pytest.raises(ZeroDivisionError):
        use()
    ((status, body),) = answers
    assert status == 500
    assert b"ZeroDivisionError" in body


def test_an_unknown_path_is_answered_with_the_known_ones(server: ReplayServer) -> None:
    status, body = post(server, "/v1/models", None, method="GET")
    assert status == 404
    assert b"/chat/completions" in body
    assert server.requests[0].method == "GET"


def test_any_prefix_of_a_path_will_do(server: ReplayServer) -> None:
    status, _ = post(server, "/openai/deployments/x/chat/completions?api-version=1", {"messages": ASK})
    assert (status, server.requests[0].path) == (200, "/openai/deployments/x/chat/completions")


def test_surrogates_reach_the_client_as_bytes_not_as_an_error(server: ReplayServer) -> None:
    server.reply("\ud83d")
    status, body = post(server, "/v1/chat/completions", {"messages": ASK})
    assert status == 200
    assert b"\xed\xa0\xbd" in body


# Life


def test_many_streams_at_once(server: ReplayServer) -> None:
    server.pace = 0.005
    bodies: list[bytes] = []

    def ask() -> None:
        bodies.append(post(server, "/v1/chat/completions", {"messages": ASK, "stream": True})[1])

    askers = [threading.Thread(target=ask) for _ in range(50)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(bodies) == server.request_count == 50
    assert all(body.endswith(b"data: [DONE]\n\n") for body in bodies)


def test_a_server_can_start_again_and_leaves_no_thread() -> None:
    server = ReplayServer()
    before = threads()
    for _ in range(2):
        server.start()
        assert post(server, "/v1/chat/completions", {"messages": ASK})[0] == 200
        server.stop()
    assert not left_threads(before)
    with pytest.raises(ConfigError, match="not started"):
        _ = server.url


def test_a_connection_made_while_the_server_stops_does_not_leak() -> None:
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(30):
            with ReplayServer() as server:
                connection = socket.create_connection(("127.0.0.1", urlsplit(server.url).port))
            connection.close()
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_clear_makes_a_server_new(server: ReplayServer) -> None:
    server.pace = 1.0
    server.fail(500, times=3)
    server.clear()
    assert post(server, "/v1/chat/completions", {"messages": ASK})[0] == 200
    assert server.request_count == 1


def test_nothing_is_written_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with ReplayServer() as server:
        server.fail(500)
        post(server, "/v1/chat/completions", {"messages": ASK})
        post(server, "/nowhere", {})
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as half:
            half.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nhalf")
    assert capfd.readouterr() == ("", "")


def test_an_answer_that_cannot_be_sent_is_told_to_the_test() -> None:
    server = ReplayServer().start()
    server.reply("a", headers={"x-price": "5 €"})
    with pytest.raises(http.client.RemoteDisconnected):
        post(server, "/v1/chat/completions", {"messages": ASK})
    assert [type(error) for error in server.errors] == [UnicodeEncodeError]
    server.stop()


def test_every_public_name_is_there() -> None:
    import prill.testing

    assert all(getattr(prill.testing, name).__name__ == name for name in prill.testing.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        prill.testing.nonsense  # type: ignore[attr-defined]  # that is the point


def test_the_extra_is_named_when_its_packages_are_missing() -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "import prill.testing as t, prill.errors as e\n"
        "t.Reply(['still there'])\n"
        "try: t.ReplayServer\n"
        "except e.MissingDependencyError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'prill[testing]'" in done.stdout


def test_importing_the_room_loads_no_server() -> None:
    program = "import sys, prill.testing; print({'starlette', 'uvicorn', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_tool_call_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="tool call"):
        Reply(tool_calls=[{"args": {}}])


def test_an_answer_in_several_writes_does_not_wait_until_the_client_has_acknowledged_the_first() -> None:
    at_once = []

    async def answer(exchange: Exchange) -> None:
        sock = exchange._connection.transport.get_extra_info("socket")
        at_once.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await exchange.start(200, [(b"content-length", b"2")])
        await exchange.write(b"ok", last=True)

    thread = HTTPThread(answer)
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", thread.port)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
        connection.close()
    finally:
        thread.stop()
    assert at_once == [1]
