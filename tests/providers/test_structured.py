"""Structured answers from both providers: what is asked, what comes."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from prill.anthropic import ChatAnthropic
from prill.errors import ConfigError, OutputParserException
from prill.language_models import FakeListChatModel
from prill.openai import ChatOpenAI
from prill.prompts import ChatPromptTemplate
from prill.testing import ReplayServer, Reply


class Row(BaseModel):
    """A row."""

    name: str
    size: int = 0


@pytest.fixture(params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, server: ReplayServer) -> Iterator[Any]:
    made: Any
    if request.param == "openai":
        made = ChatOpenAI(model="gpt-4o", base_url=server.openai_url, api_key="k", max_retries=0)
    else:
        made = ChatAnthropic(model="claude-test", base_url=server.anthropic_url, api_key="k", max_retries=0)
    yield made
    made.close()
    server.clear()


def call(args: Any, name: str = "Row", **more: Any) -> Reply:
    return Reply(tool_calls=[{"name": name, "args": args, "id": "1"}], fragment=4, **more)


ROW = {"name": "Paris", "size": 12}


def test_the_model_is_made_to_call_a_tool_of_the_schema_s_form(model: Any, server: ReplayServer) -> None:
    server.queue(call(ROW))
    assert model.with_structured_output(Row).invoke("Hi") == Row(name="Paris", size=12)
    sent = server.requests[-1].json
    [tool] = [each.get("function", each) for each in sent["tools"]]
    schema = tool.get("parameters") or tool["input_schema"]
    assert (tool["name"], tool["description"], schema["required"]) == ("Row", "A row.", ["name"])
    assert "Row" in json.dumps(sent["tool_choice"])


def test_a_stream_gives_growing_instances_in_both_colours(model: Any, server: ReplayServer) -> None:
    chain = ChatPromptTemplate.from_messages([("human", "{q}")]) | model.with_structured_output(Row)

    async def later() -> list[Any]:
        return [value async for value in chain.astream({"q": "Hi"})]

    server.queue(call(ROW), call(ROW))
    for values in (list(chain.stream({"q": "Hi"})), asyncio.run(later())):
        assert values[-1] == Row(name="Paris", size=12)
        assert type(values[-1]) is Row
        names = [value.name for value in values if hasattr(value, "name")]
        assert len(names) > 2
        assert all("Paris".startswith(name) for name in names)


def test_elements_stream_from_a_model(model: Any, server: ReplayServer) -> None:
    rows = [{"name": str(number), "size": number} for number in range(5)]
    server.queue(call({"items": rows}, "Row_list"), call({"items": rows}, "Row_list"))
    chain = model.with_structured_output(list[Row]).elements()
    assert list(chain.stream("Hi")) == chain.invoke("Hi") == [Row(**row) for row in rows]


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_the_answer_may_be_text(model: Any, server: ReplayServer, method: str) -> None:
    server.queue(Reply(['{"name": "Pa', 'ris", "si', 'ze": 12}']), Reply(['{"name": "Pa', 'ris", "size": 12}']))
    chain = model.with_structured_output(Row, method=method)
    [*partials, last] = chain.stream("Hi")
    assert partials[0].name == "Pa"
    assert last == chain.invoke("Hi") == Row(name="Paris", size=12)
    sent = server.requests[-1].json
    asked = sent.get("response_format") or sent["output_config"]["format"]
    assert asked["type"] == ("json_object" if method == "json_mode" and "response_format" in sent else "json_schema")
    if asked["type"] == "json_schema":
        schema = asked.get("schema") or asked["json_schema"]["schema"]
        assert schema["additionalProperties"] is False


def test_dicts_for_a_json_schema(model: Any, server: ReplayServer) -> None:
    schema = {"title": "Row", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    server.queue(call(ROW), call({"size": 1}))
    values = list(model.with_structured_output(schema).stream("Hi"))
    assert (values[-1], len(values) > 2) == (ROW, True)
    with pytest.raises(OutputParserException, match="name: expected a value"):
        model.with_structured_output(schema).invoke("Hi")


def test_include_raw_gives_the_message_the_value_and_the_error(model: Any, server: ReplayServer) -> None:
    chain = model.with_structured_output(Row, include_raw=True)
    server.queue(call(ROW), call({"size": "x"}), call(ROW), call({"size": "x"}))
    good, bad = chain.invoke("Hi"), chain.invoke("Hi")
    assert (good["parsed"], good["parsing_error"]) == (Row(name="Paris", size=12), None)
    assert good["raw"].tool_calls[0]["args"] == ROW
    assert bad["parsed"] is None
    assert isinstance(bad["parsing_error"], OutputParserException)
    assert bad["raw"].tool_calls[0]["args"] == {"size": "x"}
    for whole in (good, bad):
        chunks = list(chain.stream("Hi"))
        total = chunks[0]
        for chunk in chunks[1:]:
            total = total + chunk
        assert (total["parsed"], type(total["parsing_error"])) == (whole["parsed"], type(whole["parsing_error"]))
        assert total["raw"].tool_calls[0]["args"] == whole["raw"].tool_calls[0]["args"]


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_cut_answer_names_the_token_limit_once(model: Any, server: ReplayServer, verb: str) -> None:
    server.queue(call('{"name": "Par', finish_reason="length"))
    with pytest.raises(OutputParserException, match="cut by the token limit") as raised:
        list(getattr(model.with_structured_output(Row), verb)("Hi"))
    assert str(raised.value).count("cut by the token limit") == 1


def test_a_schema_that_cannot_be_told_and_an_unknown_method_are_refused(model: Any) -> None:
    with pytest.raises(ConfigError, match="none of function_calling"):
        model.with_structured_output(Row, method="magic")
    with pytest.raises(ConfigError, match="cannot be <object"):
        model.with_structured_output(object())
    with pytest.raises(NotImplementedError, match="cannot call tools"):
        FakeListChatModel(responses=[]).with_structured_output(Row)
    with pytest.raises(ConfigError, match="only method='function_calling'"):
        FakeListChatModel(responses=[]).with_structured_output(Row, method="json_mode")


def test_a_model_that_thinks_is_not_forced(server: ReplayServer) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    model = ChatAnthropic(
        model="claude-test", base_url=server.anthropic_url, api_key="k", thinking=thinking, max_tokens=4096
    )
    server.queue(call(ROW))
    assert model.with_structured_output(Row).invoke("Hi") == Row(name="Paris", size=12)
    assert "tool_choice" not in server.requests[-1].json
    model.close()
