"""Tools, their schemas, structured output parsers, few-shot prompts, partial JSON."""

from typing import Annotated

from langchain_core.example_selectors import LengthBasedExampleSelector
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser, PydanticToolsParser, XMLOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputToolsParser
from langchain_core.prompts import FewShotChatMessagePromptTemplate, FewShotPromptTemplate, PromptTemplate
from langchain_core.prompts.chat import ChatPromptTemplate
from langchain_core.tools import StructuredTool, ToolException, tool
from langchain_core.tools.base import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.json import parse_partial_json
from pydantic import BaseModel, Field


class Country(BaseModel):
    """A country."""

    name: str = Field(description="what it is called")
    people: int = 0


@tool
def add(a: int, b: Annotated[int, "what is added"] = 1) -> int:
    """Add two numbers."""
    return a + b


def weather(city: str) -> str:
    """The weather of a city."""
    if city == "Nowhere":
        raise ToolException("there is no such city")
    return f"fine in {city}"


print(add.name, add.description, add.args, add.invoke({"a": 1}), isinstance(add, BaseTool))
print(convert_to_openai_tool(add))
print(convert_to_openai_tool(Country))
call = {"type": "tool_call", "id": "7", "name": "add", "args": {"a": 2, "b": 3}}
print(repr(add.invoke(call).content), add.invoke(call).tool_call_id)
forecast = StructuredTool.from_function(weather, handle_tool_error=True)
print(forecast.run({"city": "Rome"}), forecast.run({"city": "Nowhere"}))

print(PydanticOutputParser(pydantic_object=Country).parse('```json\n{"name": "Fiji", "people": 9}\n```'))
print(list(JsonOutputParser().transform(iter(['{"name": "Fr', 'ance"', ', "people": 6', "7}"]))))
print(XMLOutputParser().parse("<a><b>1</b><b>2</b></a>"), parse_partial_json('{"a": [1, {"b": "c'))
asked = AIMessage("", tool_calls=[{"name": "Country", "args": {"name": "Fiji"}, "id": "1"}])
print(PydanticToolsParser(tools=[Country]).invoke(asked), JsonOutputToolsParser().invoke(asked))

examples = [{"in": "2+2", "out": "4"}, {"in": "3+3", "out": "6"}]
line = PromptTemplate.from_template("{in} = {out}")
print(
    FewShotPromptTemplate(examples=examples, example_prompt=line, suffix="{q} =", input_variables=["q"]).format(q="1")
)
selector = LengthBasedExampleSelector(examples=examples, example_prompt=line, max_length=3)
print(selector.select_examples({"q": "1"}))
pairs = ChatPromptTemplate.from_messages([("human", "{in}"), ("ai", "{out}")])
shots = FewShotChatMessagePromptTemplate(examples=examples, example_prompt=pairs).format_messages()
print([(message.type, message.content) for message in shots])
