"""Choosing, trimming, merging, counting and writing messages."""

import asyncio
import pickle
from operator import itemgetter
from typing import Any

import pytest
from pydantic import BaseModel

from prill.errors import ChunkMergeError, CompositionError, ConfigError
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
    add_notification_metadata,
    convert_to_openai_data_block,
    convert_to_openai_messages,
    filter_messages,
    get_buffer_string,
    get_notification_metadata,
    merge_message_runs,
    trim_messages,
)
from prill.messages.create import create_image_block, create_text_block
from prill.messages.utils import count_tokens_approximately

CHAT = [SystemMessage("s"), HumanMessage("one"), AIMessage("two"), HumanMessage("three")]


def texts(messages):
    return [str(message.text) for message in messages]


@pytest.mark.parametrize(
    ("waiting", "outcome"),
    [
        (filter_messages(include_types=["human"]), ["one", "three"]),
        (trim_messages(max_tokens=1, token_counter=len), ["three"]),
        (merge_message_runs(chunk_separator="+"), ["s", "one", "two", "three"]),
    ],
)
def test_without_messages_a_function_is_a_runnable(waiting, outcome):
    assert texts(waiting.invoke(CHAT)) == outcome
    assert texts(asyncio.run(waiting.ainvoke(CHAT))) == outcome
    assert [texts(one) for one in waiting.batch([CHAT, CHAT])] == [outcome, outcome]
    assert [texts(one) for one in waiting.stream(CHAT)] == [outcome]
    assert texts(pickle.loads(pickle.dumps(waiting)).invoke(CHAT)) == outcome
    assert texts((itemgetter("messages") | waiting).invoke({"messages": CHAT})) == outcome
    assert (waiting | texts).with_config(tags=["x"]).invoke(CHAT) == outcome
    assert waiting.get_name() in ("filter_messages", "trim_messages", "merge_message_runs")


def test_filtering_does_not_change_what_it_was_given():
    message = AIMessage(
        [{"type": "tool_use", "id": "1", "name": "f", "input": {}}],
        tool_calls=[{"name": "f", "args": {}, "id": "1"}, {"name": "g", "args": {}, "id": "2"}],
    )
    [kept] = filter_messages([message], exclude_tool_calls=["1"])
    assert (len(message.tool_calls), len(kept.tool_calls), kept.content) == (2, 1, [])


def test_chunks_are_of_the_kind_of_their_message():
    assert filter_messages([AIMessageChunk("a"), HumanMessage("b")], include_types=["ai"]) == [AIMessageChunk("a")]


def test_a_counter_of_one_message_may_have_a_union_as_its_annotation():
    def of_any(message: AnyMessage) -> int:
        return len(message.content)

    def optional(message: BaseMessage | None) -> int:
        return len(message.content)

    def written(message: "HumanMessage | AIMessage") -> int:
        return len(message.content)

    def of_all(messages: list[AnyMessage]) -> int:
        return sum(len(message.content) for message in messages)

    wanted = texts(trim_messages(CHAT, max_tokens=8, token_counter=of_all))
    for counter in (of_any, optional, written):
        assert texts(trim_messages(CHAT, max_tokens=8, token_counter=counter)) == wanted


def test_a_counter_of_one_message_is_told_by_its_annotation():
    def one(message: HumanMessage) -> int:
        return 2

    assert texts(trim_messages(CHAT, max_tokens=4, token_counter=one)) == ["two", "three"]


def test_a_model_counts_tokens():
    class Model:
        def get_num_tokens_from_messages(self, messages):
            return len(messages)

    assert texts(trim_messages(CHAT, max_tokens=1, token_counter=Model())) == ["three"]
    assert len(trim_messages(CHAT, max_tokens=12, token_counter="approximate")) == 2


