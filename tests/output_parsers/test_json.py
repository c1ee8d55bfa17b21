"""JsonOutputParser: a value that grows while it streams, and must be whole at the end."""

import json
import pickle
from itertools import pairwise
from typing import Any

import langchain_core.messages as peer_messages
import langchain_core.output_parsers as peer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from prill.errors import OutputParserException
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.output_parsers import JsonOutputParser, SimpleJsonOutputParser
from prill.output_parsers.json import parse_and_check_json_markdown, parse_json_markdown, parse_partial_json
from prill.outputs import Generation
from prill.runnables import RunnableLambda

COUNTRIES = [
    "",
    "{",
    '"',
    "countries",
    '":',
    " [",
    " {",
    '"name',
    '":',
    ' "',
    "France",
    '",',
    ' "population',
    '":',
    " ",
]
COUNTRIES += ["670", "810", "00", "},", " {", '"name', '":', ' "', "Spain", '"}', "]}", ""]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text('ab"\\\n é', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("kl", max_size=2), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: value is not None)


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


def apply(patches: list[list[dict[str, Any]]]) -> Any:
    """Apply JSON Patches of the three operations that occur."""
    document: Any = None
    for operation in [operation for patch in patches for operation in patch]:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")]
        if not path:
            document = json.loads(json.dumps(operation["value"]))
            continue
        target = document
        for part in path[1:]:
            target = target[int(part)] if isinstance(target, list) else target[part]
        key: Any = int(last) if isinstance(target, list) else last
        if operation["op"] == "remove":
            del target[key]
        elif isinstance(target, list) and operation["op"] == "add":
            target.insert(key, operation["value"])
        else:
            target[key] = operation["value"]
    return document


def test_the_value_grows_as_in_the_well_known_example(colour: Any) -> None:
    assert [repr(value) for value in colour.stream(JsonOutputParser(), map(AIMessageChunk, COUNTRIES))] == [
        "{}",
        "{'countries': []}",
        "{'countries': [{}]}",
        "{'countries': [{'name': ''}]}",
        "{'countries': [{'name': 'France'}]}",
        "{'countries': [{'name': 'France', 'population': 670}]}",
        "{'countries': [{'name': 'France', 'population': 670810}]}",
        "{'countries': [{'name': 'France', 'population': 67081000}]}",
        "{'countries': [{'name': 'France', 'population': 67081000}, {}]}",
        "{'countries': [{'name': 'France', 'population': 67081000}, {'name': ''}]}",
        "{'countries': [{'name': 'France', 'population': 67081000}, {'name': 'Spain'}]}",
    ]


@pytest.mark.parametrize("diff", [False, True])
def test_messages_stream_to_the_same_values_and_patches_as_with_the_peer(colour: Any, diff: bool) -> None:
    ours = colour.stream(JsonOutputParser(diff=diff), map(AIMessageChunk, COUNTRIES))
    theirs = peer.JsonOutputParser(diff=diff).transform(iter(map(peer_messages.AIMessageChunk, COUNTRIES)))
    assert ours == list(theirs)


@settings(max_examples=60)
@given(
    values, st.lists(st.integers(0, 200), max_size=8), st.sampled_from(["{}", "```json\n{}\n```", "So:\n```\n{}\n```!"])
)
def test_however_a_text_is_cut_the_stream_ends_with_what_invoke_gives(value: Any, cuts: list[int], frame: str) -> None:
    text = frame.replace("{}", json.dumps(value, ensure_ascii=False))
    pieces = split(text, cuts)
    *_, last = JsonOutputParser().transform(iter(pieces))
    patches = list(JsonOutputParser(diff=True).transform(iter(pieces)))
    assert last == value == JsonOutputParser().invoke(text) == apply(patches)


@settings(max_examples=60)
@given(values.filter(lambda value: isinstance(value, dict | list)), st.lists(st.integers(0, 200), max_size=8))
def test_no_value_comes_twice_and_none_changes_later(value: Any, cuts: list[int]) -> None:
    seen = []
    for current in JsonOutputParser().transform(iter(split(json.dumps(value), cuts))):
        seen.append((current, repr(current)))
    assert [repr(current) for current, _ in seen] == [text for _, text in seen]
    assert all(a != b for (_, a), (_, b) in pairwise(seen))


