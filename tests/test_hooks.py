"""Every documented hook is called, on a subclass of every public class that has it, in both colours."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import pytest

import prill
from prill.anthropic import Anthropic, ChatAnthropic
from prill.bedrock import ChatBedrockConverse
from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.google import ChatGoogleGenerativeAI
from prill.indexing import DocumentIndex
from prill.language_models import (
    LLM,
    BaseChatModel,
    BaseLLM,
    FakeListChatModel,
    FakeListLLM,
    FakeMessagesListChatModel,
    FakeStreamingListLLM,
    GenericFakeChatModel,
    ParrotFakeChatModel,
    SimpleChatModel,
)
from prill.language_models.fake_chat_models import FakeChatModel
from prill.messages import AIMessage, AIMessageChunk, HumanMessage
from prill.openai import AzureChatOpenAI, AzureOpenAI, ChatOpenAI, OpenAI
from prill.output_parsers import (
    BaseCumulativeTransformOutputParser,
    BaseGenerationOutputParser,
    BaseOutputParser,
    BaseTransformOutputParser,
    CommaSeparatedListOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
    StrOutputParser,
    XMLOutputParser,
)
from prill.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation, GenerationChunk, LLMResult
from prill.prompt_values import StringPromptValue
from prill.prompts import (
    ChatPromptTemplate,
    FewShotPromptTemplate,
    PromptTemplate,
)
from prill.retrievers import BaseRetriever, BM25Retriever, EnsembleRetriever
from prill.runnables import Runnable, RunnableLambda
from prill.tools import BaseTool, StructuredTool, Tool
from prill.vectorstores import InMemoryVectorStore, VectorStoreRetriever

MINE = "mine"


class Case(NamedTuple):
    """A class, how a subclass of it is made, and its hooks: a name, and the function that is written for it."""

    base: type[Any]
    make: Callable[[type[Any]], Any]
    hooks: dict[str, Any]
    input: Any = "x"
    rest: dict[str, Any] = {}


# What the hooks of each kind give


def chat_result(*args: Any, **kwargs: Any) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(MINE))])


def chat_chunks(*args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
    yield ChatGenerationChunk(message=AIMessageChunk(content=MINE))


def text_result(self: Any, prompts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
    return LLMResult(generations=[[Generation(text=MINE)] for _ in prompts])


def text_chunks(*args: Any, **kwargs: Any) -> Iterator[GenerationChunk]:
    yield GenerationChunk(text=MINE)


def text(*args: Any, **kwargs: Any) -> str:
    return MINE


def documents(*args: Any, **kwargs: Any) -> list[Document]:
    return [Document(page_content=MINE)]


def prompt_value(*args: Any, **kwargs: Any) -> StringPromptValue:
    return StringPromptValue(text=MINE)


def messages(*args: Any, **kwargs: Any) -> list[Any]:
    return [HumanMessage(MINE)]


def later(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def chunks_later(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        for chunk in function(*args, **kwargs):
            yield chunk

    return call


def both(sync: str, function: Callable[..., Any], wrap: Callable[[Any], Any] = later) -> dict[str, Any]:
    stem = sync.removeprefix("_")
    return {sync: function, f"{'_' if sync != stem else ''}a{stem}": wrap(function)}


CHAT = {**both("_generate", chat_result), **both("_stream", chat_chunks, chunks_later)}
TEXT = {**both("_generate", text_result), **both("_stream", text_chunks, chunks_later)}
RUN = both("_run", text)
FIND = both("_get_relevant_documents", documents)
PARSE = both("parse", text)
PARSE_RESULT = both("parse_result", text)
FORMAT_PROMPT = both("format_prompt", prompt_value)
FORMAT = both("format", text)

KIND: dict[str, Any] = {"_llm_type": property(lambda self: "mine")}
OFFLINE: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "api_key": "none", "max_retries": 0}
AZURE: dict[str, Any] = {
    "azure_endpoint": "http://127.0.0.1:9",
    "api_version": "v",
    "api_key": "none",
    "max_retries": 0,
}


def a_function(word: str) -> str:
    """Give a word back."""
    return word


def a_store() -> Any:
    return InMemoryVectorStore(DeterministicFakeEmbedding(size=4))


def an_example() -> PromptTemplate:
    return PromptTemplate.from_template("{a}")


INDEX: dict[str, Any] = {name: (lambda self, *args, **kwargs: None) for name in ("upsert", "delete", "get")}

CASES = [
    Case(BaseChatModel, lambda cls: cls(), CHAT, rest={**KIND, "_generate": chat_result}),
    Case(SimpleChatModel, lambda cls: cls(), {**CHAT, "_call": text}, rest={**KIND, "_call": text}),
    Case(FakeListChatModel, lambda cls: cls(responses=["theirs"]), {**CHAT, "_call": text}),
    Case(FakeChatModel, lambda cls: cls(), {**CHAT, "_call": text}),
    Case(FakeMessagesListChatModel, lambda cls: cls(responses=[AIMessage("theirs")]), CHAT),
    Case(GenericFakeChatModel, lambda cls: cls(messages=itertools.cycle(["theirs"])), CHAT),
    Case(ParrotFakeChatModel, lambda cls: cls(), CHAT),
    Case(ChatOpenAI, lambda cls: cls(model="m", **OFFLINE), CHAT),
    Case(ChatAnthropic, lambda cls: cls(model="m", **OFFLINE), CHAT),
    Case(AzureChatOpenAI, lambda cls: cls(azure_deployment="m", **AZURE), CHAT),
    Case(ChatGoogleGenerativeAI, lambda cls: cls(model="m", **OFFLINE), CHAT),
    Case(ChatBedrockConverse, lambda cls: cls(model="m", region_name="us-east-1", **OFFLINE), CHAT),
    Case(BaseLLM, lambda cls: cls(), TEXT, rest={**KIND, "_generate": text_result}),
    Case(LLM, lambda cls: cls(), {**TEXT, **both("_call", text)}, rest={**KIND, "_call": text}),
    Case(FakeListLLM, lambda cls: cls(responses=["theirs"]), {**TEXT, **both("_call", text)}),
    Case(FakeStreamingListLLM, lambda cls: cls(responses=["theirs"]), {**TEXT, **both("_call", text)}),
    Case(OpenAI, lambda cls: cls(model="m", **OFFLINE), TEXT),
    Case(AzureOpenAI, lambda cls: cls(azure_deployment="m", **AZURE), TEXT),
    Case(Anthropic, lambda cls: cls(model="m", **OFFLINE), TEXT),
    Case(BaseTool, lambda cls: cls(name="t", description="d", args_schema={"type": "object"}), RUN, {}),
    Case(StructuredTool, lambda cls: cls.from_function(a_function), RUN, {"word": "theirs"}),
    Case(Tool, lambda cls: cls("t", a_function, "d"), RUN),
    Case(BaseRetriever, lambda cls: cls(), FIND, rest={"_get_relevant_documents": documents}),
    Case(VectorStoreRetriever, lambda cls: cls(vectorstore=a_store()), FIND),
    Case(BM25Retriever, lambda cls: cls(docs=[]), FIND),
    Case(EnsembleRetriever, lambda cls: cls(retrievers=[a_store().as_retriever()]), FIND),
    Case(DocumentIndex, lambda cls: cls(), FIND, rest={"_get_relevant_documents": documents, **INDEX}),
    Case(BaseGenerationOutputParser, lambda cls: cls(), PARSE_RESULT, rest={"parse_result": text}),
    Case(BaseOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}, rest={"parse": text}),
    Case(BaseTransformOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}, rest={"parse": text}),
    Case(BaseCumulativeTransformOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}, rest={"parse": text}),
    Case(StrOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}),
    Case(JsonOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}),
    Case(PydanticOutputParser, lambda cls: cls(pydantic_object=Document), {**PARSE, **PARSE_RESULT}),
    Case(XMLOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}, "<a/>"),
    Case(CommaSeparatedListOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}),
    Case(MarkdownListOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}),
    Case(NumberedListOutputParser, lambda cls: cls(), {**PARSE, **PARSE_RESULT}),
    Case(JsonOutputToolsParser, lambda cls: cls(), PARSE_RESULT, AIMessage("x")),
    Case(JsonOutputKeyToolsParser, lambda cls: cls(key_name="k"), PARSE_RESULT, AIMessage("x")),
    Case(PydanticToolsParser, lambda cls: cls(tools=[Document]), PARSE_RESULT, AIMessage("x")),
    Case(PromptTemplate, lambda cls: cls.from_template("{a}"), {**FORMAT, **FORMAT_PROMPT}, {"a": 1}),
    Case(
        ChatPromptTemplate,
        lambda cls: cls.from_messages([("user", "{a}")]),
        {**both("format_messages", messages), **FORMAT_PROMPT},
        {"a": 1},
    ),
    Case(
        FewShotPromptTemplate,
        lambda cls: cls(examples=[{"a": 1}], example_prompt=an_example(), suffix="{b}", input_variables=["b"]),
        {**FORMAT, **FORMAT_PROMPT},
        {"b": 1},
    ),
]

PAIRS = [pytest.param(case, hook, id=f"{case.base.__name__}-{hook}") for case in CASES for hook in case.hooks]

READ_ONCE = frozenset(("_generate", "_stream", "_call", "_run", "_agenerate", "_astream", "_arun"))
"""Hooks whose overrides are found when a class is made; the others are looked up on the object each time."""


def asyncio_form(hook: str) -> str:
    stem = hook.removeprefix("_")
    return f"_a{stem}" if stem != hook else f"a{stem}"


def subclass(case: Case, *hooks: str) -> Any:
    space = {**case.rest, **{hook: case.hooks[hook] for hook in hooks}, "__module__": __name__}
    return case.make(type(f"My{case.base.__name__}", (case.base,), space))


def is_async(hook: str) -> bool:
    return hook.removeprefix("_").startswith("a")


def show(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(show, value))
    if isinstance(value, StringPromptValue):
        return value.text
    for field in ("page_content", "content", "text"):
        if isinstance(found := getattr(value, field, None), str):
            return found
    return show(value.to_messages()) if hasattr(value, "to_messages") else str(value)


def run(step: Runnable[Any, Any], input: Any, *, streamed: bool, asyncio_: bool) -> str:
    """The output of a step in a chain, by one verb."""
    chain = RunnableLambda(lambda given: given) | step

    async def collect() -> list[Any]:
        return [chunk async for chunk in chain.astream(input)]

    if asyncio_:
        return show(asyncio.run(collect()) if streamed else asyncio.run(chain.ainvoke(input)))
    return show(list(chain.stream(input)) if streamed else chain.invoke(input))


@pytest.mark.parametrize(("case", "hook"), PAIRS)
def test_a_hook_that_a_subclass_writes_is_called(case: Case, hook: str) -> None:
    streamed = "stream" in hook
    step = subclass(case, hook)
    for asyncio_ in (False, True) if not is_async(hook) else (True,):
        assert MINE in run(step, case.input, streamed=streamed, asyncio_=asyncio_)


@pytest.mark.parametrize(
    ("case", "hook"),
    [pair for pair in PAIRS if not is_async(pair.values[1]) and asyncio_form(pair.values[1]) in pair.values[0].hooks],
)
def test_a_plain_hook_that_is_written_again_counts_more_than_the_asyncio_hook_of_the_base(
    case: Case, hook: str
) -> None:
    other = asyncio_form(hook)

    def wrong(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"{other} of the base was called")

    base = type("Base", (case.base,), {**case.rest, other: wrong, "__module__": __name__})
    derived = type("Derived", (base,), {hook: case.hooks[hook], "__module__": __name__})
    assert MINE in run(case.make(derived), case.input, streamed="stream" in hook, asyncio_=True)


@pytest.mark.parametrize(("case", "hook"), [pair for pair in PAIRS if pair.values[1] in READ_ONCE])
def test_a_hook_that_a_test_replaces_on_the_class_is_called_until_it_is_given_back(case: Case, hook: str) -> None:
    cls = type("Own", (case.base,), {**case.rest, "__module__": __name__})
    flags = {name: getattr(cls, name) for name in cls._find_overrides([kind.__dict__ for kind in cls.__mro__])}
    with mock.patch.object(cls, hook, case.hooks[hook]):
        assert MINE in run(case.make(cls), case.input, streamed="stream" in hook, asyncio_=is_async(hook))
    assert {name: getattr(cls, name) for name in flags} == flags


NO_HOOKS = {
    "BaseLanguageModel",  # abstract: its hooks are those of the classes below it
    "BaseChatPromptTemplate",
    "BasePromptTemplate",
    "ContextualCompressionRetriever",  # the hooks of these are those of EnsembleRetriever
    "MultiQueryRetriever",
    "MultiVectorRetriever",
    "ParentDocumentRetriever",
    "LineListOutputParser",  # its hooks are those of BaseOutputParser
    "DynamicRunnable",
    "InMemoryDocumentIndex",  # its hooks are those of BaseRetriever
    "JsonKeyOutputFunctionsParser",  # the hooks of these are those of their bases, and of JsonOutputParser
    "JsonOutputFunctionsParser",
    "OutputFunctionsParser",
    "PydanticAttrOutputFunctionsParser",
    "PydanticOutputFunctionsParser",
    "ListOutputParser",
    "ProviderChatModel",
    "StringPromptTemplate",
    "DatetimeOutputParser",  # its hooks are those of BaseOutputParser, which it does not override in any other way
    "DictPromptTemplate",
    "ElementsParser",  # made by elements()
    "EnumOutputParser",
    "FewShotChatMessagePromptTemplate",
    "FewShotPromptWithTemplates",
    "OutputFixingParser",  # made of another parser, whose hooks count
    "RegexParser",
    "RetryOutputParser",
    "StructuredParser",  # made of a type
}
"""Public classes that have no hooks to test beside the verbs; Runnables that only compose have none."""


def public_classes() -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for module in pkgutil.walk_packages(prill.__path__, "prill."):
        if module.name.split(".")[1] in ("cli", "compat", "__main__", "serve", "evaluate", "agents", "bulk"):
            continue
        imported = importlib.import_module(module.name)
        for name in getattr(imported, "__all__", ()):
            value = getattr(imported, name)
            if isinstance(value, type) and issubclass(value, Runnable):
                found[value.__name__] = value
    return found


def test_every_public_class_is_in_the_table_of_hooks() -> None:
    listed = {case.base.__name__ for case in CASES} | NO_HOOKS
    missing = {name for name, cls in public_classes().items() if cls._kind != "chain" and name not in listed}
    assert not missing, f"enter {', '.join(sorted(missing))} into CASES, or into NO_HOOKS with the reason"
