"""How tools describe themselves: schemas, dumps, tools made of Runnables and of unusual functions."""

import asyncio
import json
from typing import Annotated, Any, NotRequired

import pytest
from pydantic import BaseModel, RootModel
from typing_extensions import TypedDict

from prill.callbacks import BaseCallbackHandler
from prill.errors import ConfigError
from prill.messages import ToolMessage
from prill.runnables import RunnableLambda
from prill.tools import BaseTool, InjectedToolArg, StructuredTool, Tool, ToolException, tool


class Place(BaseModel):
    """The class's own text."""

    city: str


@tool("find", args_schema=Place)
def find(city: str) -> str:
    "Find a place."
    return city


def call(part: Any, input: Any) -> list[Any]:
    """The results of both colours."""
    return [part.invoke(input), asyncio.run(part.ainvoke(input))]


def test_the_schema_that_a_model_sees_has_the_name_and_the_description_of_the_tool() -> None:
    schema: Any = find.tool_call_schema
    told = schema.model_json_schema()
    assert (told["title"], told["description"], list(told["properties"])) == ("find", "Find a place.", ["city"])
    assert issubclass(schema, Place)


def test_the_schema_follows_changes_of_the_tool() -> None:
    class Country(BaseModel):
        name: str

    changed = find.model_copy(update={"name": "seek"})
    changed.description = "Seek a country."
    changed.args_schema = Country
    told = changed.tool_call_schema.model_json_schema()  # type: ignore[union-attr]  # it is a class here
    assert (told["title"], told["description"], list(told["properties"])) == ("seek", "Seek a country.", ["name"])


def test_injected_arguments_are_not_in_the_schema_that_has_the_description() -> None:
    @tool
    def look(query: str, state: Annotated[dict[str, Any], InjectedToolArg]) -> str:
        "Look."
        return query

    told = look.tool_call_schema.model_json_schema()  # type: ignore[union-attr]  # it is a class here
    assert (told["description"], list(told["properties"])) == ("Look.", ["query"])


DOCUMENTED = """Add.

    Args:
        x: a number
    """


@pytest.mark.parametrize(("parse", "text"), [(True, "Add."), (None, "Add."), (False, "Add.\n\nArgs:\n    x: a number")])
def test_the_model_of_the_arguments_is_described_by_the_docstring(parse: Any, text: str) -> None:
    def add(x: int) -> int:
        return x

    add.__doc__ = DOCUMENTED
    made = tool(add) if parse is None else tool(parse_docstring=parse)(add)
    assert made.args_schema.model_json_schema()["description"] == text  # type: ignore[union-attr]  # it is a class here


def test_a_tool_is_dumped_as_json() -> None:
    dumped = json.loads(find.model_dump_json())
    assert dumped == find.model_dump(mode="json")
    assert (dumped["name"], dumped["args_schema"]["required"]) == ("find", ["city"])
    assert dumped["func"].startswith("<function find")
    assert dumped["coroutine"] is None
    assert find.model_dump(mode="json", include={"name"}) == {"name": "find"}
    assert "coroutine" not in find.model_dump(mode="json", exclude_none=True)


def test_a_tool_that_is_dumped_for_python_keeps_its_objects() -> None:
    assert find.model_dump()["args_schema"] is Place
    assert callable(find.model_dump()["func"])


def test_schemas_that_are_json_already_and_those_that_cannot_be_are_dumped() -> None:
    class Opaque:
        pass

    def take(thing: Opaque) -> str:
        "Take."
        return "taken"

    schema = {"type": "object", "properties": {}}
    assert StructuredTool(name="d", args_schema=schema, func=take).model_dump(mode="json")["args_schema"] == schema
    assert tool(take).model_dump(mode="json")["args_schema"].startswith("<class ")
    assert Tool("t", str.upper, "Upper case").model_dump(mode="json")["func"].startswith("<method ")


def test_a_tool_with_a_json_schema_has_it_for_its_input() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    made = StructuredTool(name="d", description="d", args_schema=schema, func=lambda **given: given)
    assert made.get_input_jsonschema() == {"title": "d_input", **schema}
    assert schema == {"type": "object", "properties": {"a": {"type": "string"}}}


