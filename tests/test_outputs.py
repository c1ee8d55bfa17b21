"""What models give back."""

import copy
import pickle

import pytest
from pydantic import ValidationError

from prill.errors import CompositionError, ConfigError
from prill.messages import AIMessage, AIMessageChunk, text_chunk
from prill.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
    chat_generation_chunk,
    generation_chunk,
    merge_generation_chunks,
)

CALL = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}


def test_repr_shows_what_is_there():
    result = LLMResult(generations=[[Generation(text="x", generation_info={"a": 1})]], llm_output={"b": 1})
    shown = "LLMResult(generations=[[Generation(text='x', generation_info={'a': 1})]], llm_output={'b': 1})"
    assert repr(result) == shown


def test_a_block_with_text_and_no_type_is_text():
    message = AIMessage([{"text": "foo"}, "bar", {"type": "other", "text": "x"}, {"type": "text", "text": "!"}])
    assert ChatGeneration(message=message).text == "foobar!"
    chunk = AIMessageChunk([{"text": "foo"}])
    assert ChatGenerationChunk(message=chunk).text == chat_generation_chunk(chunk).text == "foo"


@pytest.mark.parametrize("info", [{}, {"generation_info": None}, {"generation_info": {"finish_reason": "stop"}}])
def test_a_chunk_made_without_validation_is_the_same_as_a_validated_one(info):
    given = {"message": AIMessageChunk("a", id="1"), **info}
    quick, checked = ChatGenerationChunk(**given), ChatGenerationChunk.model_validate(given)
    assert ChatGenerationChunk(**given).model_fields_set == given.keys()
    assert ChatGenerationChunk(**given).model_extra is None
    assert ChatGenerationChunk(**given) == checked
    assert ChatGenerationChunk(**given).model_dump() == checked.model_dump()
    assert ChatGenerationChunk(**given).model_dump(exclude_unset=True).keys() == given.keys()
    assert pickle.loads(pickle.dumps(ChatGenerationChunk(**given))) == checked
    assert copy.deepcopy(ChatGenerationChunk(**given)) == ChatGenerationChunk(**given).model_copy()
    assert repr(quick) == repr(checked)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        quick.other
    with pytest.raises(ValidationError, match="message"):
        ChatGenerationChunk()


def test_the_metadata_of_a_chunk_is_its_own_and_checked():
    info = {}
    ChatGenerationChunk(message=AIMessageChunk("a"), generation_info=info).generation_info["x"] = 1
    assert info == {}
    for wrong in ({1: 2}, "stop"):
        with pytest.raises(ValidationError, match="generation_info"):
            ChatGenerationChunk(message=AIMessageChunk("a"), generation_info=wrong)


def test_the_text_is_the_messages():
    message = AIMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    assert ChatGeneration(message=message).text == "ab"


def test_chunks_are_added_and_their_facts_are_not_doubled():
    one = chat_generation_chunk(text_chunk("y"), {"finish_reason": "stop", "logprobs": [1]})
    two = ChatGenerationChunk(message=AIMessageChunk("z"), generation_info={"finish_reason": "stop", "logprobs": [2]})
    total = one + two
    assert (total.text, total.message.content) == ("yz", "yz")
    assert total.generation_info == {"finish_reason": "stop", "logprobs": [1, 2]}
    assert one.__add__([two, two]) == merge_generation_chunks([one, two, two])
    assert GenerationChunk(text="a") + generation_chunk("b", {"x": 1}) == GenerationChunk(
        text="ab", generation_info={"x": 1}
    )


def test_the_fast_constructors_make_what_validation_makes():
    assert generation_chunk("a") == GenerationChunk(text="a")
    for message in (text_chunk("a"), AIMessageChunk([{"type": "text", "text": "a"}])):
        assert chat_generation_chunk(message) == ChatGenerationChunk(message=message)


def test_chunks_of_different_kinds_are_refused():
    with pytest.raises(CompositionError, match="different kinds"):
        merge_generation_chunks([generation_chunk("a"), chat_generation_chunk(text_chunk("b"))])
    with pytest.raises(TypeError):
        generation_chunk("a") + "b"
    with pytest.raises(ConfigError):
        merge_generation_chunks([])


def test_flattening_counts_the_usage_once():
    result = LLMResult(
        generations=[[Generation(text="x")], [Generation(text="y")]], llm_output={"token_usage": {"a": 1}, "model": "m"}
    )
    assert [one.llm_output for one in result.flatten()] == [
        {"token_usage": {"a": 1}, "model": "m"},
        {"token_usage": {}, "model": "m"},
    ]


@pytest.mark.parametrize(
    "generation",
    [
        Generation(text="x"),
        ChatGeneration(message=AIMessage("x", tool_calls=[CALL])),
        ChatGenerationChunk(message=AIMessageChunk("x", id="1")),
    ],
    ids=lambda generation: generation.type,
)
def test_results_come_back_whole_from_a_round_trip(generation):
    result = LLMResult(generations=[[generation]])
    again = LLMResult.model_validate(result.model_dump())
    assert again == result
    assert type(again.generations[0][0]) is type(generation)
    assert LLMResult.model_validate_json(result.model_dump_json()) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_chat_result_keeps_the_kind_of_its_messages():
    result = ChatResult(generations=[ChatGeneration(message=AIMessage("x", tool_calls=[CALL]))])
    assert ChatResult.model_validate(result.model_dump()) == result
