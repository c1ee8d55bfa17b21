"""Runs that are watched: handlers, events of both versions, custom events, tags, listeners."""

import asyncio

from langchain_core.callbacks import BaseCallbackHandler, StdOutCallbackHandler, adispatch_custom_event
from langchain_core.callbacks.streaming_stdout import StreamingStdOutCallbackHandler
from langchain_core.callbacks.usage import get_usage_metadata_callback
from langchain_core.language_models import FakeListChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool


class Diary(BaseCallbackHandler):
    def on_chain_start(self, serialized, inputs, *, tags=None, name=None, **kwargs):
        print("chain begins", name, tags)

    def on_chain_end(self, outputs, **kwargs):
        print("chain gave", outputs)

    def on_chain_error(self, error, **kwargs):
        print("chain failed", repr(error))

    def on_chat_model_start(self, serialized, messages, **kwargs):
        print("model is given", [[message.content for message in each] for each in messages])

    def on_llm_new_token(self, token, **kwargs):
        print("token", token)

    def on_llm_end(self, response, **kwargs):
        print("model gave", response.generations[0][0].text)

    def on_tool_start(self, serialized, input_str, **kwargs):
        print("tool is given", input_str)


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


prompt = ChatPromptTemplate.from_template("About {topic}")
chain = prompt | GenericFakeChatModel(messages=iter([AIMessage("a b"), AIMessage("c d")])) | StrOutputParser()
for piece in chain.stream({"topic": "fish"}, {"callbacks": [Diary()], "tags": ["mine"]}):
    print("piece", piece)
print(double.invoke({"number": 4}, {"callbacks": [Diary()]}))

try:
    RunnableLambda(lambda x: 1 / x).invoke(0, {"callbacks": [Diary()]})
except ZeroDivisionError:
    print("failed, as it should")


async def count(value):
    await adispatch_custom_event("progress", {"done": 1})
    return value


async def show(watched, given, **kwargs):
    async for event in watched.astream_events(given, **kwargs):
        told = {key: event["data"][key] for key in ("input", "chunk") if key in event["data"]}
        shown = {key: getattr(value, "content", value) for key, value in told.items() if not isinstance(value, dict)}
        print(event["event"], event["name"], event.get("tags"), shown)


asyncio.run(show(chain.with_config(run_name="talk"), {"topic": "moon"}, version="v2"))
asyncio.run(show(RunnableLambda(count), "x", version="v2"))
asyncio.run(show(RunnableLambda(lambda x: x + 1).with_config(tags=["add"]), 1, version="v1", include_tags=["add"]))

model = FakeListChatModel(responses=["shown"])
list(model.stream("x", {"callbacks": [StreamingStdOutCallbackHandler()]}))
print()
(RunnableLambda(lambda x: x) | (lambda x: x)).with_listeners(
    on_start=lambda run: print("starts", run.inputs), on_end=lambda run: print("ends", run.outputs)
).invoke(5)
with get_usage_metadata_callback() as usage:
    spent = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    GenericFakeChatModel(
        messages=iter([AIMessage("x", usage_metadata=spent, response_metadata={"model_name": "fake"})])
    ).invoke("?")
print({name: found["total_tokens"] for name, found in usage.usage_metadata.items()})
print(StdOutCallbackHandler().color)
