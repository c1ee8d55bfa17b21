"""The parsers of tool calls: growing while they stream, whole at the end."""

from functools import partial
from typing import Any

import langchain_core.messages as peer_messages
import langchain_core.output_parsers.openai_tools as peer
import pytest
from pydantic import BaseModel

from prill.errors import OutputParserException
from prill.messages import message_chunk_to_message
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.messages.base import merge_chunks
from prill.output_parsers import JsonOutputKeyToolsParser, JsonOutputToolsParser, PydanticToolsParser, StructuredParser
from prill.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call, parse_tool_calls


class Weather(BaseModel):
    city: str
    days: int = 1


class Search(BaseModel):
    query: str


def piece(args: str, name: str | None = None, id: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"name": name, "args": args, "id": id, "index": index}


PIECES: list[list[dict[str, Any]]] = [
    [],
    [piece("", "Weather", "1")],
    [piece('{"city"')],
    [piece(': "Par')],
    [piece('is", "days": 1')],
    [piece("2}")],
    [piece("", "Search", "2", 1)],
    [piece('{"query": "x', index=1)],
    [piece('y"}', index=1)],
    [],
]
CHUNKS = [AIMessageChunk("", tool_call_chunks=pieces) for pieces in PIECES]
MESSAGE = AIMessage(
    "",
    tool_calls=[
        {"name": "Weather", "args": {"city": "Paris", "days": 12}, "id": "1", "type": "tool_call"},
        {"name": "Search", "args": {"query": "xy"}, "id": "2", "type": "tool_call"},
    ],
)
PARSERS: list[tuple[Any, Any, dict[str, Any]]] = [
    (JsonOutputToolsParser, peer.JsonOutputToolsParser, {}),
    (JsonOutputToolsParser, peer.JsonOutputToolsParser, {"return_id": True}),
    (JsonOutputToolsParser, peer.JsonOutputToolsParser, {"first_tool_only": True}),
    (JsonOutputKeyToolsParser, peer.JsonOutputKeyToolsParser, {"key_name": "Weather"}),
    (JsonOutputKeyToolsParser, peer.JsonOutputKeyToolsParser, {"key_name": "Search", "return_id": True}),
    (JsonOutputKeyToolsParser, peer.JsonOutputKeyToolsParser, {"key_name": "Search", "first_tool_only": True}),
    (JsonOutputKeyToolsParser, peer.JsonOutputKeyToolsParser, {"key_name": "none", "first_tool_only": True}),
    (JsonOutputKeyToolsParser, peer.JsonOutputKeyToolsParser, {"key_name": "none"}),
    (PydanticToolsParser, peer.PydanticToolsParser, {"tools": [Weather, Search]}),
    (PydanticToolsParser, peer.PydanticToolsParser, {"tools": [Weather, Search], "first_tool_only": True}),
]


@pytest.mark.parametrize(("ours", "theirs", "options"), PARSERS)
def test_calls_grow_as_with_the_peer(colour: Any, ours: Any, theirs: Any, options: dict[str, Any]) -> None:
    chunks = [peer_messages.AIMessageChunk("", tool_call_chunks=pieces) for pieces in PIECES]
    assert colour.stream(ours(**options), CHUNKS) == list(theirs(**options).transform(iter(chunks)))


@pytest.mark.parametrize(("ours", "theirs", "options"), PARSERS)
def test_a_whole_message_gives_what_the_peer_gives(
    colour: Any, ours: Any, theirs: Any, options: dict[str, Any]
) -> None:
    expected = theirs(**options).invoke(peer_messages.AIMessage("", tool_calls=MESSAGE.tool_calls))
    assert colour.invoke(ours(**options), MESSAGE) == expected
    assert colour.invoke(ours(**options), merge_chunks(CHUNKS)) == expected
    assert colour.stream(ours(**options), [MESSAGE]) == ([] if expected is None else [expected])
    without = theirs(**options).invoke(peer_messages.AIMessage("no calls"))
    assert colour.invoke(ours(**options), AIMessage("no calls")) == without


def test_a_call_leaves_before_the_next_chunk_is_asked_for(tracked: Any) -> None:
    source = tracked(CHUNKS)
    asked = [source.asked for _ in JsonOutputToolsParser().transform(iter(source))]
    assert asked == [1, 2, 4, 5, 6, 7, 8, 9]


def test_calls_are_told_apart_where_a_provider_gives_all_the_same_index(colour: Any) -> None:
    pieces = [piece('{"a"', "f", "1"), piece(": 1}"), piece('{"b"', "g", "2"), piece(": 2}")]
    chunks = [AIMessageChunk("", tool_call_chunks=[each]) for each in pieces]
    *_, last = colour.stream(JsonOutputToolsParser(return_id=True), chunks)
    assert last == [{"args": {"a": 1}, "id": "1", "type": "f"}, {"args": {"b": 2}, "id": "2", "type": "g"}]


