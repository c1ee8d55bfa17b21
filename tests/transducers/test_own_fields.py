"""Objects of a subclass, in fields whose type names another class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, model_serializer
from typing_extensions import TypedDict

from prill.agents import AgentAction, AgentActionMessageLog
from prill.documents import Blob, Document
from prill.load import Serializable
from prill.messages import AIMessage, BaseMessage
from prill.outputs import ChatGeneration, Generation
from prill.prompt_values import ChatPromptValue, PromptValue


class Scored(Document):
    score: float


class Page(Blob):
    number: int


class Named(Serializable):
    name: str


class Aged(Named):
    age: int


class Entry(TypedDict):
    document: Document


@dataclass
class Found:
    documents: list[Document]


class State(BaseModel):
    documents: dict[str, list[Document | str]]


SCORED = Scored("x", score=2.5)
CALL = AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1"}])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Document, SCORED),
        (Document | None, SCORED),
        (str | Document, SCORED),
        (Sequence[Document], [SCORED]),
        (tuple[Document, ...], (SCORED,)),
        (Entry, {"document": SCORED}),
        (Found, Found([SCORED])),
        (State, State(documents={"a": [SCORED]})),
    ],
    ids=str,
)
def test_a_documents_own_fields_are_dumped_wherever_it_is(kind: Any, value: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    assert b'"score":2.5' in adapter.dump_json(value)
    assert "'score': 2.5" in str(adapter.dump_python(value))


@pytest.mark.parametrize(
    ("kind", "value", "dumped"),
    [
        (Blob, Page(data="x", number=7), {"number": 7}),
        (Generation, ChatGeneration(message=CALL), {"message": CALL.model_dump()}),
        (PromptValue, ChatPromptValue(messages=[CALL]), {"messages": [CALL.model_dump()]}),
        (BaseMessage, CALL, {"tool_calls": CALL.tool_calls}),
        (Named, Aged(name="a", age=3), {"age": 3}),
        (
            AgentAction,
            AgentActionMessageLog(tool="t", tool_input="x", log="", message_log=[CALL]),
            {"message_log": [CALL.model_dump()]},
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_so_are_those_of_all_that_chains_pass_on(kind: Any, value: Any, dumped: dict[str, Any]) -> None:
    (written,) = TypeAdapter(list[kind]).dump_python([value])
    assert dumped.items() <= written.items()


def test_the_options_of_a_dump_are_those_of_the_whole() -> None:
    state = State(documents={"a": [SCORED]})
    assert state.model_dump(exclude_defaults=True) == {"documents": {"a": [{"page_content": "x", "score": 2.5}]}}
    assert "score" not in str(state.model_dump(exclude={"documents": {"a": {0: {"score"}}}}))


def test_a_serializer_of_the_users_own_stays() -> None:
    class Short(Document):
        @model_serializer
        def write(self) -> str:
            return self.page_content

    assert Short("x").model_dump() == "x"
    assert State(documents={"a": [Short("x")]}).model_dump() == {"documents": {"a": ["x"]}}


@pytest.mark.parametrize("kind", [Document, Blob, Generation])
def test_the_schema_of_what_is_dumped_says_the_fields(kind: type[BaseModel]) -> None:
    dumped = kind.model_json_schema(mode="serialization")
    assert dumped["properties"].keys() == kind.model_json_schema()["properties"].keys()
