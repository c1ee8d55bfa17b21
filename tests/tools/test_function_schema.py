"""What a model is told about functions, classes and dictionaries."""

from __future__ import annotations

import enum
import functools
import typing
from typing import Annotated, Any, Literal, NotRequired, Optional

import pytest
from langchain_core.utils import function_calling as peer
from pydantic import BaseModel, Field
from tests.helpers import label
from typing_extensions import TypedDict

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.tools import Tool
from prill.utils.function_calling import (
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
    tool_example_to_messages,
)


def weather(city: str, unit: Literal["c", "f"] = "c", days: Optional[int] = None) -> str:  # noqa: UP045 - users do
    """Tell the weather.

    More about it
    over two lines.

    Args:
        city: The city,
            continued.
        unit (str): the unit.

    Returns:
        a text.
    """
    return city


class City(BaseModel):
    """A city."""

    name: str = Field(description="its name")
    people: int | None = None


class Country(BaseModel):
    capital: City
    others: list[City] = []


class ExecutionMode(enum.Enum):
    RED = "red"
    BLUE = "blue"


def paint(colour: ExecutionMode, where: dict[str, int]) -> None:
    """Paint it."""


async def later(x: int) -> None:
    """Later."""


def undocumented(a: int, b: Any = 3) -> None: ...


class Painter:
    def paint(self, colour: str) -> None:
        """Paint."""


