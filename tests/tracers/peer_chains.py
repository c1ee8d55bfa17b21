"""Chains that can be built of the parts of either library, and their events in a form that can be compared."""

import asyncio
import uuid
import warnings
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel


def parts_of(root):
    """Everything that chains are built of, from the package called ``root``."""
    found = {"root": root}
    for module in (
        "runnables",
        "prompts",
        "output_parsers",
        "messages",
        "language_models",
        "language_models.fake",
        "tools",
        "retrievers",
        "documents",
        "outputs",
        "callbacks",
        "callbacks.manager",
    ):
        loaded = import_module(f"{root}.{module}")
        found.update({name: getattr(loaded, name) for name in dir(loaded) if name[0] != "_"})
    return SimpleNamespace(**found)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    THEIRS = parts_of("langchain_core")
OURS = parts_of("prill")


async def make_events(part, input, version="v2", config=None, **more):
    """The events, and the error that ended them, if there was one."""
    seen, error = [], None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer warns that v1 is old
        try:
            async for event in part.astream_events(input, config, version=version, **more):
                seen.append(event)
        except Exception as raised:
            error = raised
    return seen, error


def comparable(events):
    """Events without what differs from run to run, or by choice of name alone: see ``plain``."""
    runs = {}
    for event in events:
        for id in (*event["parent_ids"], event["run_id"]):
            runs.setdefault(id, f"run {len(runs)}")
    return [plain(event, runs) for event in events]


# The peer tells which of its packages run.
_NOT_OURS = {"lc_versions", "ls_integration"}


def plain(value, runs):
    if isinstance(value, BaseModel):
        told = {name: getattr(value, name) for name in type(value).model_fields}
        kept = {name: plain(each, runs) for name, each in told.items() if each is not None and each not in ([], {}, "")}
        return {"a": type(value).__name__, **kept}
    if isinstance(value, dict):
        # In the order of the keys: of a dict only its contents are compared.
        return {key: plain(value[key], runs) for key in sorted(value, key=str) if key not in _NOT_OURS}
    if isinstance(value, list | tuple):
        return [plain(each, runs) for each in value]
    if isinstance(value, str | uuid.UUID):
        text = str(value)
        for prefix in ("lc_run--", "run--", "run-"):
            if text.startswith(prefix):
                text = text.removeprefix(prefix)
                return f"message of {runs.get(text[:36], 'a run')}" if _is_id(text) else str(value)
        return runs.get(text, text)
    return value if isinstance(value, int | float | bool | None) else repr(value)


def _is_id(text):
    try:
        uuid.UUID(text[:36])
    except ValueError:
        return False
    return True


def run(body):
    """Run in an event loop in which nothing is left at the end."""

    async def main():
        result = await body
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


# What chains are made of. ``m`` holds the names of either library.


def up(text):
    return str(text).upper()


async def later(text):
    await asyncio.sleep(0)
    return f"later {text}"


async def letters(inputs):
    async for text in inputs:
        for letter in text:
            yield letter


async def shout(inputs):
    async for text in inputs:
        yield text.upper()


def chat(m, text="Hello dear friend!", **more):
    return m.GenericFakeChatModel(messages=iter([m.AIMessage(content=text, **more)] * 9))


def whole_chat(m, text="all at once"):
    return m.FakeMessagesListChatModel(responses=[m.AIMessage(content=text)])


def llm(m, text="abc"):
    """The fakes of the peer do not tell their tokens, real models do: so one of our own."""

    class Letters(m.BaseLLM):
        @property
        def _llm_type(self):
            return "letters"

        def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
            raise AssertionError("it can stream")

        async def _astream(self, prompt, stop=None, run_manager=None, **kwargs):
            for letter in text:
                chunk = m.GenerationChunk(text=letter)
                if run_manager:
                    await run_manager.on_llm_new_token(letter, chunk=chunk)
                yield chunk

    return Letters()


def whole_llm(m, text="abc"):
    return m.FakeListLLM(responses=[text])


def prompt(m):
    return m.ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "About {topic}")])