def test_a_text_splitter_says_what_a_part_is():
    kept = trim_messages(
        ["a b c"],
        max_tokens=2,
        strategy="first",
        allow_partial=True,
        token_counter=lambda messages: sum(len(m.content.split()) for m in messages),
        text_splitter=lambda text: [word + " " for word in text.split()],
    )
    assert texts(kept) == ["a b "]


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "middle"},
        {"strategy": "first", "start_on": "human"},
        {"strategy": "first", "include_system": True},
        {"token_counter": 5},
        {"text_splitter": 5},
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(ConfigError):
        trim_messages(CHAT, **{"max_tokens": 5, "token_counter": len, **options})


def test_only_neighbours_from_the_same_speaker_are_merged():
    messages = [
        HumanMessage("a", name="ann"),
        HumanMessage("b", name="bob"),
        HumanMessageChunk("c", name="bob"),
        ChatMessage("d", role="x"),
        ChatMessage("e", role="y"),
        ToolMessage("f", tool_call_id="1"),
        ToolMessage("g", tool_call_id="1"),
        RemoveMessage(id="1"),
        RemoveMessage(id="2"),
    ]
    merged = merge_message_runs(messages)
    assert texts(merged) == ["a", "b\nc", "d", "e", "f", "g", "", ""]


def test_merging_runs_adds_calls_and_usage():
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    call = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}
    one = AIMessage("a", tool_calls=[call], usage_metadata=usage, response_metadata={"finish_reason": "stop"})
    [merged] = merge_message_runs([one, one])
    assert merged.tool_calls == [call, call]
    assert merged.usage_metadata["total_tokens"] == 4
    assert merged.response_metadata == {"finish_reason": "stop"}
    assert one.content == "a"


def test_many_messages_are_merged_in_one_go():
    [merged] = merge_message_runs([HumanMessage("a")] * 20_000)
    assert len(merged.content) == 39_999


@pytest.mark.parametrize(
    ("chunks", "field", "value"),
    [
        ([HumanMessageChunk("a", id="1"), HumanMessageChunk("b")], "id", "1"),
        ([SystemMessageChunk("a", name="n"), SystemMessageChunk("b")], "name", "n"),
        (
            [ToolMessageChunk("a", tool_call_id="1", status="error"), ToolMessageChunk("b", tool_call_id="1")],
            "status",
            "error",
        ),
        ([ChatMessageChunk("a", role="r"), ChatMessageChunk("b", role="r")], "role", "r"),
    ],
    ids=lambda chunks: type(chunks[0]).__name__ if isinstance(chunks, list) else None,
)
def test_chunks_of_every_kind_can_be_added(chunks, field, value):
    merged = chunks[0] + chunks[1]
    assert merged.content == "ab"
    assert getattr(merged, field) == value


@pytest.mark.parametrize(
    "chunks",
    [
        [ToolMessageChunk("a", tool_call_id="1"), ToolMessageChunk("b", tool_call_id="2")],
        [ChatMessageChunk("a", role="1"), ChatMessageChunk("b", role="2")],
        [FunctionMessageChunk("a", name="1"), FunctionMessageChunk("b", name="2")],
    ],
    ids=lambda chunks: type(chunks[0]).__name__,
)
def test_chunks_of_different_messages_are_refused(chunks):
    with pytest.raises(CompositionError, match="different messages"):
        chunks[0] + chunks[1]


def test_a_removal_has_no_prefix():
    with pytest.raises(ConfigError, match="has no prefix"):
        get_buffer_string([RemoveMessage(id="1")])
    with pytest.raises(ConfigError, match="no role"):
        convert_to_openai_messages(RemoveMessage(id="1"))
    with pytest.raises(ConfigError, match="format"):
        get_buffer_string([], format="yaml")


def test_xml_is_escaped():
    message = AIMessage("<a & b>", tool_calls=[{"name": 'f"', "args": {"x": "<"}, "id": "1"}])
    assert get_buffer_string([message], format="xml").splitlines()[1:3] == [
        "  <content>&lt;a &amp; b&gt;</content>",
        '  <tool_call id="1" name="f&quot;">{"x": "&lt;"}</tool_call>',
    ]


