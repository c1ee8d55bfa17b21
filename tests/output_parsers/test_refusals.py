"""A model that declined to answer, as the parsers of JSON and of tool calls report it."""

from typing import Any

import langchain_core.exceptions as peer_exceptions
import langchain_core.messages as peer_messages
import langchain_core.output_parsers as peer
import pytest
from pydantic import BaseModel
from tests.output_parsers.conftest import ExecutionMode

from prill.errors import ModelRefusalError
from prill.messages import AIMessage, AIMessageChunk
from prill.output_parsers import (
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    PydanticOutputParser,
    PydanticToolsParser,
    StrOutputParser,
)
from prill.outputs import ChatGeneration


class Row(BaseModel):
    id: int


class Checked(JsonOutputParser[Any]):
    """A parser with a method of its own, which is given the whole text."""

    def parse(self, text: str) -> Any:
        return super().parse(text)


PARSERS = {
    "json": JsonOutputParser(),
    "json patches": JsonOutputParser(diff=True),
    "pydantic": PydanticOutputParser(pydantic_object=Row),
    "tools": JsonOutputToolsParser(),
    "key of tools": JsonOutputKeyToolsParser(key_name="Row"),
    "pydantic tools": PydanticToolsParser(tools=[Row]),
    "first pydantic tool": PydanticToolsParser(tools=[Row], first_tool_only=True),
    "own parse": Checked(),
}

BLOCK = {"type": "refusal", "refusal": "No way"}

REFUSALS: dict[str, dict[str, Any]] = {
    "a block": {"content": [BLOCK]},
    "a block of no standard": {"content": [{"type": "non_standard", "value": BLOCK}]},
    "a block beside text": {"content": [{"type": "text", "text": '{"id": 1}'}, BLOCK]},
    "the reason of the end": {
        "content": "No way",
        "response_metadata": {"stop_reason": "refusal", "model_provider": "anthropic"},
    },
}


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("fields", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_an_error_that_carries_the_message(
    colour: ExecutionMode, fields: dict[str, Any], parser: Any
) -> None:
    with pytest.raises(ModelRefusalError, match="declined") as raised:
        colour.invoke(parser, AIMessage(**fields))
    assert raised.value.raw_message.content == fields["content"]
    with pytest.raises(ModelRefusalError, match="declined") as raised:
        colour.stream(parser, [AIMessageChunk(**fields)])
    assert raised.value.raw_message.content == fields["content"]


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_the_pieces_of_a_refusal_are_put_together(colour: ExecutionMode, parser: Any) -> None:
    pieces = [AIMessageChunk([{"type": "refusal", "refusal": text, "index": 0}]) for text in ("No", " way")]
    with pytest.raises(ModelRefusalError, match="No way") as raised:
        colour.stream(parser, pieces)
    assert raised.value.raw_message.content == [{"type": "refusal", "refusal": "No way", "index": 0}]


def test_a_generation_may_hold_the_refusal(colour: ExecutionMode) -> None:
    message = AIMessage([{"type": "refusal", "refusal": "No way"}])
    with pytest.raises(ModelRefusalError, match="No way"):
        colour.invoke(JsonOutputParser(), [ChatGeneration(message=message)])


def test_a_stream_shows_the_values_before_the_refusal() -> None:
    parser = PydanticOutputParser(pydantic_object=Row)
    values = parser.transform(iter([AIMessageChunk('{"id": 1}'), AIMessageChunk([BLOCK])]))
    assert next(values) == Row(id=1)
    with pytest.raises(ModelRefusalError):
        next(values)


def test_a_parser_of_text_gives_the_text(colour: ExecutionMode) -> None:
    assert colour.invoke(StrOutputParser(), AIMessage(**REFUSALS["the reason of the end"])) == "No way"


@pytest.mark.parametrize("fields", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("name", ["JsonOutputParser", "PydanticOutputParser", "PydanticToolsParser"])
def test_langchain_reports_the_same_refusals(fields: dict[str, Any], name: str) -> None:
    arguments: dict[str, Any] = {
        "PydanticOutputParser": {"pydantic_object": Row},
        "PydanticToolsParser": {"tools": [Row]},
    }.get(name, {})
    theirs = getattr(peer, name)(**arguments)
    with pytest.raises(peer_exceptions.ModelRefusalError):
        theirs.invoke(peer_messages.AIMessage(**fields))