def test_a_value_leaves_before_the_next_chunk_is_asked_for(tracked: Any) -> None:
    source = tracked(['{"a', '": 1', ', "b": "x', "y", '"}'])
    stream = JsonOutputParser().transform(iter(source))
    asked = [(value, source.asked) for value in stream]
    assert asked == [({}, 1), ({"a": 1}, 2), ({"a": 1, "b": "x"}, 3), ({"a": 1, "b": "xy"}, 4)]


def test_leaving_the_stream_closes_the_source(tracked: Any) -> None:
    source = tracked(["[1", ", 2", ", 3]"])
    stream = JsonOutputParser().transform(iter(source))
    assert next(stream) == [1]
    stream.close()  # type: ignore[attr-defined]  # iterators of ours are generators
    assert source.closed
    assert source.asked == 1


@pytest.mark.parametrize(
    "text", ['{"a": 1', "abc", "", "[1, 2", '{"a": tru', '"open', '{"a": 1,}', '{"a": 1} {"b": 2}']
)
def test_a_text_that_is_not_whole_json_is_an_error_with_the_text(colour: Any, text: str) -> None:
    for run in (colour.invoke, lambda parser, text: colour.stream(parser, list(text) or [""])):
        with pytest.raises(OutputParserException, match="expected") as caught:
            run(JsonOutputParser(), text)
        assert caught.value.llm_output == text


def test_values_come_out_before_the_error() -> None:
    stream = JsonOutputParser().transform(iter(["[1", ", 2", ", "]))
    assert [next(stream), next(stream)] == [[1], [1, 2]]
    with pytest.raises(OutputParserException):
        next(stream)


@pytest.mark.parametrize(
    "facts",
    [
        {"finish_reason": "length"},
        {"stop_reason": "max_tokens"},
        {"incomplete_details": {"reason": "max_output_tokens"}},
    ],
)
def test_an_answer_cut_at_the_token_limit_is_named_as_such(colour: Any, facts: dict[str, Any]) -> None:
    chunks = [AIMessageChunk('{"a": [1'), AIMessageChunk("", response_metadata=facts)]
    for run in (
        lambda: colour.stream(JsonOutputParser(), chunks),
        lambda: colour.invoke(JsonOutputParser(), AIMessage('{"a": [1', response_metadata=facts)),
        lambda: colour.invoke(JsonOutputParser(), Generation(text='{"a": [1', generation_info=facts)),
    ):
        with pytest.raises(OutputParserException, match="cut by the token limit") as caught:
            run()
        assert caught.value.llm_output == '{"a": [1'


def test_a_whole_value_at_the_token_limit_is_no_error(colour: Any) -> None:
    message = AIMessageChunk("[1]", response_metadata={"finish_reason": "length"})
    assert colour.stream(JsonOutputParser(), [message]) == [[1]]
    assert colour.invoke(JsonOutputParser(), message) == [1]


def test_an_error_without_the_token_limit_does_not_speak_of_it() -> None:
    message = AIMessageChunk("[1", response_metadata={"finish_reason": "stop"})
    with pytest.raises(OutputParserException) as caught:
        JsonOutputParser().invoke(message)
    assert "token limit" not in str(caught.value)


def test_a_stream_without_chunks_gives_nothing(colour: Any) -> None:
    assert colour.stream(JsonOutputParser(), []) == []


def test_null_is_a_value(colour: Any) -> None:
    assert colour.stream(JsonOutputParser(), ["nu", "ll"]) == [None]
    assert colour.invoke(JsonOutputParser(), "null") is None


def test_the_next_step_gets_the_whole_value(colour: Any) -> None:
    keys = RunnableLambda(lambda value: list(value))
    assert colour.stream(JsonOutputParser() | keys, ['{"a": 1', ', "b": 2}']) == [["a", "b"]]


