"""The types of structured answers and of tools, as a type checker sees them."""

from typing import Any, Literal, assert_type

from pydantic import BaseModel

from prill.language_models import BaseChatModel
from prill.language_models.chat_models import StructuredModel
from prill.runnables import Runnable
from prill.tools import StructuredTool, tool


class Row(BaseModel):
    name: str


def of_models(model: BaseChatModel) -> None:
    structured = model.with_structured_output(Row)
    assert_type(structured, StructuredModel[Row])
    assert_type(structured.invoke("Hi"), Row)
    assert_type(model.with_structured_output(list[Row]).invoke("Hi"), list[Row])
    assert_type(model.with_structured_output({"title": "x", "type": "object"}).invoke("Hi"), dict[str, Any])
    for partial in structured.stream("Hi"):
        assert_type(partial, Row)
    assert_type(model.with_structured_output(Literal["a", "b"]), StructuredModel[Any])
    assert_type(model.with_structured_output(Row | int), StructuredModel[Any])
    raw = model.with_structured_output(Row, include_raw=True)
    assert_type(raw.invoke("Hi"), dict[str, Any])
    runnable: Runnable[Any, Row] = structured
    runnable.invoke("Hi")


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


_: StructuredTool = add


@tool("named", return_direct=True)
def named(a: int) -> int:
    """Give."""
    return a


_ = named