def test_an_id_that_comes_late_belongs_to_the_call_that_has_none() -> None:
    pieces = [piece("", "f"), piece('{"a"', None, "1"), piece(": 1}", None, "1")]
    *_, last = JsonOutputToolsParser(return_id=True).transform(
        iter([AIMessageChunk("", tool_call_chunks=[each]) for each in pieces])
    )
    assert last == [{"args": {"a": 1}, "id": "1", "type": "f"}]


def test_a_call_without_arguments_is_whole(colour: Any) -> None:
    chunk = AIMessageChunk("", tool_call_chunks=[piece("", "f", "1")])
    assert colour.stream(JsonOutputToolsParser(), [chunk]) == [[{"args": {}, "type": "f"}]]


@pytest.mark.parametrize("args", ['{"city": "Par', "[1]", "nope"])
def test_arguments_that_are_no_whole_object_are_an_error_with_their_text(colour: Any, args: str) -> None:
    chunk = AIMessageChunk("", tool_call_chunks=[piece(args, "Weather", "1")])
    for run in (
        lambda: colour.stream(JsonOutputToolsParser(), [chunk]),
        lambda: colour.invoke(JsonOutputToolsParser(), chunk),
    ):
        with pytest.raises(OutputParserException, match="arguments of the tool call Weather") as caught:
            run()
        assert caught.value.llm_output == args


def test_a_call_cut_at_the_token_limit_is_named_as_such(colour: Any) -> None:
    chunks = [*CHUNKS[:4], AIMessageChunk("", response_metadata={"finish_reason": "length"})]
    with pytest.raises(OutputParserException, match="token limit") as caught:
        colour.stream(PydanticToolsParser(tools=[Weather]), chunks)
    assert caught.value.llm_output == '{"city": "Par'


def test_an_invalid_call_of_a_whole_message_is_an_error(colour: Any) -> None:
    bad = {"name": "f", "args": '{"a"', "id": "1", "error": "cut", "type": "invalid_tool_call"}
    with pytest.raises(OutputParserException, match="tool call f cannot be used: cut") as caught:
        colour.invoke(JsonOutputToolsParser(), AIMessage("", invalid_tool_calls=[bad]))
    assert caught.value.llm_output == '{"a"'


def test_text_is_refused(colour: Any) -> None:
    for run in (colour.invoke, lambda parser, text: colour.stream(parser, [text])):
        with pytest.raises(OutputParserException, match="needs a chat model's messages") as caught:
            run(JsonOutputToolsParser(), "hi")
        assert caught.value.llm_output == "hi"
    with pytest.raises(NotImplementedError, match="reads messages"):
        JsonOutputToolsParser().parse("hi")


def test_arguments_that_are_not_valid_are_an_error_that_names_the_field(colour: Any) -> None:
    message = AIMessage("", tool_calls=[{"name": "Weather", "args": {"city": 3}, "id": "1"}])
    with pytest.raises(OutputParserException, match=r"not a valid Weather:\n  city: .*; found 3") as caught:
        colour.invoke(PydanticToolsParser(tools=[Weather]), message)
    assert caught.value.llm_output == '{"city": 3}'


def test_a_call_of_an_unknown_tool_is_an_error_that_names_the_known_ones(colour: Any) -> None:
    with pytest.raises(OutputParserException, match="'Search', which is none of the tools Weather"):
        colour.stream(PydanticToolsParser(tools=[Weather]), CHUNKS)


def raw(args: str | None) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": "f", "arguments": args}}


@pytest.mark.parametrize("args", ['{"a": 1}', "", '{"a": "x\ny"}', '{"a": [1'])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("return_id", [False, True])
def test_raw_calls_are_read_as_by_the_peer(args: str, partial: bool, return_id: bool) -> None:
    try:
        expected = peer.parse_tool_call(raw(args), partial=partial, return_id=return_id)
    except ValueError:
        with pytest.raises(OutputParserException) as caught:
            parse_tool_call(raw(args), partial=partial, return_id=return_id)
        assert caught.value.llm_output == args
    else:
        assert parse_tool_call(raw(args), partial=partial, return_id=return_id) == expected


