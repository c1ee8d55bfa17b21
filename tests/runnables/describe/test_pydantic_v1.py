"""Classes of ``pydantic.v1`` where a class of pydantic 2 may stand."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.helpers import require

from prill.errors import OutputParserException
from prill.language_models import FakeListChatModel
from prill.output_parsers.structured import StructuredParser
from prill.tools import BaseTool, convert_to_openai_function, tool

require("pydantic.v1")

from pydantic import v1  # noqa: E402 - it cannot be imported everywhere


class Stop(v1.BaseModel):
    city: str
    nights: int = 1


class Trip(v1.BaseModel):
    """A trip."""

    days: int = v1.Field(..., description="how long", le=30)
    stops: list[Stop] = []
    last: Stop | None = v1.Field(None, description="the end")


def test_the_model_is_told_types_descriptions_and_nested_fields() -> None:
    told = convert_to_openai_function(Trip)
    assert (told["name"], told["description"], told["parameters"]["required"]) == ("Trip", "A trip.", ["days"])
    properties = told["parameters"]["properties"]
    assert properties["days"] == {"description": "how long", "maximum": 30, "type": "integer"}
    assert properties["stops"]["items"]["properties"]["city"] == {"type": "string"}
    assert properties["last"]["properties"]["nights"] == {"type": "integer", "default": 1}


def test_a_class_that_holds_itself_is_described() -> None:
    class Tree(v1.BaseModel):
        children: "list[Tree]" = []

    Tree.update_forward_refs(Tree=Tree)
    told = convert_to_openai_function(Tree)["parameters"]["properties"]
    assert told["children"]["items"] == {"type": "object"}


def test_a_tool_checks_its_arguments_by_its_args_schema() -> None:
    @tool(args_schema=Trip)
    def book(days: int, stops: list[Stop], last: Stop | None) -> str:
        "Book."
        return f"{days} {stops!r} {last}"

    assert book.invoke({"days": "3", "stops": [{"city": "Oslo"}]}) == "3 [Stop(city='Oslo', nights=1)] None"
    with pytest.raises(ValidationError) as caught:
        book.invoke({"days": 31, "stops": [{}]})
    assert [(fault["loc"], fault["type"]) for fault in caught.value.errors()] == [
        (("days",), "pydantic_v1"),
        (("stops", 0, "city"), "missing"),
    ]


def test_a_tool_class_may_name_one() -> None:
    class Book(BaseTool):
        name: str = "book"
        description: str = "Book."
        args_schema: Any = Trip

        def _run(self, days: int, stops: list[Stop], last: Any) -> int:
            return days

    assert Book().invoke({"days": 3}) == 3
    assert "days" in Book().args


def test_a_function_is_given_instances() -> None:
    @tool
    def book(trip: Trip, others: list[Trip]) -> str:
        "Book."
        return f"{type(trip).__name__} {[type(other).__name__ for other in others]}"

    assert book.invoke({"trip": {"days": 1}, "others": [{"days": 2}]}) == "Trip ['Trip']"
    assert book.args["trip"]["properties"]["days"]["description"] == "how long"


def test_a_structured_answer_is_an_instance() -> None:
    chain: Any = FakeListChatModel(responses=['{"days": 3, "stops": [{"city": "Oslo"}]}', '{"days": 99}'])
    chain |= StructuredParser(Trip)
    answer = chain.invoke("x")
    assert isinstance(answer, Trip)
    assert answer.stops == [Stop(city="Oslo")]
    with pytest.raises(OutputParserException, match="days: ensure this value"):
        chain.invoke("x")
