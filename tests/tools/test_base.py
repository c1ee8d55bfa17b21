"""Functions as tools: their arguments, what the run fills in, what comes back."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from prill.callbacks import BaseCallbackHandler
from prill.callbacks.run import Observer
from prill.errors import ConfigError
from prill.messages import ToolMessage
from prill.runnables import RunnableConfig, RunnableLambda
from prill.tools import BaseTool, StructuredTool, tool


@tool
def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    They are whole.
    """
    return a + b


@tool
async def later(word: str) -> str:
    """Wait a little."""
    await asyncio.sleep(0)
    return word.upper()


def test_a_tool_has_the_name_and_the_docstring_of_its_function():
    assert (add.name, add.description) == ("add", "Add two numbers.\n\nThey are whole.")
    assert add.args == {
        "a": {"title": "A", "type": "integer"},
        "b": {"default": 2, "title": "B", "type": "integer"},
    }
    assert isinstance(add, StructuredTool)


def test_name_and_description_can_be_given():
    named = tool("plus", description="Plus.")(lambda a: a)
    assert (named.name, named.description) == ("plus", "Plus.")
    assert StructuredTool.from_function(lambda a: a, name="most").name == "most"


@pytest.mark.parametrize(
    ("input", "output"),
    [({"a": 1}, 3), ({"a": "1", "b": 1.0}, 2), (4, 6), ("4", 6)],
)
def test_arguments_are_checked_and_converted(input, output):
    assert add.invoke(input) == output
    assert asyncio.run(add.ainvoke(input)) == output
    assert add.batch([input, input]) == [output, output]


@pytest.mark.parametrize("input", [{}, {"a": "x"}, {"b": 1}])
def test_arguments_that_do_not_fit_are_refused(input):
    with pytest.raises(ValidationError):
        add.invoke(input)


def test_a_single_value_for_several_arguments_is_refused():
    two = tool("two", description="Act.")(lambda a, b: a)
    with pytest.raises(ConfigError, match="a, b: give it a dict"):
        two.invoke("x")
    with pytest.raises(ConfigError, match="no argument"):
        tool("none", description="Act.")(lambda: 1).invoke("x")
    assert tool("none", description="Act.")(lambda: 1).invoke({}) == 1


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ("text", "text"),
        (3, "3"),
        ({"a": "ä"}, '{"a": "ä"}'),
        (["a", "b"], ["a", "b"]),
        ([1, 2], "[1, 2]"),
        (..., "Ellipsis"),
    ],
)
def test_the_answer_to_a_call_is_a_tool_message(output, content):
    give = tool("give", description="Act.")(lambda word: output)
    call = {"type": "tool_call", "name": "give", "args": {"word": "x"}, "id": "7"}
    assert give.invoke(call) == ToolMessage(content, name="give", tool_call_id="7")
    assert give.invoke({"word": "x"}) == output


def test_a_tool_message_of_the_tool_itself_is_passed_on():
    own = ToolMessage("own", tool_call_id="1")
    call = {"type": "tool_call", "name": "give", "args": {"word": "x"}, "id": "7"}
    assert tool("give", description="Act.")(lambda word: own).invoke(call) is own


def test_content_and_artifact():
    @tool(response_format="content_and_artifact")
    def find(word: str):
        """Find."""
        return ("one hit", [word]) if word else "wrong"

    call = {"type": "tool_call", "name": "find", "args": {"word": "x"}, "id": "7"}
    assert find.invoke(call) == ToolMessage("one hit", artifact=["x"], name="find", tool_call_id="7")
    assert find.invoke("x") == "one hit"
    with pytest.raises(ConfigError, match="must return a tuple"):
        find.invoke({"word": ""})


def test_an_async_tool_works_in_blocking_code_also_inside_of_a_running_loop():
    assert later.invoke("a") == "A"

    async def main():
        return later.invoke("a"), await later.ainvoke("a")

    assert asyncio.run(main()) == ("A", "A")


def test_each_colour_uses_its_own_form():
    async def coroutine(x):
        return "async"

    both = StructuredTool.from_function(lambda x: "plain", coroutine, name="both")
    assert (both.invoke("x"), asyncio.run(both.ainvoke("x"))) == ("plain", "async")


@pytest.mark.parametrize("asyncio_verb", [False, True])
def test_what_the_run_fills_in_is_no_argument(asyncio_verb):
    seen = {}

    @tool
    def curious(
        word: str, config: RunnableConfig, mine: RunnableConfig | None = None, callbacks=None, run_manager=None
    ):
        """Look around."""
        seen.update(config=config, mine=mine, callbacks=callbacks, run_manager=run_manager)
        return word

    class Watcher(Observer):
        pass

    assert set(curious.args) == {"word"}
    config = {"tags": ["t"], "callbacks": [Watcher()]}
    output = asyncio.run(curious.ainvoke("x", config)) if asyncio_verb else curious.invoke("x", config)
    assert output == "x"
    assert seen["config"]["tags"] == seen["mine"]["tags"] == ["t"]
    assert seen["callbacks"].run is seen["run_manager"].run is not None
    seen["run_manager"].on_text("of plain code")


def test_a_config_with_another_annotation_is_an_argument():
    @tool
    def deploy(config: dict):
        """Deploy."""
        return config

    assert deploy.invoke({"config": {"a": 1}}) == {"a": 1}


class Arguments(BaseModel):
    """What it needs."""

    word: Annotated[str, Field(min_length=2)]
    times: int = 2


def test_a_schema_can_be_given():
    repeat = tool("repeat", args_schema=Arguments)(lambda word, times: word * times)
    assert repeat.description == "What it needs."
    assert repeat.invoke({"word": "ab"}) == "abab"
    with pytest.raises(ValidationError):
        repeat.invoke("a")


class Multiply(BaseTool):
    name: str = "multiply"
    description: str = "Multiply."

    def _run(self, a: int, b: int, run_manager=None) -> int:
        assert run_manager is not None
        return a * b


class Later(Multiply):
    async def _arun(self, a: int, b: int) -> int:
        return -a * b


def test_a_class_of_one_s_own():
    assert set(Multiply().args) == {"a", "b"}
    assert Multiply().invoke({"a": 2, "b": "3"}) == 6
    assert asyncio.run(Multiply().ainvoke({"a": 2, "b": 3})) == 6
    assert asyncio.run(Later().ainvoke({"a": 2, "b": 3})) == -6
    assert Later().run({"a": 2, "b": 3}) == 6


def test_a_class_without_a_body_says_what_is_missing():
    class Empty(BaseTool):
        name: str = "empty"

    with pytest.raises(ConfigError, match="_run"):
        Empty().invoke({})


def test_handlers_are_told_the_input():
    class Seen(BaseCallbackHandler):
        told = ()

        def on_tool_start(self, serialized, input_str, *, inputs=None, **kwargs):
            self.told = (serialized["name"], input_str, inputs, kwargs["tags"])

    seen = Seen()
    call = {"type": "tool_call", "name": "add", "args": {"a": 1}, "id": "7"}
    add.model_copy(update={"tags": ["own"]}).invoke(call, {"callbacks": [seen]})
    assert seen.told == ("add", "{'a': 1}", {"a": 1}, ["own"])
    later.invoke("x", {"callbacks": [seen]})
    assert seen.told == ("later", "x", None, [])


def test_a_tool_is_a_step():
    part = RunnableLambda(lambda x: {"a": x}) | add | str
    assert part.invoke(1) == "3"
    assert list(part.stream(1)) == ["3"]