def test_several_raw_calls_fail_with_one_error() -> None:
    assert parse_tool_calls([raw('{"a": 1}'), {}], return_id=False) == [{"name": "f", "args": {"a": 1}}]
    with pytest.raises(OutputParserException) as caught:
        parse_tool_calls([raw("{"), raw('{"a": 1}'), raw("[")])
    assert caught.value.llm_output == "{\n["
    assert parse_tool_call({}) is None
    assert parse_tool_call(raw(None), return_id=False) == {"name": "f", "args": {}}
    with pytest.raises(OutputParserException):
        parse_tool_call(raw('{"a": "x\ny"}'), strict=True)


def test_an_invalid_call_is_made_from_a_raw_one() -> None:
    assert make_invalid_tool_call(raw("{"), "broken") == peer.make_invalid_tool_call(raw("{"), "broken")


NASTY = [
    "{}",
    "",
    '{"a": NaN}',
    '{"a": -Infinity}',
    '{"a": "\\ud800"}',
    '{"a": "\\udc00 x"}',
    '{"a": "\\ud83d\\ude00"}',
    '{"a": "\ud800"}',
    '{"a": "one\ntwo\tthree"}',
    '{"a": "\x00\x1f"}',
    '{"a": 1, "a": 2}',
    '\ufeff{"a": 1}',
    '```json\n{"a": 1}\n```',
    '{"a": 1} {"a": 2}',
    '{"a": 1,}',
    "[1]",
    "null",
    '"text"',
    '{"a": ' + "[" * 150 + "]" * 150 + "}",
    '{"a": ' + "[" * 230 + "]" * 230 + "}",
    '{"a": ' + "[" * 1000 + "]" * 1000 + "}",
    '{"a": 1' + "0" * 4000 + "}",
    '{"a": 1' + "0" * 5000 + "}",
    '{"a": 1e999}',
    '{"a": 01}',
    " \n{} ",
]


@pytest.mark.parametrize("args", NASTY, ids=lambda args: args[:20].encode("ascii", "backslashreplace").decode())
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_stream_ends_with_what_the_whole_message_gives_or_fails_as_it_does(args: str, size: int) -> None:
    def ended(run: Any) -> Any:
        try:
            return run()
        except OutputParserException:
            return OutputParserException

    first = {"name": "f", "args": "", "id": "1", "index": 0}
    rest = [{"name": None, "args": args[at : at + size], "id": None, "index": 0} for at in range(0, len(args), size)]
    chunks = [AIMessageChunk("", tool_call_chunks=[piece]) for piece in [first, *rest]]
    chunks.append(AIMessageChunk("", chunk_position="last"))
    whole = message_chunk_to_message(merge_chunks(chunks))
    parsers: list[Any] = [JsonOutputToolsParser(), JsonOutputKeyToolsParser(key_name="f")]
    if '"a": 2' not in args:  # of a key that comes twice a message shows the last, a structured answer is refused
        parsers.append(StructuredParser(Anything, tool="f"))
    for parser in parsers:
        one = ended(partial(parser.invoke, whole))
        assert ended(lambda made=parser: list(made.transform(iter(chunks)))[-1]) == one


class Anything(BaseModel):
    a: Any = None


CUT_OTHERWISE: dict[str, list[dict[str, Any]]] = {
    "fresh ids": [piece("", "f", "a"), piece('{"x"', id="b"), piece(": 1}", id="c")],
    "a name and an id in each piece": [piece("", "f", "a"), piece('{"x"', "f", "b"), piece(": 1}", "f", "c")],
    "a split name": [piece("", "f", "a"), piece("", "oo"), piece('{"x": 1}')],
    "braces first": [piece("{}", "f", "a"), piece('{"x": 1}')],
    "twice": [piece('{"x": 1}', "f", "a"), piece('{"x": 1}')],
    "fresh indices": [piece("", "f", "a", 0), piece('{"x": 1}', id="a", index=1)],
}


@pytest.mark.parametrize("given", CUT_OTHERWISE.values(), ids=CUT_OTHERWISE.keys())
def test_a_call_is_put_together_as_in_the_message(given: list[dict[str, Any]]) -> None:
    chunks = [AIMessageChunk("", tool_call_chunks=[each]) for each in given]
    chunks.append(AIMessageChunk("", chunk_position="last"))
    calls = merge_chunks(chunks).tool_calls
    *_, last = JsonOutputToolsParser().transform(iter(chunks))
    assert last == [{"type": call["name"], "args": call["args"]} for call in calls]
    assert calls[0]["args"] == {"x": 1}


def test_a_call_whose_arguments_the_token_limit_cut_off_whole_is_an_error() -> None:
    last = AIMessageChunk("", response_metadata={"finish_reason": "length"}, chunk_position="last")
    chunks = [AIMessageChunk("", tool_call_chunks=[piece("", "f", "a")]), last]
    with pytest.raises(OutputParserException, match="token limit"):
        list(JsonOutputToolsParser().transform(iter(chunks)))
