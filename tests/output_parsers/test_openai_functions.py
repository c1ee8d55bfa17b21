"""Function calls, the form before tool calls, are read like the peer reads them."""

from typing import Any

import langchain_core.output_parsers.openai_functions as peer
import pytest
from langchain_core.messages import AIMessage as PeerMessage
from pydantic import BaseModel

import prill.output_parsers.openai_functions as ours
from prill.errors import OutputParserException
from prill.messages import AIMessage, AIMessageChunk


class Person(BaseModel):
    name: str
    age: int = 0


ARGUMENTS = {"name": "Person", "arguments": '{"name": "Ann", "age": 3}'}
PARSERS: list[tuple[str, dict[str, Any]]] = [
    ("OutputFunctionsParser", {}),
    ("OutputFunctionsParser", {"args_only": False}),
    ("JsonOutputFunctionsParser", {}),
    ("JsonOutputFunctionsParser", {"args_only": False}),
    ("JsonKeyOutputFunctionsParser", {"key_name": "age"}),
    ("PydanticOutputFunctionsParser", {"pydantic_schema": Person}),
    ("PydanticOutputFunctionsParser", {"pydantic_schema": {"Person": Person}}),
    ("PydanticAttrOutputFunctionsParser", {"pydantic_schema": Person, "attr_name": "name"}),
]


@pytest.mark.parametrize(("name", "fields"), PARSERS)
def test_a_function_call_gives_what_the_peer_gives(colour: Any, name: str, fields: dict[str, Any]) -> None:
    expected = getattr(peer, name)(**fields).invoke(PeerMessage("", additional_kwargs={"function_call": ARGUMENTS}))
    message = AIMessage("", additional_kwargs={"function_call": ARGUMENTS})
    assert colour.invoke(getattr(ours, name)(**fields), message) == expected


@pytest.mark.parametrize(("name", "fields"), PARSERS)
@pytest.mark.parametrize("call", [None, {"name": "Other", "arguments": '{"name": "A'}])
def test_half_a_call_or_none_is_an_error(name: str, fields: dict[str, Any], call: Any) -> None:
    if name == "OutputFunctionsParser" and call:
        return  # it does not read the arguments
    message = AIMessage("no", additional_kwargs={"function_call": call} if call else {})
    with pytest.raises(OutputParserException, match="called no function" if call is None else "not valid JSON"):
        getattr(ours, name)(**fields).invoke(message)


def test_arguments_grow_while_they_stream(colour: Any) -> None:
    pieces = [{"name": "Person", "arguments": ""}, {"arguments": '{"name": "A'}, {"arguments": 'nn", "age": 3}'}]
    chunks = [AIMessageChunk("", additional_kwargs={"function_call": piece}) for piece in pieces]
    seen = colour.stream(ours.JsonOutputFunctionsParser(), chunks)
    assert seen == [{"name": "A"}, {"name": "Ann", "age": 3}]


def test_an_unknown_function_is_named() -> None:
    parser = ours.PydanticOutputFunctionsParser(pydantic_schema={"Other": Person})
    with pytest.raises(OutputParserException, match="called 'Person', which is not one of Other"):
        parser.invoke(AIMessage("", additional_kwargs={"function_call": ARGUMENTS}))
    with pytest.raises(NotImplementedError, match="reads messages"):
        ours.JsonOutputFunctionsParser().parse("x")
