"""Chat prompts with the schema of the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from prill.errors import PromptError
from prill.language_models import FakeListChatModel
from prill.load import dumps, loads
from prill.prompts import ChatPromptTemplate
from prill.prompts.structured import StructuredPrompt
from prill.runnables import RunnableLambda

SCHEMA = {"title": "Answer", "type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


class Answer(BaseModel):
    x: int


class Model(FakeListChatModel):
    """A model that answers with what it was asked to answer in."""

    responses: list[str] = ["unused"]

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return RunnableLambda(lambda value: (value.to_messages()[0].content, schema, kwargs))


@pytest.mark.parametrize("schema", [SCHEMA, Answer], ids=["JSON schema", "class"])
def test_a_model_behind_it_answers_in_the_schema(schema: Any) -> None:
    prompt = StructuredPrompt([("human", "{a}")], schema, method="json_mode")
    expected = ("hi", schema, {"method": "json_mode"})
    for chain in (prompt | Model(), prompt.pipe(Model()), prompt | Model().with_config(tags=["t"])):
        assert chain.invoke({"a": "hi"}) == expected
        assert asyncio.run(chain.ainvoke({"a": "hi"})) == expected
    assert (prompt.partial(a="hi") | Model() | (lambda answer: answer[0])).invoke({}) == "hi"


def test_the_ways_to_make_one_are_the_same() -> None:
    prompt = StructuredPrompt([("human", "{a}")], SCHEMA, structured_output_kwargs={"strict": True})
    assert StructuredPrompt.from_messages_and_schema([("human", "{a}")], SCHEMA, strict=True) == prompt
    assert StructuredPrompt([("human", "{a}")], schema=SCHEMA, strict=True) == prompt
    assert prompt.invoke("hi") == ChatPromptTemplate([("human", "{a}")]).invoke("hi")


def test_it_can_be_stored() -> None:
    prompt = StructuredPrompt([("human", "{a}")], SCHEMA, method="json_mode")
    again = loads(dumps(prompt))
    assert again == prompt
    assert (again | Model()).invoke({"a": "hi"}) == ("hi", SCHEMA, {"method": "json_mode"})


def test_a_schema_and_a_model_are_needed() -> None:
    with pytest.raises(PromptError, match="needs the schema of the answer"):
        StructuredPrompt([("human", "{a}")])
    with pytest.raises(PromptError, match="not to RunnableLambda"):
        StructuredPrompt([("human", "{a}")], SCHEMA) | RunnableLambda(str)
