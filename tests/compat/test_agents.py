"""The names of agents in LangChain's and LangGraph's packages lead to Prill's."""

import pytest

from prill import agents
from prill.compat.agents import AGENTS
from prill.compat.module_map import names_in

LED = [
    ("langchain.agents", "AgentExecutor", "AgentExecutor"),
    ("langchain.agents", "create_agent", "create_agent"),
    ("langchain.agents", "create_openai_functions_agent", "create_openai_tools_agent"),
    ("langchain.agents.middleware", "HumanInTheLoopMiddleware", "HumanInTheLoopMiddleware"),
    ("langchain.schema", "AgentFinish", "AgentFinish"),
    ("langchain_core.agents", "AgentActionMessageLog", "AgentActionMessageLog"),
    ("langgraph.checkpoint.memory", "MemorySaver", "InMemoryThreads"),
    ("langgraph.prebuilt", "create_react_agent", "create_react_agent"),
    ("langgraph.types", "interrupt", "interrupt"),
]


@pytest.mark.parametrize(("module", "name", "ours"), LED)
def test_a_name_leads_to_its_counterpart(module, name, ours):
    home, there = names_in(module)[name]
    assert (home, there) == ("prill.agents", ours)


@pytest.mark.parametrize("module", AGENTS)
def test_every_name_of_the_table_is_there(module):
    for home, there in names_in(module).values():
        if home == "prill.agents":
            assert hasattr(agents, there)


def test_an_agent_is_made_by_either_name_of_its_model(compat):
    from langchain.agents import create_react_agent
    from langchain_core.language_models import FakeListLLM
    from langchain_core.prompts import PromptTemplate

    prompt = PromptTemplate.from_template("{tools} {tool_names} {agent_scratchpad}")
    agent = create_react_agent(llm=FakeListLLM(responses=["Final Answer: yes"]), tools=[], prompt=prompt)
    assert agent.invoke({"intermediate_steps": []}).return_values == {"output": "yes"}