def retriever(m):
    class Shelf(m.BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [m.Document(page_content=f"about {query}", metadata={"n": 1})]

    return Shelf()


def async_retriever(m):
    class Shelf(m.BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            raise AssertionError("the asyncio form is there")

        async def _aget_relevant_documents(self, query, *, run_manager):
            return [m.Document(page_content=query)]

    return Shelf(tags=["shelf"], metadata={"place": "left"})


def reverse(m):
    @m.tool
    def reverse_word(word: str):
        """Reverse a word."""
        return word[::-1]

    return reverse_word


def calling_tool(m, kind):
    inner = m.RunnableLambda(up).with_config(run_name="inner")
    if kind == "silent":

        @m.tool
        def caller(word: str):
            """Call another."""
            return inner.invoke(word)

    elif kind == "callbacks":

        @m.tool
        def caller(word: str, callbacks):
            """Call another."""
            return inner.invoke(word, {"callbacks": callbacks})

    else:

        @m.tool
        async def caller(word: str):
            """Call another."""
            return await inner.ainvoke(word)

    return caller


def fails(x):
    raise ValueError(f"no {x}")


def returning(m):
    return m.RunnableLambda(lambda x: m.RunnableLambda(up) | letters)


def model_in_function(m):
    model = chat(m)

    async def ask(text):
        return "".join([chunk.content async for chunk in model.astream(text)])

    return m.RunnableLambda(ask)


def model_in_function_with_config(m):
    model = chat(m)

    async def ask(text, config):
        return "".join([chunk.content async for chunk in model.astream(text, config)])

    return m.RunnableLambda(ask)


def nested_invoke(m, decorate):
    inner = m.RunnableLambda(up).with_config(run_name="inner")

    async def outer(text):
        return await inner.ainvoke(text) * 2

    return m.chain(outer) if decorate else m.RunnableLambda(outer)


def nested_blocking(m):
    inner = m.RunnableLambda(up).with_config(run_name="inner")

    def outer(text):
        return inner.invoke(text) * 2

    return m.RunnableLambda(outer)


def nested_batch(m):
    inner = m.RunnableLambda(up).with_config(run_name="inner", tags=["in"])

    async def outer(text):
        return await inner.abatch([text, text], {"max_concurrency": 1})

    return m.RunnableLambda(outer)


def nested_chain(m):
    inner = (m.RunnableLambda(up) | letters).with_config(run_name="inner")

    async def outer(text):
        return [chunk async for chunk in inner.astream(text)]

    return m.RunnableLambda(outer)


def in_generator(m):
    inner = m.RunnableLambda(up).with_config(run_name="inner")

    async def walk(inputs):
        async for text in inputs:
            yield await inner.ainvoke(text)

    return m.RunnableLambda(up) | walk


def custom(m, kind):
    async def later_function(text, config):
        await m.adispatch_custom_event("progress", {"at": 1}, config=config)
        await m.adispatch_custom_event("progress", text, config=config)
        return text

    def function(text, config):
        m.dispatch_custom_event("progress", {"at": 1}, config=config)
        return text

    async def without(text):
        await m.adispatch_custom_event("progress", text)
        return text

    return m.RunnableLambda({"async": later_function, "plain": function, "without": without}[kind])


def generic(m):
    return m.RunnableGenerator(letters)


NUMBERS = '{"a": [1, 2], "b": {"c": "text"}}'

# name: (how to build it, the input). Those whose branches run at once are in CHAINS_AT_ONCE.
CHAINS: dict[str, Any] = {
    "function": (lambda m: m.RunnableLambda(up), "a"),
    "async function": (lambda m: m.RunnableLambda(later), "a"),
    "lambda": (lambda m: m.RunnableLambda(lambda x: x + 1), 1),
    "both forms": (lambda m: m.RunnableLambda(up, afunc=later), "a"),
    "named function": (lambda m: m.RunnableLambda(up, name="Upper"), "a"),
    "function with a config": (lambda m: m.RunnableLambda(lambda x, config: sorted(config["tags"])), 1),
    "two functions": (lambda m: m.RunnableLambda(up) | later, "a"),
    "five steps": (lambda m: m.RunnableLambda(up) | later | up | later | len, "a"),
    "chain decorator": (lambda m: m.chain(up), "a"),
    "async chain decorator": (lambda m: m.chain(later), "a"),
    "function that returns a function": (lambda m: m.RunnableLambda(lambda x: m.RunnableLambda(up)), "a"),
    "function that returns a chain": (returning, "ab"),
    "async function that yields": (lambda m: m.RunnableLambda(yielding), "ab"),
    "generator": (generic, "ab"),
    "two generators": (lambda m: generic(m) | shout, "ab"),
    "generator, function": (lambda m: generic(m) | up, "ab"),
    "generator, function, generator": (lambda m: generic(m) | up | letters, "ab"),
    "function, generator": (lambda m: m.RunnableLambda(up) | letters, "ab"),
    "generator of one branch": (lambda m: generic(m) | {"x": m.RunnablePassthrough()}, "ab"),
    "dict of one": (lambda m: m.RunnableLambda(up) | {"a": up} | (lambda d: d["a"]), "x"),
    "parallel of one": (lambda m: m.RunnableParallel(a=up), "x"),
    "nested dicts": (lambda m: m.RunnableLambda(up) | {"a": {"b": {"c": later}}}, "x"),
    "passthrough": (lambda m: m.RunnablePassthrough(), "x"),
    "passthrough between": (lambda m: m.RunnableLambda(up) | m.RunnablePassthrough() | later, "x"),
    "passthrough of pieces": (lambda m: generic(m) | m.RunnablePassthrough() | shout, "xy"),
    "pick": (lambda m: m.RunnableLambda(lambda x: {"a": x, "b": 2}).pick("a"), "x"),
    "pick some": (lambda m: m.RunnableLambda(lambda x: {"a": x, "b": 2, "c": 3}).pick(["a", "b"]), "x"),
    "run name": (lambda m: m.RunnableLambda(up).with_config(run_name="Mine"), "a"),
    "tags": (lambda m: m.RunnableLambda(up).with_config(tags=["mine"]), "a"),
    "tags on a chain": (lambda m: (m.RunnableLambda(up) | later).with_config(tags=["mine"]), "a"),
    "tags on a step": (lambda m: m.RunnableLambda(up) | m.RunnableLambda(later).with_config(tags=["b", "c"]), "a"),
    "tags on both": (
        lambda m: (m.RunnableLambda(up).with_config(tags=["in"]) | later).with_config(tags=["out"]),
        "a",
    ),
    "the same tag twice": (
        lambda m: (m.RunnableLambda(up).with_config(tags=["t", "u"]) | later).with_config(tags=["t"]),
        "a",
    ),
    "metadata on both": (
        lambda m: (m.RunnableLambda(up).with_config(metadata={"a": 1, "b": 1}) | later).with_config(
            metadata={"b": 2, "c": 3}
        ),
        "a",
    ),
    "unnamed inner chain": (lambda m: m.RunnableLambda(up) | (m.RunnableLambda(up) | later), "a"),
    "configured inner chain": (
        lambda m: m.RunnableLambda(up) | (m.RunnableLambda(up) | later).with_config(run_name="Inner", tags=["i"]),
        "a",
    ),
    "bound argument": (lambda m: m.RunnableLambda(lambda x, by=1: x * by).bind(by=3), "ab"),
    "chat model": (chat, "hi"),
    "chat model with messages": (chat, [("system", "s"), ("human", "h")]),
    "chat model configured": (lambda m: chat(m).with_config(run_name="model", tags=["t"], metadata={"k": 1}), "hi"),
    "chat model with own labels": (
        lambda m: m.GenericFakeChatModel(messages=iter(["one two"]), tags=["own"], metadata={"mine": 1}),
        "hi",
    ),
    "chat model in a chain": (lambda m: m.RunnableLambda(up) | chat(m), "hi"),
    "chat model bound": (lambda m: chat(m).bind(stop=["x"]), "hi"),
    "chat model bound in a chain": (lambda m: m.RunnableLambda(up) | chat(m).bind(stop=["x"]), "hi"),
    "list chat model": (lambda m: m.FakeListChatModel(responses=["abc"]), "hi"),
    "list chat model in a chain": (lambda m: m.FakeListChatModel(responses=["abc"]) | m.StrOutputParser(), "hi"),
    "model that does not stream": (whole_chat, "hi"),
    "model that does not stream in a chain": (lambda m: m.RunnableLambda(up) | whole_chat(m), "hi"),
    "model that does not stream, parsed": (lambda m: prompt(m) | whole_chat(m) | m.StrOutputParser(), {"topic": "x"}),
    "prompt": (prompt, {"topic": "x"}),
    "text prompt": (lambda m: m.PromptTemplate.from_template("About {topic}"), {"topic": "x"}),
    "prompt, model": (lambda m: prompt(m) | chat(m), {"topic": "x"}),
    "prompt, model, text": (lambda m: prompt(m) | chat(m) | m.StrOutputParser(), {"topic": "x"}),
    "function, prompt, model, text": (
        lambda m: m.RunnableLambda(lambda x: {"topic": x}) | prompt(m) | chat(m) | m.StrOutputParser(),
        "x",
    ),
    "model, json": (lambda m: chat(m, NUMBERS) | m.JsonOutputParser(), "hi"),
    "model, json, function": (lambda m: chat(m, NUMBERS) | m.JsonOutputParser() | len, "hi"),
    "model, list": (lambda m: chat(m, "a, b, c") | m.CommaSeparatedListOutputParser(), "hi"),
    "model, text, generator": (lambda m: chat(m) | m.StrOutputParser() | shout, "hi"),
    "named parser": (lambda m: chat(m) | m.StrOutputParser().with_config(run_name="my_parser"), "hi"),
    "text model": (llm, "hi"),
    "text model that does not stream": (whole_llm, "hi"),
    "text model that does not stream in a chain": (lambda m: m.RunnableLambda(up) | whole_llm(m) | up, "hi"),
    "tool": (reverse, "hello"),
    "tool given a dict": (reverse, {"word": "hello"}),
    "tool given a call": (reverse, {"type": "tool_call", "name": "reverse_word", "args": {"word": "ab"}, "id": "7"}),
    "tool in a chain": (lambda m: m.RunnableLambda(lambda x: {"word": x}) | reverse(m) | up, "hello"),
    "tool in a chain, given a call": (
        lambda m: (
            m.RunnableLambda(lambda x: {"type": "tool_call", "name": "reverse_word", "args": {"word": x}, "id": "7"})
            | reverse(m)
        ),
        "ab",
    ),
    "tool that calls": (lambda m: calling_tool(m, "silent"), "hello"),
    "tool that calls with callbacks": (lambda m: calling_tool(m, "callbacks"), "hello"),
    "async tool that calls": (lambda m: calling_tool(m, "async"), "hello"),
    "retriever": (retriever, "q"),
    "async retriever": (async_retriever, "q"),
    "retriever in a chain": (lambda m: m.RunnableLambda(up) | retriever(m) | len, "q"),
    "retriever of one branch": (lambda m: {"c": retriever(m)} | m.RunnablePassthrough(), "q"),
    "named retriever": (lambda m: m.RunnableLambda(up) | retriever(m).with_config(run_name="Docs"), "q"),
    "nested ainvoke": (lambda m: nested_invoke(m, False), "12"),
    "nested ainvoke in @chain": (lambda m: nested_invoke(m, True), "12"),
    "nested invoke in a plain function": (nested_blocking, "12"),
    "nested abatch": (nested_batch, "12"),
    "nested astream": (nested_chain, "12"),
    "nested in a generator": (in_generator, "12"),
    "nested model": (model_in_function, "12"),
    "nested model with a config": (model_in_function_with_config, "12"),
}

CHAINS_AT_ONCE: dict[str, Any] = {
    "assign a model": (
        lambda m: m.RunnablePassthrough.assign(b=m.RunnableLambda(lambda d: d["a"]) | chat(m)),
        {"a": "x"},
    ),
    "assign after": (lambda m: m.RunnableLambda(lambda x: {"a": x}) | m.RunnablePassthrough.assign(b=len), "x"),
    "assign": (lambda m: m.RunnablePassthrough.assign(b=lambda d: d["a"] + 1), {"a": 1}),
    "parallel": (lambda m: m.RunnableParallel(a=up, b=later), "x"),
    "parallel in a chain": (lambda m: m.RunnableLambda(up) | {"a": up, "b": later} | sorted, "x"),
    "parallel models": (lambda m: {"a": chat(m), "b": chat(m)} | m.RunnablePassthrough(), "x"),
    "retrieval": (
        lambda m: (
            {"topic": retriever(m).with_config(run_name="Docs"), "question": m.RunnablePassthrough()}
            | prompt(m)
            | chat(m)
            | m.StrOutputParser()
        ),
        "where?",
    ),
    "assign two": (
        lambda m: m.RunnablePassthrough.assign(b=lambda d: 2, c=lambda d: 3),
        {"a": 1},
    ),
}

# An error ends the stream of events in both; ours tells it in a last event too.
CHAINS_THAT_FAIL: dict[str, Any] = {
    "function": (lambda m: m.RunnableLambda(fails), "x"),
    "second step": (lambda m: m.RunnableLambda(up) | fails, "x"),
    "inside a nested run": (
        lambda m: m.RunnableLambda(up) | (m.RunnableLambda(up) | fails).with_config(run_name="I"),
        "x",
    ),
    "model midway": (lambda m: m.FakeListChatModel(responses=["abc"], error_on_chunk_number=2), "x"),
    "model midway in a chain": (
        lambda m: m.FakeListChatModel(responses=["abc"], error_on_chunk_number=2) | m.StrOutputParser(),
        "x",
    ),
    "prompt": (lambda m: m.RunnableLambda(lambda x: {"other": x}) | prompt(m), "x"),
    "tool": (lambda m: m.tool(failing_tool), "x"),
    "tool in a chain": (lambda m: m.RunnableLambda(up) | (lambda x: {"word": x}) | m.tool(failing_tool), "x"),
}

CUSTOM = {
    "async": (lambda m: custom(m, "async"), "x"),
    "plain": (lambda m: custom(m, "plain"), "x"),
    "without a config": (lambda m: custom(m, "without"), "x"),
}


def failing_tool(word: str):
    """Fail."""
    raise ValueError(word)


async def yielding(x):
    for letter in x:
        yield letter


def whole_with_usage(m, usage):
    return m.FakeMessagesListChatModel(responses=[m.AIMessage(content="used", usage_metadata=usage)])
