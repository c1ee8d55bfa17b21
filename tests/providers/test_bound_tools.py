"""What a provider is sent of a tool that is bound to its model."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.openai import ChatOpenAI
from prill.runnables import RunnableConfig
from prill.testing import ReplayServer, Reply
from prill.tools import BaseTool, InjectedToolArg, InjectedToolCallId, tool


@tool
def buy(
    item: str,
    user: Annotated[str, InjectedToolArg],
    call_id: Annotated[str, InjectedToolCallId],
    config: RunnableConfig,
    count: int = 1,
    callbacks: Any = None,
) -> str:
    """Buy a thing.

    Args:
        item: what to buy
        count: how many
    """
    return f"{count} {item} for {user} by {call_id}"


class Weigh(BaseTool):
    name: str = "weigh"
    description: str = "Weigh a thing."

    def _run(self, thing: str, run_manager: Any = None) -> int:
        return len(thing)


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


def sent_tools(server: ReplayServer) -> list[tuple[str, str, dict[str, Any]]]:
    tools = server.requests[-1].json["tools"]
    described = [each.get("function", each) for each in tools]
    return [(each["name"], each["description"], each.get("parameters") or each["input_schema"]) for each in described]


def test_a_tool_s_arguments_are_sent_without_those_that_the_program_fills(model: Any, server: ReplayServer) -> None:
    model.bind_tools([buy, Weigh()]).invoke("Hi")
    assert sent_tools(server) == [
        (
            "buy",
            "Buy a thing.",
            {
                "type": "object",
                "properties": {
                    "item": {"type": "string", "description": "what to buy"},
                    "count": {"type": "integer", "default": 1, "description": "how many"},
                },
                "required": ["item"],
            },
        ),
        (
            "weigh",
            "Weigh a thing.",
            {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]},
        ),
    ]


def test_a_model_s_call_runs_the_tool_and_is_answered_with_its_id(model: Any, server: ReplayServer) -> None:
    server.queue(Reply(tool_calls=[{"name": "buy", "args": {"item": "tea", "count": 2}, "id": "call_7"}]))
    [call] = model.bind_tools([buy]).invoke("Hi").tool_calls
    call["args"]["user"] = "Ann"
    answer = buy.invoke(call)
    assert (answer.content, answer.tool_call_id, answer.name) == ("2 tea for Ann by call_7", "call_7", "buy")
