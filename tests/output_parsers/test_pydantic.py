"""PydanticOutputParser: instances of a model, partial ones while the text arrives."""

from typing import Any

import langchain_core.output_parsers as peer
import pytest
from pydantic import BaseModel, Field, ValidationError

from prill.errors import OutputParserException
from prill.messages.ai import AIMessageChunk
from prill.output_parsers import PydanticOutputParser


class City(BaseModel):
    name: str
    districts: int = 0


class Country(BaseModel):
    name: str
    population: int = Field(default=0, ge=0)
    cities: list[City] = []


TEXT = '{"name": "France", "population": 67, "cities": [{"name": "Paris", "districts": 20}, {"name": "Nice"}]}'


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_stream_gives_each_valid_value_as_the_peer_does(colour: Any, size: int) -> None:
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    theirs = list(peer.PydanticOutputParser(pydantic_object=Country).transform(iter(pieces)))
    ours = colour.stream(PydanticOutputParser(pydantic_object=Country), pieces)
    assert ours == theirs
    assert type(ours[-1]) is Country


def test_invoke_gives_an_instance(colour: Any) -> None:
    parser = PydanticOutputParser(pydantic_object=Country)
    assert colour.invoke(parser, f"Here:\n```json\n{TEXT}\n```") == Country.model_validate_json(TEXT)
    assert parser.parse('{"name": "x"}') == Country(name="x")


def test_an_error_names_each_field_and_what_was_expected_there(colour: Any) -> None:
    text = '{"population": -1, "cities": [{"name": "a"}, {"name": 3}]}'
    parser = PydanticOutputParser(pydantic_object=Country)
    for run in (lambda: colour.invoke(parser, text), lambda: colour.stream(parser, list(text))):
        with pytest.raises(OutputParserException, match="not a valid Country") as caught:
            run()
        lines = caught.value.message.splitlines()
        assert lines[1:] == [
            "  name: Field required",
            "  population: Input should be greater than or equal to 0; found -1",
            "  cities.1.name: Input should be a valid string; found 3",
        ]
        assert caught.value.llm_output == text
        assert isinstance(caught.value.__cause__, ValidationError)


def test_another_kind_of_value_is_an_error_too() -> None:
    with pytest.raises(OutputParserException, match="the whole value"):
        PydanticOutputParser(pydantic_object=Country).invoke("[1]")


def test_a_text_that_is_cut_is_an_error_though_what_came_is_valid(colour: Any) -> None:
    parser = PydanticOutputParser(pydantic_object=Country)
    chunks = [AIMessageChunk('{"name": "x"'), AIMessageChunk("", response_metadata={"finish_reason": "length"})]
    with pytest.raises(OutputParserException, match="token limit") as caught:
        colour.stream(parser, chunks)
    assert caught.value.llm_output == '{"name": "x"'
    with pytest.raises(OutputParserException, match="the text ends"):
        colour.invoke(parser, '{"name": "x"')


def test_changes_between_instances_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"JsonOutputParser\(diff=True\)"):
        PydanticOutputParser(pydantic_object=Country, diff=True)


def test_instructions_show_the_schema() -> None:
    parser = PydanticOutputParser(pydantic_object=Country)
    assert '"population"' in parser.get_format_instructions()
    assert parser.asdict()["_type"] == "pydantic"
    assert parser == PydanticOutputParser(pydantic_object=Country) != PydanticOutputParser(pydantic_object=City)
