"""Arguments that the program or the run gives: passed to the function, and hidden from models and observers."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from prill.callbacks import BaseCallbackHandler
from prill.messages import ToolMessage
from prill.tools import InjectedToolArg, InjectedToolCallId, StructuredTool, Tool, convert_to_openai_function, tool


class Query(BaseModel):
    q: str


class Seen(BaseCallbackHandler):
    def __init__(self) -> None:
        self.starts: list[Any] = []
        self.errors: list[Any] = []

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self.starts.append((input_str, kwargs["inputs"], kwargs["tool_call_id"]))

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(kwargs["tool_call_id"])


def find(q: str, state: Annotated[Any, InjectedToolArg]) -> str:
    """Find."""
    return f"{q} {state}"


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": "7"}


def test_a_plain_function_shows_a_model_no_injected_parameter() -> None:
    assert list(convert_to_openai_function(find)["parameters"]["properties"]) == ["q"]


def test_injected_parameters_pass_a_schema_that_leaves_them_out() -> None:
    assert tool(args_schema=Query)(find).invoke({"q": "a", "state": "C"}) == "a C"

    @tool(args_schema=Query)
    def with_id(q: str, id: Annotated[str, InjectedToolCallId]) -> str:
        """Find."""
        return f"{q} {id}"

    assert with_id.invoke(call("with_id", q="a")).content == "a 7"


def test_handlers_see_the_id_of_a_call_and_no_injected_argument() -> None:
    seen = Seen()
    part = tool(find)
    part.invoke({"q": "a", "state": "secret"}, {"callbacks": [seen]})
    part.invoke(call("find", q="a", state="secret"), {"callbacks": [seen]})
    assert seen.starts == [("{'q': 'a'}", {"q": "a"}, None), ("{'q': 'a'}", {"q": "a"}, "7")]

    @tool
    def fail(x: int) -> int:
        """Fail."""
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail.invoke(call("fail", x=1), {"callbacks": [seen]})
    assert seen.errors == ["7"]


@pytest.mark.parametrize("make", [StructuredTool.from_function, Tool.from_function], ids=["structured", "simple"])
def test_a_parameter_callbacks_is_filled_in_every_run(make: Any) -> None:
    given: list[Any] = []

    def act(word: str, callbacks: Any = None) -> str:
        given.append(callbacks)
        return word

    make(act, name="act", description="Act.").invoke("x")
    assert given[0].handlers == []


@pytest.mark.parametrize(
    ("output", "is_content"), [([{"type": "text", "text": "x"}], True), ([{"type": "cat"}], False)]
)
def test_a_list_of_dicts_is_content_only_if_these_are_content_blocks(output: Any, is_content: bool) -> None:
    @tool
    def give() -> Any:
        """Give."""
        return output

    answer = give.invoke(call("give"))
    assert isinstance(answer, ToolMessage)
    assert isinstance(answer.content, list) is is_content