class Sum(TypedDict):
    a: int
    b: list[int]
    note: NotRequired[str]


def add_up(given: Sum) -> str:
    return f"{given['a'] + sum(given['b'])} {sorted(given)}"


def test_the_keys_of_a_typed_dict_are_the_arguments_of_the_tool() -> None:
    made = RunnableLambda(add_up).as_tool()
    assert {name: schema["type"] for name, schema in made.args.items()} == {
        "a": "integer",
        "b": "array",
        "note": "string",
    }
    assert call(made, {"a": 3, "b": [1, 2]}) == ["6 ['a', 'b']"] * 2
    assert call(made, {"a": 3, "b": [], "note": "n"}) == ["3 ['a', 'b', 'note']"] * 2


def test_so_are_those_of_a_root_model_of_one() -> None:
    made = RunnableLambda(add_up).with_types(input_type=RootModel[Sum]).as_tool(name="add_up")
    assert list(made.args) == ["a", "b", "note"]
    assert call(made, {"a": 1, "b": [1]}) == ["2 ['a', 'b']"] * 2


def test_a_runnable_over_text_is_a_tool_that_takes_text() -> None:
    def shout(text: str) -> str:
        return text.upper()

    assert call(RunnableLambda(shout).as_tool(), "b") == ["B", "B"]


class Places(BaseTool):
    """A tool that takes its arguments by their places."""

    name: str = "places"
    description: str = "Join."

    def _run(self, *words: str) -> str:
        return "-".join(words)


def test_a_tool_with_places_alone_takes_a_text() -> None:
    assert [*call(Places(), "a"), Places().run("b"), *call(Places(), {})] == ["a", "a", "b", "", ""]


def test_an_empty_text_is_no_argument() -> None:
    @tool
    def now() -> str:
        "The time."
        return "now"

    assert [*call(now, ""), now.run("")] == ["now"] * 3
    with pytest.raises(ConfigError, match="takes no arguments"):
        now.invoke("text")


@pytest.mark.parametrize("infer", [True, False])
def test_a_function_needs_a_description(infer: bool) -> None:
    def bare(q: str) -> str:
        return q

    with pytest.raises(ConfigError, match="give description= or a docstring"):
        tool(infer_schema=infer)(bare)
    assert tool(infer_schema=infer, description="Give back.")(bare).description == "Give back."


def test_a_coroutine_function_with_one_text_is_awaited() -> None:
    @tool(infer_schema=False)
    async def echo(bar: str) -> str:
        "Give back."
        return bar

    assert call(echo, "q") == ["q", "q"]
    answer = asyncio.run(echo.ainvoke({"type": "tool_call", "name": "echo", "args": {"bar": "q"}, "id": "1"}))
    assert answer.content == "q"


def test_any_sequence_of_blocks_may_be_the_answer_to_an_error() -> None:
    block = {"type": "text", "text": "handled"}

    def fail() -> str:
        "Fail."
        raise ToolException("no")

    made = StructuredTool.from_function(fail, handle_tool_error=lambda error: (block,))
    for answer in call(made, {"type": "tool_call", "name": "fail", "args": {}, "id": "1"}):
        assert isinstance(answer, ToolMessage)
        assert (answer.content, answer.status) == ([block], "error")


class Named(BaseModel):
    """Fields of a handler."""

    label: str = "x"


class Fields(BaseCallbackHandler, Named):
    """A handler that is a pydantic model, too."""

    seen: list[str] = []

    @property
    def ignore_retriever(self) -> bool:  # type: ignore[override]  # a property in the place of a flag
        return True

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self.seen.append(input_str)


def test_a_handler_that_is_a_pydantic_model_is_notified() -> None:
    handler = Fields()
    find.invoke({"city": "Rome"}, {"callbacks": [handler]})
    asyncio.run(find.ainvoke({"city": "Oslo"}, {"callbacks": [handler]}))
    assert handler.seen == ["{'city': 'Rome'}", "{'city': 'Oslo'}"]
    assert sorted(Fields.model_fields) == ["label", "seen"]
