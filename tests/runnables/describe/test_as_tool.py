"""Runnables as tools."""

from prill.language_models.fake import FakeListLLM
from prill.prompts import PromptTemplate
from prill.runnables import RunnableLambda


def test_the_keys_of_the_input_are_the_arguments(verbs):
    chain = PromptTemplate.from_template("{city} in {month}") | FakeListLLM(responses=["sunny"])
    tool = chain.as_tool(name="weather", description="The weather.")
    assert (tool.name, tool.description) == ("weather", "The weather.")
    assert set(tool.args) == {"city", "month"}
    assert verbs.invoke(tool, {"city": "Rome", "month": "May"}) == "sunny"


def test_a_function_of_one_value_has_one_argument(verbs):
    def double(x: int) -> int:
        """Double a number."""
        return x * 2

    tool = RunnableLambda(double).as_tool()
    assert (tool.name, tool.description) == ("double", "Double a number.")
    assert verbs.invoke(tool, {"input": 2}) == 4


def test_types_of_arguments_can_be_given(verbs):
    tool = RunnableLambda(lambda x: x["a"] + x["b"]).as_tool(name="plus", arg_types={"a": int, "b": int})
    assert verbs.invoke(tool, {"a": 1, "b": 2}) == 3