def test_results_of_tools_keep_what_stands_beside_them():
    content = [{"type": "tool_result", "tool_use_id": "1", "content": "r"}, {"type": "text", "text": "q"}]
    assert convert_to_openai_messages(HumanMessage(content)) == [
        {"role": "tool", "tool_call_id": "1", "content": "r"},
        {"role": "user", "content": "q"},
    ]


@pytest.mark.parametrize("block", [{"type": "weird"}, {"type": "text"}, {"type": "tool_use", "id": "1"}], ids=str)
def test_blocks_that_cannot_be_written_are_named(block):
    with pytest.raises(ConfigError, match=r"messages\[0\].content\[0\]"):
        convert_to_openai_messages([HumanMessage([block])], pass_through_unknown_blocks=False)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": "AA"},
        {"type": "image", "file_id": "f"},
        {"type": "audio", "url": "u"},
        {"type": "file", "url": "u"},
        {"type": "file"},
        {"type": "video", "url": "u"},
    ],
    ids=str,
)
def test_data_that_openai_does_not_take_is_refused(block):
    with pytest.raises(ConfigError):
        convert_to_openai_data_block(block)


def test_usage_raises_the_estimate_by_a_quarter_at_most():
    usage = {"input_tokens": 50, "output_tokens": 50, "total_tokens": 100}
    answer = AIMessage("b", usage_metadata=usage, response_metadata={"model_provider": "openai"})
    messages = ["a", answer, "c" * 40]
    assert count_tokens_approximately(messages) == 25
    assert count_tokens_approximately(messages, use_usage_metadata_scaling=True) == 32
    assert count_tokens_approximately(["a"], tools=[{"name": "f", "x": 1}]) == 11


def test_a_notification_is_a_marked_copy():
    message = HumanMessage("x")
    marked = add_notification_metadata(message, source="clock", data={"at": 1})
    assert get_notification_metadata(marked) == {"source": "clock", "data": {"at": 1}}
    assert get_notification_metadata(add_notification_metadata(marked, source="bell")) == {"source": "bell"}
    assert get_notification_metadata(message) is None


def test_created_blocks_have_an_id_and_only_what_was_given():
    block = create_text_block("a", index=0, color="red")
    assert block.pop("id").startswith("lc_")
    assert block == {"type": "text", "text": "a", "index": 0, "extras": {"color": "red"}}
    with pytest.raises(ConfigError, match="one of url, base64 and file_id"):
        create_image_block()


CALL = {"name": "f", "args": {}, "id": "1"}
TALK = [
    SystemMessage("s"),
    HumanMessage("q1"),
    AIMessage("", tool_calls=[CALL, {**CALL, "id": "2"}]),
    ToolMessage("r1", tool_call_id="1"),
    ToolMessage("r2", tool_call_id="2"),
    AIMessage("a1"),
    HumanMessage("q2"),
    AIMessage("", tool_calls=[CALL]),  # the id comes again
    ToolMessage("r3", tool_call_id="1"),
    AIMessage("a2"),
]


@pytest.mark.parametrize("most", range(1, len(TALK) + 1))
@pytest.mark.parametrize("options", [{"strategy": "first"}, {}, {"include_system": True}, {"end_on": "ai"}])
def test_trimming_keeps_calls_and_their_results_together(most, options):
    kept = trim_messages(TALK, max_tokens=most, token_counter=len, **options)
    groups = [{2, 3, 4}, {7, 8}]
    places = {TALK.index(message) for message in kept}
    assert all(group <= places or not group & places for group in groups)
    assert len(kept) <= most


def test_a_call_that_nobody_has_answered_yet_stays():
    assert trim_messages(TALK[:3], max_tokens=2, token_counter=len) == TALK[1:3]


def test_a_function_message_stays_with_its_call():
    call = AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}})
    chat = [HumanMessage("q"), call, FunctionMessage("r", name="f"), HumanMessage("b")]
    assert trim_messages(chat, max_tokens=2, token_counter=len) == chat[3:]
    assert trim_messages(chat, max_tokens=3, token_counter=len) == chat[1:]


