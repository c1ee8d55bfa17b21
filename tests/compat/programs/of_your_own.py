"""Classes of a program's own: a model, a parser, a step, a handler in asyncio, a configurable chain."""

import asyncio
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler, CallbackManagerForLLMRun
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import LLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import BaseOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import PromptTemplate
from langchain_core.runnables import ConfigurableField, Runnable, RunnableSerializable
from langchain_core.runnables.config import RunnableConfig, ensure_config
from langchain_core.runnables.utils import ConfigurableFieldSpec


class Parrot(BaseChatModel):
    voice: str = "polite"

    @property
    def _llm_type(self) -> str:
        return "parrot"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"voice": self.voice}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=messages[-1].content))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in messages[-1].content.split():
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk


class Echo(LLM):
    @property
    def _llm_type(self) -> str:
        return "echo"

    def _call(self, prompt, stop=None, run_manager=None, **kwargs):
        return prompt[::-1]


class YesNo(BaseOutputParser[bool]):
    def parse(self, text: str) -> bool:
        if text.strip().lower() not in ("yes", "no"):
            raise OutputParserException(f"neither yes nor no: {text}")
        return text.strip().lower() == "yes"

    @property
    def _type(self) -> str:
        return "yes_no"


class Times(Runnable[int, int]):
    def __init__(self, by: int):
        self.by = by

    def invoke(self, input: int, config: RunnableConfig | None = None, **kwargs: Any) -> int:
        return input * self.by


class Greeting(RunnableSerializable[str, str]):
    word: str = "Hello"

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return f"{self.word} {input}"


class Notes(AsyncCallbackHandler):
    async def on_llm_new_token(self, token, **kwargs):
        if token:
            print("heard", token)


parrot = Parrot()
print(parrot.invoke("polly wants").content, [chunk.content for chunk in parrot.stream("polly wants") if chunk.content])
print(parrot.asdict())


async def listen():
    async for _ in parrot.astream("a cracker", {"callbacks": [Notes()]}):
        pass
    print((await parrot.ainvoke("again")).content, await Times(2).ainvoke(21))


asyncio.run(listen())
print((PromptTemplate.from_template("abc {x}") | Echo()).invoke({"x": "d"}), list(Echo().stream("xy")))
print(YesNo().invoke(AIMessage("YES")), YesNo().batch(["no", "yes"]))
try:
    YesNo().invoke("perhaps")
except OutputParserException as error:
    print(isinstance(error, ValueError), "neither yes nor no" in str(error))
print((Times(3) | Times(5)).invoke(2), Times(2).batch([1, 2, 3]), list(Times(4).stream(1)))
greeting = Greeting().configurable_fields(word=ConfigurableField(id="word"))
print(greeting.invoke("you"), greeting.with_config(configurable={"word": "Bye"}).invoke("you"))
kinds = Greeting().configurable_alternatives(ConfigurableField(id="kind"), default_key="hi", loud=Greeting(word="HEY"))
print(kinds.invoke("you", {"configurable": {"kind": "loud"}}))
print(ensure_config({"tags": ["t"]})["tags"], ConfigurableFieldSpec(id="x", annotation=str).id)
