"""The vendors' models: plain answers, streams, tool calls, structured output, text models, embeddings."""

import asyncio

from langchain_anthropic import ChatAnthropic
from langchain_anthropic.chat_models import ChatAnthropic as SameChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"fine in {city}"


chat = ChatOpenAI(model="gpt-4o-mini", temperature=0)
claude = ChatAnthropic(model="claude-3-haiku-20240307")
assert SameChatAnthropic is ChatAnthropic

print(chat.invoke("Say hello.").content)
print("".join(piece.content for piece in chat.stream([HumanMessage("Say hello.")])))
chain = ChatPromptTemplate.from_template("tell me a joke about {topic}") | claude | StrOutputParser()
print(chain.invoke({"topic": "parrots"}), "".join(chain.stream({"topic": "fish"})))


async def in_asyncio():
    print("".join([piece async for piece in chain.astream({"topic": "bears"})]))
    print((await chat.ainvoke("Say bye.")).content)


asyncio.run(in_asyncio())
answer = chat.bind_tools([weather]).invoke("How is it in Rome?")
print([(call["name"], call["args"]) for call in answer.tool_calls])
print(weather.invoke(answer.tool_calls[0]).content)
print(chat.with_structured_output(Joke, method="function_calling").invoke("A joke"))
print(OpenAI(model="gpt-3.5-turbo-instruct").invoke("Once").strip())