SCHEMA = {"title": "Foo", "description": "d", "type": "object", "properties": {"a": {"type": "string"}}}
ANTHROPIC = {"name": "n", "description": "d", "input_schema": {"type": "object", "properties": {}}}
OPENAI = {"name": "n", "description": "d", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize(
    "given", [weather, City, Country, paint, later, undocumented, Painter().paint, SCHEMA, ANTHROPIC, OPENAI], ids=label
)
def test_the_same_as_langchain_core_tells(given: Any, strict: bool | None) -> None:
    assert convert_to_openai_function(given, strict=strict) == peer.convert_to_openai_function(given, strict=strict)
    assert convert_to_openai_tool(given, strict=strict) == peer.convert_to_openai_tool(given, strict=strict)


@pytest.mark.parametrize("given", [weather, City, SCHEMA, OPENAI], ids=label)
def test_json_schemas_are_the_same_as_langchain_core_tells(given: Any) -> None:
    assert convert_to_json_schema(given) == peer.convert_to_json_schema(given)


def test_a_typed_dictionary() -> None:
    class Film(TypedDict):
        """A film.

        Args:
            title: what it is called
        """

        title: str
        year: Annotated[int, ..., "when it came"]
        stars: Annotated[int, 3, "how good"]
        director: NotRequired[str]

    told = convert_to_openai_function(Film)
    assert told["description"] == "A film."
    assert told["parameters"]["required"] == ["title", "year"]
    properties = told["parameters"]["properties"]
    assert properties["title"] == {"type": "string", "description": "what it is called"}
    assert properties["stars"] == {"type": "integer", "description": "how good", "default": 3}
    assert set(properties) == {"title", "year", "stars", "director"}


def test_members_of_a_union_are_told_in_the_only_form_that_strict_mode_takes() -> None:
    class Shape(BaseModel):
        it: Annotated[Circle | Square, Field(discriminator="kind")]

    told = convert_to_openai_function(Shape, strict=True)["parameters"]["properties"]["it"]
    assert [*told] == ["anyOf"]
    assert [member["additionalProperties"] for member in told["anyOf"]] == [False, False]
    assert "oneOf" in convert_to_openai_function(Shape)["parameters"]["properties"]["it"]


class Circle(BaseModel):
    kind: Literal["circle"]


class Square(BaseModel):
    kind: Literal["square"]


class Options(typing.TypedDict):
    """How to search."""

    limit: int


def search(query: str, options: Options | None = None) -> str:
    """Search."""
    return query


def test_a_typed_dict_of_typing_is_told_in_every_python() -> None:
    class Search(typing.TypedDict):
        query: str
        options: typing.NotRequired[list[Options]]

    told = convert_to_openai_function(Search)["parameters"]
    assert told["required"] == ["query"]
    assert told["properties"]["options"]["items"]["properties"] == {"limit": {"type": "integer"}}
    options = convert_to_openai_function(search)["parameters"]["properties"]["options"]
    assert options["anyOf"][0] == {
        "type": "object",
        "description": "How to search.",
        "properties": {"limit": {"type": "integer"}},
        "required": ["limit"],
    }


def test_what_the_runner_gives_is_not_told() -> None:
    def act(x: int, config: RunnableConfig, callbacks: Any = None, *args: int, **more: int) -> None:
        """Act."""

    assert list(convert_to_openai_function(act)["parameters"]["properties"]) == ["x"]


def test_an_argument_may_have_a_name_that_pydantic_keeps_for_itself() -> None:
    def act(schema: str, model_config: int, _hidden: bool = True) -> None:
        """Act."""

    assert list(convert_to_openai_function(act)["parameters"]["properties"]) == ["schema", "model_config", "_hidden"]


def test_a_partial_takes_what_is_left() -> None:
    told = convert_to_openai_function(functools.partial(weather, "Oslo"))
    assert told["name"] == "weather"


def test_a_property_may_be_called_title() -> None:
    class Book(BaseModel):
        title: str

    assert convert_to_openai_function(Book)["parameters"]["properties"] == {"title": {"type": "string"}}


def test_a_class_that_holds_itself_keeps_its_references() -> None:
    parameters = convert_to_openai_function(Node)["parameters"]
    assert "Node" in parameters["$defs"]


class Node(BaseModel):
    children: list[Node] = []


def test_an_object_that_is_a_tool() -> None:
    class Tool:
        name = "look"
        description = "Look."
        args_schema = City

    told = convert_to_openai_function(Tool())
    assert (told["name"], told["description"]) == ("look", "Look.")
    assert "people" in told["parameters"]["properties"]
    Tool.args_schema = None  # type: ignore[assignment]  # a tool without arguments
    assert convert_to_openai_function(Tool())["parameters"] == {"type": "object", "properties": {}}


def test_a_tool_of_the_provider_is_passed_on() -> None:
    assert convert_to_openai_tool({"type": "web_search"}) == {"type": "web_search"}


def wrong_docstring(x: int) -> None:
    """Act.

    Args:
        y: is not there
    """


def unknown_type(x: threading.Lock) -> None:  # type: ignore[name-defined]  # noqa: F821 - the mistake is meant
    """Act."""


class Opaque:
    pass


def no_schema(x: Opaque) -> None:
    """Act."""


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (wrong_docstring, "describes 'y', which are not parameters: it takes 'x'"),
        (unknown_type, "unknown_type's arguments cannot be read.*threading"),
        (no_schema, "argument 'x' of no_schema has the type .*Opaque.* no JSON schema"),
        (lambda x: x, "a lambda has no name"),
        (5, "cannot describe 5 to a model"),
        ({"foo": 1}, "cannot describe"),
        ({"type": "object", "properties": {}}, "with a 'title'"),
    ],
    ids=label,
)
def test_what_cannot_be_told_is_refused(given: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        convert_to_openai_function(given)


def test_a_description_in_bedrocks_form() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    spec = {"name": "f", "description": "F.", "inputSchema": {"json": schema}}
    assert convert_to_openai_function({"toolSpec": spec}) == {"name": "f", "description": "F.", "parameters": schema}
    assert convert_to_openai_function({"toolSpec": {"name": "f"}}) == {"name": "f"}


def test_a_title_alone_is_a_name() -> None:
    assert convert_to_openai_function({"title": "done"}) == {"name": "done"}
    assert convert_to_openai_function({"title": "done", "description": "D."}) == {"name": "done", "description": "D."}


@pytest.mark.parametrize("outputs", [["a", "b"], ["a", "b", "c", "d"]])
def test_an_example_has_one_output_for_each_call(outputs: list[str]) -> None:
    calls = [City(name="Oslo")] * 3
    with pytest.raises(ConfigError, match=f"{len(outputs)} tool_outputs for 3 tool_calls"):
        tool_example_to_messages("Hi", calls, outputs)
    answers = tool_example_to_messages("Hi", calls, ["a", "b", "c"])[2:]
    assert [message.content for message in answers] == ["a", "b", "c"]


def test_an_example_is_messages() -> None:
    messages = tool_example_to_messages("Hi", [City(name="Oslo")], ai_response="done")
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    assert messages[1].tool_calls[0]["args"] == {"name": "Oslo", "people": None}  # type: ignore[attr-defined]  # an AIMessage


def test_a_tool_that_takes_free_text_is_a_custom_tool():
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    tool = Tool(name="ask", description="Ask.", func=str, metadata={"type": "custom_tool", "format": grammar})
    expected = {"type": "custom", "name": "ask", "description": "Ask.", "format": grammar}
    assert convert_to_openai_tool(tool) == expected
    tool.metadata = {"type": "custom_tool"}
    assert convert_to_openai_tool(tool) == {key: value for key, value in expected.items() if key != "format"}