def test_a_counter_of_one_message_needs_no_annotation():
    chat = [HumanMessage("one"), AIMessage("two"), HumanMessage("three")]
    kept = trim_messages(chat, max_tokens=8, token_counter=lambda message: len(message.content))
    assert texts(kept) == ["two", "three"]


def test_an_error_in_a_counter_is_that_of_the_list():
    with pytest.raises(AttributeError, match="list"):
        trim_messages(TALK, max_tokens=8, token_counter=lambda message: message.nothing)


DATA = "A" * 400_000
URL = f"data:image/png;base64,{DATA}"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "input_image", "image_url": URL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        {"type": "audio", "base64": DATA, "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{DATA}"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}},
        {"type": "video", "base64": DATA},
        {"type": "media", "data": DATA.encode()},
        {"type": "custom", "parts": [URL]},
        {"type": "image_generation_call", "result": DATA},
        {"type": "lines", "text": "\n".join([DATA[:76]] * 5000)},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image_url", "image_url": {"url": URL}}]},
    ],
    ids=lambda block: block["type"],
)
def test_an_attachment_is_not_counted_by_its_letters(block):
    assert count_tokens_approximately([HumanMessage([{"type": "text", "text": "look"}, block])]) < 300


def test_text_in_a_document_is_counted():
    block = {"type": "document", "source": {"type": "text", "data": "many words " * 4000}}
    assert count_tokens_approximately([HumanMessage([block])]) > 10_000


def test_merged_lists_of_texts_keep_their_items():
    merged = merge_message_runs([HumanMessage("Hello"), HumanMessage(["foo", "bar"]), HumanMessage("baz")])
    assert [message.content for message in merged] == [["Hello", "foo", "bar", "baz"]]
    same = {"type": "text", "text": "x", "index": 0}
    assert merge_message_runs([HumanMessage([same]), HumanMessage([same])])[0].content == [same, same]


@pytest.mark.parametrize(
    ("block", "written"),
    [
        ({"type": "text-plain", "text": "a < b", "mime_type": "text/plain"}, "a &lt; b"),
        ({"type": "text-plain", "text": "x" * 600, "mime_type": "text/plain"}, "x" * 500 + "..."),
        ({"type": "file", "file_id": "f&1"}, '<file file_id="f&amp;1" />'),
        ({"type": "image", "url": "https://a.b/c", "file_id": "f"}, '<image url="https://a.b/c" />'),
        (
            {"type": "server_tool_call", "id": "c", "name": "web", "args": {"q": "é"}},
            '<server_tool_call id="c" name="web">{"q": "é"}</server_tool_call>',
        ),
        (
            {"type": "server_tool_result", "tool_call_id": None, "status": "error"},
            '<server_tool_result tool_call_id="" status="error"></server_tool_result>',
        ),
        (
            {"type": "server_tool_result", "tool_call_id": "c" * 65, "status": "success", "output": ["o"]},
            f'<server_tool_result tool_call_id="{"c" * 64}..." status="success">["o"]</server_tool_result>',
        ),
        ({"type": "image", "base64": "QQ==", "mime_type": "image/png"}, ""),
    ],
    ids=["text", "long text", "file", "image", "call", "no output", "long id", "data"],
)
def test_xml_of_a_block(block, written):
    assert get_buffer_string([HumanMessage([block])], format="xml") == f'<message type="human">{written}</message>'


def test_prefixes_are_in_lower_case_in_xml_and_roles_are_not():
    chat = [HumanMessage("a"), ChatMessage("b", role="Boss")]
    assert get_buffer_string(chat, human_prefix="User") == "User: a\nBoss: b"
    xml = get_buffer_string(chat, human_prefix="User", format="xml")
    assert xml == '<message type="user">a</message>\n<message type="Boss">b</message>'


def test_ids_of_calls_are_short_in_xml():
    calls = [{"name": "f", "args": {}, "id": id} for id in (None, "i" * 64, "i" * 65)]
    xml = get_buffer_string([AIMessage("", tool_calls=calls)], format="xml")
    assert [line.split('"')[1] for line in xml.splitlines()[1:-1]] == ["", "i" * 64, "i" * 64 + "..."]


