"""Tools of every kind: generators, errors that are handled, injected arguments, texts for prompts; as the peer does."""

import asyncio
from typing import Annotated, Any

import langchain_core.tools as peer
import pytest
from pydantic import BaseModel, ValidationError

from prill.callbacks.run import Observer
from prill.documents import Document
from prill.errors import ConfigError
from prill.messages import ToolMessage
from prill.prompts import PromptTemplate
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda
from prill.testing.check import check_runnable
from prill.tools import (
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    InjectedToolCallId,
    SchemaAnnotationError,
    StructuredTool,
    Tool,
    ToolException,
    convert_runnable_to_tool,
    create_retriever_tool,
    create_schema_from_function,
    render_text_description,
    render_text_description_and_args,
    tool,
)


def call_of(**args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": "t", "args": args, "id": "7"}


# Generators


@tool
def count(to: int):
    """Count."""
    for number in range(to):
        yield f"at {number}"
    return f"counted to {to}"


@tool
def steps(to: int):
    """Go."""
    yield from range(to)


@tool
async def later(to: int):
    """Go later."""
    for number in range(to):
        await asyncio.sleep(0)
        yield number


async def astream(part, input):
    return [chunk async for chunk in part.astream(input)]


@pytest.mark.parametrize(
    ("part", "chunks", "result"),
    [(count, ["at 0", "at 1", "counted to 2"], "counted to 2"), (steps, [0, 1], 1), (later, [0, 1], 1)],
)
def test_a_generator_streams_progress_and_ends_with_its_result(part, chunks, result):
    assert part.invoke({"to": 2}) == asyncio.run(part.ainvoke({"to": 2})) == result
    assert list(part.stream({"to": 2})) == asyncio.run(astream(part, {"to": 2})) == chunks
    *_, last = part.stream(call_of(to=2))
    assert last == part.invoke(call_of(to=2)) == ToolMessage(str(result), name=part.name, tool_call_id="7")


@pytest.mark.parametrize("part", [count, steps, later])
def test_a_generator_keeps_the_promises_of_runnables(part):
    check_runnable(part, {"to": 3}, cumulative=True)


def test_a_generator_that_yields_nothing_gives_none():
    assert steps.invoke({"to": 0}) is None


def make_events(part, input):
    async def main():
        return [event async for event in part.astream_events(input, version="v2")]

    return [(event["event"], event["data"].get("chunk"), event["data"].get("output")) for event in asyncio.run(main())]


def test_progress_is_seen_as_stream_events_also_inside_of_a_chain():
    assert make_events(count, {"to": 1}) == [
        ("on_tool_start", None, None),
        ("on_tool_stream", "at 0", None),
        ("on_tool_stream", "counted to 1", None),
        ("on_tool_end", None, "counted to 1"),
    ]
    inside = make_events(RunnableLambda(lambda x: count.invoke(x)), {"to": 2})
    assert [chunk for event, chunk, _ in inside if event == "on_tool_stream"] == ["at 0", "at 1"]


def test_the_chunks_of_a_generator_replace_each_other_for_the_next_step():
    chain = RunnableLambda(lambda x: {"to": x}) | count | RunnableLambda(str.upper)
    assert list(chain.stream(2)) == [chain.invoke(2)] == ["COUNTED TO 2"]


def test_a_generator_that_is_left_is_closed():
    closed = []

    @tool
    def endless(x: int):
        """Never end."""
        try:
            while True:
                yield x
        finally:
            closed.append(True)

    stream = endless.stream({"x": 1})
    next(stream)
    stream.close()
    assert closed == [True]


# Errors


def fail(x: int) -> int:
    """Fail."""
    raise ToolException("no luck")


HANDLERS: list[tuple[Any, str]] = [
    (True, "no luck"),
    ("sorry", "sorry"),
    (lambda error: f"got {error.args[0]}", "got no luck"),
]


@pytest.mark.parametrize(("handler", "content"), HANDLERS)
def test_a_handled_error_is_an_answer_with_the_status_error(handler, content):
    part = StructuredTool.from_function(fail, handle_tool_error=handler)

    def theirs(x: int) -> int:
        """Fail."""
        raise peer.ToolException("no luck")

    other = peer.StructuredTool.from_function(theirs, handle_tool_error=handler)
    assert part.invoke({"x": 1}) == other.invoke({"x": 1}) == content
    message, told = part.invoke(call_of(x=1)), other.invoke(call_of(x=1))
    assert (message.content, message.status, message.tool_call_id) == (content, "error", "7")
    assert (told.content, told.status, told.tool_call_id) == (content, "error", "7")
    assert asyncio.run(part.ainvoke(call_of(x=1))) == message


def test_the_decorator_is_told_what_becomes_of_errors():
    @tool(handle_tool_error=True, handle_validation_error="a number, please")
    def double(x: int) -> int:
        """Double."""
        if x > 9:
            raise ToolException("too much")
        return 2 * x

    assert [double.invoke({"x": x}) for x in (4, 10, "?")] == [8, "too much", "a number, please"]
    of_text = tool("fail", infer_schema=False, handle_tool_error="no luck")(fail)
    of_runnable = tool("fail", RunnableLambda(fail), args_schema=double.args_model, handle_tool_error="no luck")
    assert (of_text.invoke("1"), of_runnable.invoke({"x": 1})) == ("no luck", "no luck")


def test_an_error_that_is_not_handled_is_raised():
    with pytest.raises(ToolException, match="no luck"):
        StructuredTool.from_function(fail).invoke({"x": 1})
    other = tool("other", description="Fail.")(lambda x: 1 / x)
    with pytest.raises(ZeroDivisionError):
        other.model_copy(update={"handle_tool_error": True}).invoke({"x": 0})


@tool
def weather(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{city} {days}"


def test_wrong_arguments_are_named_to_the_user_and_to_the_model():
    with pytest.raises(ValidationError) as raised:
        weather.invoke({"town": "Oslo", "days": "many"})
    said = raised.value.__notes__[0]
    assert said.splitlines() == [
        "the tool weather was called with wrong arguments:",
        "  city: is missing",
        "  days: Input should be a valid integer, unable to parse string as an integer; found 'many'",
        "  town: no argument of this tool; it takes city, days",
    ]
    handled = weather.model_copy(update={"handle_validation_error": True})
    message = handled.invoke(call_of(town="Oslo", days="many"))
    assert (message.content, message.status) == (said, "error")
    asked = weather.model_copy(update={"handle_validation_error": lambda error: f"{error.error_count()} wrong"})
    assert asked.invoke({}) == "1 wrong"
    with pytest.raises(ConfigError, match="must be True"):
        weather.model_copy(update={"handle_validation_error": 7}).invoke({})


# Arguments that the program fills


@tool
def buy(item: str, user: Annotated[str, InjectedToolArg], call_id: Annotated[str, InjectedToolCallId]) -> str:
    """Buy."""
    return f"{item} {user} {call_id}"


def test_injected_arguments_are_not_told_and_are_given():
    assert set(buy.args) == {"item"}
    assert set(buy.args_schema.model_fields) == {"item", "user", "call_id"}
    assert buy.invoke(call_of(item="tea", user="Ann")).content == "tea Ann 7"
    with pytest.raises(ValidationError, match="user"):
        buy.invoke(call_of(item="tea"))
    with pytest.raises(ConfigError, match="whole tool call"):
        buy.invoke({"item": "tea", "user": "Ann"})


def test_a_schema_may_have_injected_arguments_too():
    class Args(BaseModel):
        item: str
        user: Annotated[str, InjectedToolArg()]

    part = tool("part", args_schema=Args)(lambda item, user: item + user)
    assert list(part.args) == ["item"]
    assert part.invoke({"item": "a", "user": "b"}) == "ab"
    assert part.is_single_input


# Docstrings and schemas


def documented(a: int, b: str = "x") -> str:
    """Do a thing.

    With care.

    Args:
        a: the number
        b: the text
    """
    return f"{a}{b}"


def test_descriptions_come_from_the_docstring():
    part = tool(documented)
    theirs = peer.tool(parse_docstring=True)(documented)
    assert part.description == theirs.description == "Do a thing. With care."
    assert part.args == theirs.args
    plain = tool(parse_docstring=False)(documented)
    assert "Args:" in plain.description
    assert "description" not in plain.args["a"]
    with pytest.raises(ConfigError, match="has no section 'Args:'"):
        tool(parse_docstring=True)(fail)


def test_schemas_of_functions_are_the_peer_s():
    for made, theirs in (
        (create_schema_from_function("M", documented), peer.create_schema_from_function("M", documented)),
        (tool(weather.func).args_schema, peer.tool(weather.func).args_schema),
    ):
        assert made.model_json_schema()["properties"] == theirs.model_json_schema()["properties"]


def test_arguments_may_have_names_that_pydantic_keeps_for_itself():
    @tool
    def odd(schema: str, copy: int = 2) -> str:
        """Odd names."""
        return schema * copy

    assert odd.invoke({"schema": "a", "copy": 3}) == "aaa"
    assert set(odd.args) == {"schema", "copy"}


def test_a_wrong_annotation_of_args_schema_is_refused():
    with pytest.raises(SchemaAnnotationError, match="type\\[BaseModel\\]"):

        class Wrong(BaseTool):
            name: str = "wrong"
            args_schema: BaseModel = weather.args_schema


# Tool


def test_a_tool_of_one_text():
    upper = Tool("upper", str.upper, "Upper case.")
    theirs = peer.Tool("upper", str.upper, "Upper case.")
    for input in ("abc", {"tool_input": "abc"}, {"any": "abc"}):
        assert upper.invoke(input) == theirs.invoke(input) == "ABC"
    assert upper.args == theirs.args == {"tool_input": {"type": "string"}}
    assert asyncio.run(upper.ainvoke("abc")) == "ABC"
    with pytest.raises(ToolException, match="takes one argument, not 2"):
        upper.invoke({"a": "x", "b": "y"})
    assert isinstance(tool(infer_schema=False)(fail), Tool)


# Runnables and retrievers as tools


def test_a_runnable_as_a_tool():
    chain = RunnableLambda(lambda x: x["a"] * 2) | RunnableLambda(lambda x: x + 1)
    part = chain.as_tool(name="twice", description="Twice.", arg_types={"a": int})
    theirs = convert_runnable_to_tool(chain, name="twice", arg_types={"a": int})
    assert (part.name, part.description, part.args) == ("twice", "Twice.", theirs.args)
    assert part.invoke({"a": "3"}) == theirs.invoke({"a": 3}) == 7
    check_runnable(part, {"a": 3}, expected=7)
    assert tool("named", chain, args_schema=create_schema_from_function("A", lambda a: a)).invoke({"a": 1}) == 3


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(page_content=f"{query} {number}", metadata={"page": number}) for number in (1, 2)]


def test_a_retriever_as_a_tool():
    search = create_retriever_tool(Shelf(), "search", "Search the shelf.")
    assert search.invoke("tea") == asyncio.run(search.ainvoke({"query": "tea"})) == "tea 1\n\ntea 2"
    prompt = PromptTemplate.from_template("[{page}] {page_content}")
    both = create_retriever_tool(
        Shelf(), "s", "S", document_prompt=prompt, document_separator="; ", response_format="content_and_artifact"
    )
    message = both.invoke(call_of(query="tea"))
    assert (message.content, len(message.artifact)) == ("[1] tea 1; [2] tea 2", 2)
    check_runnable(search, "tea")
    lost = create_retriever_tool(Shelf(), "s", "S", document_prompt=PromptTemplate.from_template("{author}"))
    with pytest.raises(ConfigError, match="needs author"):
        lost.invoke("tea")


def test_the_retriever_s_run_is_inside_of_the_tool_s():
    search = create_retriever_tool(Shelf(), "search", "Search.")
    for event in ("on_retriever_start", "on_retriever_end", "on_tool_end"):
        assert event in [name for name, *_ in make_events(search, "tea")]


# Texts, toolkits, the rest


def test_tools_as_text():
    def theirs(city: str, days: int = 1) -> str:
        """Tell the weather."""
        return city

    other = peer.tool("weather")(theirs)
    assert render_text_description([weather]) == peer.render_text_description([other])
    assert render_text_description_and_args([weather]) == peer.render_text_description_and_args([other])


def test_a_toolkit_gives_its_tools():
    class Kit(BaseToolkit):
        def get_tools(self) -> list[BaseTool]:
            return [weather, buy]

    assert [each.name for each in Kit().get_tools()] == ["weather", "buy"]


def test_run_takes_the_parts_of_a_config():
    seen = []

    class Seen(Observer):
        def on_start(self, run, input):
            seen.append((run.name, run.tags, input))

    assert weather.run({"city": "Oslo"}, callbacks=[Seen()], tags=["t"], run_name="n", tool_call_id="3") == (
        ToolMessage("Oslo 1", name="weather", tool_call_id="3")
    )
    assert asyncio.run(weather.arun("Oslo")) == "Oslo 1"
    own = weather.model_copy(update={"callbacks": [Seen()]})
    own.invoke("Oslo")
    assert seen == [("n", ["t"], {"city": "Oslo"}), ("weather", [], "Oslo")]


@pytest.mark.parametrize("part", [weather, buy])
def test_a_tool_keeps_the_promises_of_runnables(part):
    check_runnable(part, call_of(city="Oslo", item="tea", user="Ann"))
