"""Types flow through ``|``; checked by mypy, not run."""

from __future__ import annotations

from typing import Any, assert_type

from prill.language_models import FakeListChatModel, FakeListLLM
from prill.messages import AIMessage
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate, PromptTemplate
from prill.runnables import Runnable

prompt = ChatPromptTemplate.from_template("tell me a joke about {topic}")
model = FakeListChatModel(responses=["a joke"])

chain = prompt | model | StrOutputParser()
assert_type(chain, Runnable[dict[str, Any], str])
assert_type(chain.invoke({"topic": "parrots"}), str)
assert_type(chain.batch([{"topic": "parrots"}]), list[str])
for piece in chain.stream({"topic": "parrots"}):
    assert_type(piece, str)

assert_type(prompt | model, Runnable[dict[str, Any], AIMessage])
assert_type(model.invoke("hi"), AIMessage)
assert_type(FakeListLLM(responses=["x"]).invoke("hi"), str)
assert_type(PromptTemplate.from_template("{x}") | FakeListLLM(responses=["x"]), Runnable[dict[str, Any], str])
assert_type(chain | len, Runnable[dict[str, Any], int])
assert_type((model | JsonOutputParser()).invoke("hi"), Any)
