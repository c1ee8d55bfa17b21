"""What goes in and what comes out: inferred, as the peer's where sensible, and of use in a web service."""

import json
import operator
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypedDict

import langchain_core.language_models.fake as peer_fake
import langchain_core.output_parsers as peer_parsers
import langchain_core.prompts as peer_prompts
import langchain_core.runnables as peer
import pytest
from pydantic import BaseModel, ValidationError

import prill.language_models as ours_fake
import prill.output_parsers as ours_parsers
import prill.prompts as ours_prompts
import prill.runnables as ours
from prill.language_models.fake import FakeListLLM
from prill.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from prill.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough, RunnablePick


class Joke(BaseModel):
    setup: str


class Question(TypedDict):
    text: str


def length(text: str) -> int:
    return len(text)


def shout(x: dict) -> str:
    return x["question"] + x["context"]


async def later(x: int) -> float:
    return x / 2


def pieces(chunks: Iterator[int]) -> Iterator[str]:
    for chunk in chunks:
        yield str(chunk)


async def apieces(chunks: AsyncIterator[int]) -> AsyncIterator[str]:
    async for chunk in chunks:
        yield str(chunk)


def untyped(x):
    return x


def both(runnables, prompts, parsers, fake):
    """The same chains of either package."""
    template = prompts.PromptTemplate.from_template("{a} {b}")
    llm = fake.FakeListLLM(responses=["x"])
    function = runnables.RunnableLambda
    return {
        "function": function(length),
        "function that reads keys": function(shout),
        "async function": function(later),
        "untyped function": function(untyped),
        "generator": runnables.RunnableGenerator(pieces),
        "async generator": runnables.RunnableGenerator(apieces),
        "passthrough": runnables.RunnablePassthrough(),
        "prompt": template,
        "prompt to model": template | llm,
        "parser": parsers.StrOutputParser(),
        "list parser": parsers.CommaSeparatedListOutputParser(),
        "parser of a model": parsers.PydanticOutputParser(pydantic_object=Joke),
        "parser of anything": parsers.JsonOutputParser(),
        "keys merged": {"a": operator.itemgetter("x"), "b": operator.itemgetter("y")} | template,
        "several outputs": runnables.RunnableParallel(a=length, b=shout),
        "assigned to a prompt": runnables.RunnablePassthrough.assign(c=function(shout)) | template,
        "bound": function(length).bind(more=1),
        "named": (template | llm).with_config(run_name="Named"),
        "typed": template.with_types(input_type=Joke),
        "typed output": function(untyped).with_types(output_type=int),
        "retried": function(length).with_retry(),
        "with fallbacks": function(length).with_fallbacks([function(shout)]),
        "model": llm,
        "pick of a dict": runnables.RunnablePick("a"),
        "in parallel to a model": runnables.RunnableParallel(a=template | llm | parsers.StrOutputParser(), b=length),
    }


OURS = both(ours, ours_prompts, ours_parsers, ours_fake)
PEERS = both(peer, peer_prompts, peer_parsers, peer_fake)

DIFFERENT = {
    # The peer shows only the keys that the assigned steps read, or a key called "root".
    ("function that reads keys", "input"),
    ("several outputs", "input"),
    ("assigned to a prompt", "input"),
    ("in parallel to a model", "input"),
}


def shape(schema):
    """A schema without what is only said about it: descriptions, and the fields of messages."""
    if isinstance(schema, dict):
        return {key: shape(value) for key, value in schema.items() if key not in ("description", "$defs")}
    return [shape(each) for each in schema] if isinstance(schema, list) else schema


COMPARED = [(name, side) for name in OURS for side in ("input", "output") if (name, side) not in DIFFERENT]


@pytest.mark.parametrize(("name", "side"), COMPARED)
def test_json_schemas_are_those_of_the_peer(name, side):
    own = getattr(OURS[name], f"get_{side}_jsonschema")()
    theirs = getattr(PEERS[name], f"get_{side}_jsonschema")()
    assert shape(own) == shape(theirs)


def keys(part):
    schema = part.get_input_jsonschema()
    return set(schema.get("properties", {})), set(schema.get("required", ()))


def test_a_lambda_needs_the_keys_that_it_reads():
    part = RunnableLambda(lambda x: x["question"])
    assert keys(part) == ({"question"}, {"question"})


def test_a_key_read_with_get_may_be_missing():
    part = RunnableLambda(lambda x: x["question"] + x.get("lang", "en"))
    assert keys(part) == ({"question", "lang"}, {"question"})


def test_two_lambdas_on_one_line_are_told_apart_or_nothing_is_claimed():
    part = RunnableParallel(a=lambda x: x["one"], b=lambda y: y["two"])
    assert keys(part) == ({"one", "two"}, {"one", "two"})
    same = [lambda x: x["one"], lambda x: x["two"]]
    assert keys(RunnableLambda(same[0])) == (set(), set())