@pytest.mark.parametrize("passed", [True, False])
def test_a_function_call_block_becomes_a_tool_call_for_openai(passed):
    block = {"type": "function_call", "id": "fc", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
    call = {"type": "function", "id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}
    written = convert_to_openai_messages(AIMessage([block]), pass_through_unknown_blocks=passed)
    assert written["tool_calls"] == [call]
    assert written["content"] == ([block] if passed else "")
    same = AIMessage([block], tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}])
    assert len(convert_to_openai_messages(same)["tool_calls"]) == 1


def test_a_file_of_data_has_a_name_for_openai():
    data = {"file_data": "data:application/pdf;base64,QQ=="}
    block = {"type": "file", "file": dict(data)}
    (written,) = convert_to_openai_messages(HumanMessage([block]))["content"]
    assert written == {"type": "file", "file": {**data, "filename": "file"}}
    assert block["file"] == data
    for kept in ({**data, "filename": "a.pdf"}, {"file_id": "f"}):
        (same,) = convert_to_openai_messages(HumanMessage([{"type": "file", "file": kept}]))["content"]
        assert same["file"] == kept


def test_chunks_that_do_not_belong_together_are_a_value_error():
    for left, right in [
        (AIMessageChunk("a"), HumanMessageChunk("b")),
        (ChatMessageChunk("a", role="1"), ChatMessageChunk("b", role="2")),
    ]:
        with pytest.raises(ChunkMergeError) as caught:
            left + right
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, CompositionError)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        {"type": "tool_call", "id": "c1", "name": "f", "args": {}},
    ],
    ids=lambda block: block["type"],
)
def test_an_excluded_call_leaves_the_content_too(block):
    calls = [{"name": name, "args": {}, "id": id} for name, id in (("f", "c1"), ("g", "c2"))]
    chat = [AIMessage([block, {"type": "text", "text": "x"}], tool_calls=calls), ToolMessage("r", tool_call_id="c1")]
    (message,) = filter_messages(chat, exclude_tool_calls=["c1"])
    assert [call["id"] for call in message.tool_calls] == ["c2"]
    assert message.content == [{"type": "text", "text": "x"}]


def test_a_chunk_in_a_field_of_its_message_class_is_dumped_with_its_calls():
    class State(BaseModel):
        last: AIMessage

    pieces = [{"name": "f", "args": "{}", "id": "c", "index": 0}]
    dumped = State(last=AIMessageChunk("x", tool_call_chunks=pieces)).model_dump()
    assert dumped["last"]["tool_calls"] == [{"name": "f", "args": {}, "id": "c", "type": "tool_call"}]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_call_chunk", "id": "c1", "name": "f", "args": "{}", "index": 0},
        {"type": "server_tool_call", "id": "c1", "name": "f", "args": {}},
        {"type": "function_call", "call_id": "c1", "id": "fc", "name": "f", "arguments": "{}"},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {}}},
        {"functionCall": {"id": "c1", "name": "f", "args": {}}},
    ],
)
def test_a_call_that_is_left_out_goes_from_wherever_a_provider_puts_it(block: Any) -> None:
    calls: Any = [{"name": name, "args": {}, "id": id} for name, id in (("f", "c1"), ("g", "c2"))]
    raw = [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id in ("c1", "c2")]
    message = AIMessage([block, "text", {"type": "text", "text": "x"}], tool_calls=calls)
    message.additional_kwargs["tool_calls"] = raw
    message.invalid_tool_calls = [{"type": "invalid_tool_call", "id": "c1", "name": "f", "args": "{", "error": None}]
    [kept] = filter_messages([message], exclude_tool_calls=["c1"])
    assert kept.content == ["text", {"type": "text", "text": "x"}]
    assert [call["id"] for call in kept.additional_kwargs["tool_calls"]] == ["c2"]
    assert "c1" not in repr(kept)
    assert message.additional_kwargs["tool_calls"] == raw