def test_a_parser_keeps_nothing_between_runs() -> None:
    parser = JsonOutputParser()
    first, second = parser.transform(iter(["[1", "]"])), parser.transform(iter(["[2", "]"]))
    assert [next(first), next(second), *first, *second] == [[1], [2]]
    assert parser == JsonOutputParser() != JsonOutputParser(diff=True)
    assert pickle.loads(pickle.dumps(JsonOutputParser(diff=True))).diff


def test_a_subclass_that_overrides_parse_result_is_called_with_each_text_so_far(colour: Any) -> None:
    class Keys(JsonOutputParser):
        def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
            value = super().parse_result(result, partial=partial)
            return None if value is None else sorted(value)

    assert colour.stream(Keys(), ['{"b": 1', ', "a": 2}']) == [["b"], ["a", "b"]]
    assert colour.invoke(Keys(), '{"b": 1, "a": 2}') == ["a", "b"]
    with pytest.raises(OutputParserException):
        colour.stream(Keys(), ['{"b": 1'])


def test_a_subclass_that_overrides_parse_is_given_the_whole_text_only(colour: Any) -> None:
    class Items(JsonOutputParser):
        def parse(self, text: str) -> Any:
            return super().parse(text)["items"]

    assert colour.stream(Items(), ['{"items": [1', ", 2]}"]) == [[1, 2]]
    assert colour.invoke(Items(), '{"items": [1, 2]}') == [1, 2]


def test_a_subclass_that_overrides_diff_is_obeyed(colour: Any) -> None:
    class Both(JsonOutputParser):
        def _diff(self, prev: Any, next: Any) -> Any:
            return [(prev, next)]

    assert colour.stream(Both(diff=True), ["[1", ", 2]"]) == [[(None, [1])], [([1], [1, 2])]]


def test_instructions_show_the_schema_of_the_model_that_is_wanted() -> None:
    class Country(BaseModel):
        """A country"""

        name: str

    text = JsonOutputParser(pydantic_object=Country).get_format_instructions()
    schema = json.loads(text.split("```json\n")[1].split("\n```")[0])
    assert schema["properties"] == {"name": {"title": "Name", "type": "string"}}
    assert schema["required"] == ["name"]
    assert "JSON" in JsonOutputParser().get_format_instructions()
    assert JsonOutputParser(pydantic_object=Country).invoke('{"name": "x"}') == {"name": "x"}


def test_its_other_name_and_its_kind_are_the_peers() -> None:
    assert SimpleJsonOutputParser is JsonOutputParser
    assert JsonOutputParser().asdict()["_type"] == "simple_json_output_parser"


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": "b', "[1, 2", '{"a": tr', '{"a"', "1.", ' {"x": "a\nb'])
def test_parse_partial_json_shows_what_has_come(text: str) -> None:
    from langchain_core.utils.json import parse_partial_json as peer_parse

    assert parse_partial_json(text) == parse_partial_json(text, strict=True) == peer_parse(text)


@pytest.mark.parametrize("text", ["", "abc", "tru", "{a"])
def test_parse_partial_json_refuses_what_is_no_json(text: str) -> None:
    with pytest.raises(OutputParserException) as caught:
        parse_partial_json(text)
    assert caught.value.llm_output == text


def test_parse_json_markdown_looks_behind_a_fence() -> None:
    assert parse_json_markdown('So:\n```json\n{"a": [1\n') == {"a": [1]}
    with pytest.raises(OutputParserException, match="no JSON"):
        parse_json_markdown("no fence here")


def test_parse_and_check_json_markdown_wants_a_whole_object_with_the_keys() -> None:
    assert parse_and_check_json_markdown('```json\n{"a": 1, "b": 2}\n```', ["a"]) == {"a": 1, "b": 2}
    for text, complaint in [("[1]", "a JSON object"), ('{"b": 1}', "lacks 'a'; it has 'b'"), ('{"a": 1', "expected")]:
        with pytest.raises(OutputParserException, match=complaint) as caught:
            parse_and_check_json_markdown(text, ["a"])
        assert caught.value.llm_output == text