def test_reads_of_an_inner_dict_are_no_keys_of_the_input():
    assert keys(RunnableLambda(lambda x: x["a"]["b"])) == ({"a"}, {"a"})


def test_assigned_keys_are_no_longer_needed():
    chain = RunnablePassthrough.assign(context=lambda x: x["question"]) | PromptTemplate.from_template(
        "{context} {question} {tone}"
    )
    assert keys(chain) == ({"question", "tone"}, {"question", "tone"})


def test_what_is_picked_keeps_its_type():
    chain = RunnableParallel(a=length, b=shout).pick("a")
    assert chain.get_output_jsonschema()["type"] == "integer"
    several = RunnableParallel(a=length, b=shout).pick(["a"])
    assert several.get_output_jsonschema()["properties"] == {"a": {"title": "A", "type": "integer"}}


def test_an_optional_placeholder_may_be_missing_and_takes_messages():
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history", optional=True), ("human", "{topic}")])
    assert keys(prompt) == ({"history", "topic"}, {"topic"})
    assert prompt.get_input_jsonschema()["properties"]["history"]["type"] == "array"


def test_a_typed_dict_of_the_standard_library_is_taken():
    def ask(x: Question) -> str:
        return x["text"]

    with pytest.raises(ValidationError):
        RunnableLambda(ask).input_schema.model_validate({})
    assert RunnableLambda(ask).input_schema.model_validate({"text": "hi"}).root == {"text": "hi"}


def test_a_users_class_tells_its_types_by_its_base_or_its_invoke():
    class Generic(Runnable[str, int]):
        def invoke(self, input, config=None, **kwargs):
            return len(input)

    class Annotated(Runnable):
        def invoke(self, input: str, config: Any = None, **kwargs: Any) -> int:
            return len(input)

    for part in (Generic(), Annotated()):
        assert (part.InputType, part.OutputType) == (str, int)
        assert (part | length).get_input_jsonschema()["type"] == "string"


def test_keys_that_no_model_could_have_as_fields_are_taken():
    schema = RunnableLambda(lambda x: x["model_config"] + x["a b"] + x["_c"]).input_schema
    assert set(schema.model_json_schema()["required"]) == {"model_config", "a b", "_c"}
    assert schema.model_validate({"model_config": 1, "a b": 2, "_c": 3})


def test_each_takes_and_gives_lists():
    part = RunnableLambda(length).map()
    assert (part.InputType, part.OutputType) == (list[str], list[int])
    assert part.input_schema.model_validate(["a"])


def test_a_web_service_checks_requests_and_documents_answers():
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    chain = {"q": lambda x: x["question"]} | PromptTemplate.from_template("Q: {q}") | FakeListLLM(responses=["42"])
    both = RunnableParallel(answer=chain, asked=lambda x: x["question"])
    app = FastAPI()
    Input, Output = both.get_input_schema(), both.get_output_schema()

    @app.post("/ask")
    def ask(body: Input) -> Output:
        return both.invoke(body.model_dump())

    client = TestClient(app)
    assert client.post("/ask", json={"question": "why?"}).json() == {"answer": "42", "asked": "why?"}
    refused = client.post("/ask", json={})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "question"]
    document = client.get("/openapi.json").json()
    answer = document["paths"]["/ask"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    name = answer["$ref"].rpartition("/")[2]
    assert set(document["components"]["schemas"][name]["properties"]) == {"answer", "asked"}
    assert json.dumps(document).count("#/components/schemas/") >= 2


def test_a_sequence_gives_its_name_to_the_schema_of_the_keys_that_it_adds():
    added = {"a": RunnablePassthrough()} | RunnablePassthrough.assign(h=lambda x: 1)
    assert added.get_output_jsonschema()["title"] == "RunnableSequenceOutput"
    assert (added | RunnablePassthrough()).get_output_jsonschema()["title"] == "RunnableSequenceOutput"
    taken = added | RunnablePick(["a"])
    assert (taken.get_output_jsonschema()["title"], taken.invoke(1)) == ("RunnableSequenceOutput", {"a": 1})


def test_a_sequence_that_adds_keys_first_has_the_input_of_the_steps_that_make_them():
    chain = RunnablePassthrough.assign(context=operator.itemgetter("q")) | RunnableLambda(len)
    assert chain.get_input_jsonschema()["title"] == "RunnableParallel<context>Input"


class _Handle:
    pass


def test_a_class_without_a_schema_is_any_value() -> None:
    def use(handle: _Handle | list[_Handle]) -> _Handle:
        return handle if isinstance(handle, _Handle) else handle[0]

    step = RunnableLambda(use)
    assert step.get_input_jsonschema()["title"] == "use_input"
    assert step.get_output_jsonschema() == {"title": "use_output"}
    handle = _Handle()
    assert step.get_output_schema().model_validate(handle).model_dump() is handle
    with pytest.raises(ValidationError):
        step.get_output_schema().model_validate("text")
    assert {"a": step}.keys() == {"a"}
    assert "a" in RunnableParallel(a=step).get_output_jsonschema()["properties"]
