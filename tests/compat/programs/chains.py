"""Chains of the documented parts: prompts, parsers, functions, parallel steps, branches, retries, batches."""

import asyncio
from operator import itemgetter

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import CommaSeparatedListOutputParser, JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.runnables import (
    RunnableBranch,
    RunnableConfig,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    chain,
)
from langchain_core.runnables.base import RunnableGenerator, RunnableSequence
from langchain_core.runnables.passthrough import aidentity, identity

prompt = ChatPromptTemplate.from_messages(
    [("system", "You are {mood}."), MessagesPlaceholder("history", optional=True), ("human", "{question}")]
)
filled = prompt.invoke({"mood": "kind", "question": "why?", "history": [("ai", "hm"), ("human", "so")]})
print([(message.type, message.content) for message in filled.to_messages()])
print(PromptTemplate.from_template("{a} and {b}").partial(b="B").format(a="A"))

model = FakeListChatModel(responses=["one, two, three", '{"n": [1, 2]}'])
words = prompt | model | CommaSeparatedListOutputParser()
print(words.invoke({"mood": "kind", "question": "count"}))
print((prompt | model | JsonOutputParser()).invoke({"mood": "kind", "question": "json"}))
print(type(words) is RunnableSequence, [type(step).__name__ for step in words.steps])

text = prompt | FakeListChatModel(responses=["hello"]) | StrOutputParser()
print(list(text.stream({"mood": "m", "question": "q"})))
print(text.batch([{"mood": "m", "question": "q"}] * 2))


async def in_asyncio():
    print([piece async for piece in text.astream({"mood": "m", "question": "q"})])
    print(await text.abatch([{"mood": "m", "question": "q"}] * 2, {"max_concurrency": 1}))
    print(await RunnableLambda(aidentity).ainvoke("same"), identity(7))


asyncio.run(in_asyncio())

both = RunnableParallel(length=len, upper=str.upper) | (lambda found: f"{found['upper']}{found['length']}")
print(both.invoke("abc"))
print(RunnablePassthrough.assign(total=lambda x: x["a"] + x["b"]).invoke({"a": 1, "b": 2}))
print((itemgetter("a") | RunnableLambda(lambda x: x * 10)).invoke({"a": 4}))
print(RunnableBranch((lambda x: x > 0, lambda x: "plus"), lambda x: "minus").batch([1, -1]))


def tokens(inputs):
    for piece in inputs:
        yield from piece


print(list((RunnableGenerator(tokens) | RunnableGenerator(tokens)).transform(iter(["ab", "c"]))))


@chain
def shout(value: str, config: RunnableConfig):
    return f"{value}! {config['tags']}"


print(shout.invoke("hey", {"tags": ["loud"]}))

tries = []


def flaky(value):
    tries.append(value)
    if len(tries) < 3:
        raise ValueError("not yet")
    return value


print(RunnableLambda(flaky).with_retry(wait_exponential_jitter=False).invoke("at last"), len(tries))
print(RunnableLambda(lambda x: 1 / x).with_fallbacks([RunnableLambda(lambda x: "zero")]).invoke(0))
print(RunnableLambda(lambda x: 1 / x).batch([1, 0], return_exceptions=True))
print(RunnableLambda(len).map().invoke(["a", "bb"]), RunnableLambda(lambda x: {"a": x}).pick("a").invoke(3))
