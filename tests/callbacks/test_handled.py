"""Handlers of both kinds, in runs of every colour, of every kind and outcome: each hook once, in order."""

import asyncio
import contextvars
import logging

import pytest

from prill.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from prill.documents import Document
from prill.errors import Cancelled, ConfigError
from prill.language_models import BaseChatModel, BaseLLM, FakeListChatModel
from prill.messages import AIMessageChunk
from prill.outputs import ChatGenerationChunk, Generation, GenerationChunk, LLMResult
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda, RunnablePassthrough
from prill.tools import tool

CALLER = contextvars.ContextVar("caller", default="nobody")

HOOKS = [
    f"on_{kind}_{what}" for kind in ("chain", "tool", "retriever", "llm") for what in ("start", "end", "error")
] + ["on_chat_model_start", "on_llm_new_token"]


class Recorder:
    def __init__(self):
        self.seen = []

    def record(self, hook, facts, told):
        self.seen.append((hook, told["run_id"], told["parent_run_id"], facts, CALLER.get()))

    def of(self, run_id):
        return [hook for hook, id, *_ in self.seen if id == run_id]


class Plain(Recorder, BaseCallbackHandler):
    pass


class Later(Recorder, AsyncCallbackHandler):
    pass


def enter(hook):
    def plain(self, *facts, **told):
        self.record(hook, facts, told)

    async def later(self, *facts, **told):
        await asyncio.sleep(0)
        self.record(hook, facts, told)

    setattr(Plain, hook, plain)
    setattr(Later, hook, later)


for hook in HOOKS:
    enter(hook)


class Interrupt(BaseException):
    """As KeyboardInterrupt is one: it ends a run, and is no failure of it."""


class Outcome:
    """How a body ends."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.begun = asyncio.Event()

    def plain(self):
        if self.outcome == "error":
            raise ValueError("no")
        if self.outcome == "cancelled":
            raise Interrupt

    async def later(self):
        self.begun.set()
        if self.outcome == "error":
            raise ValueError("no")
        if self.outcome == "cancelled":
            await asyncio.sleep(60)


TOKENS = ["a", "b", "c"]


def chain(end):
    def plain(x):
        end.plain()
        return x

    async def later(x):
        await end.later()
        return x

    return RunnableLambda(plain, afunc=later)


def chat(end):
    class Model(BaseChatModel):
        _llm_type = "model"

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            raise AssertionError("it is streamed")

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            for token in TOKENS:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=token))
                run_manager.on_llm_new_token(token, chunk=chunk)  # many models do, and it must not count twice
                yield chunk
            end.plain()

        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            for token in TOKENS:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=token))
                await run_manager.on_llm_new_token(token, chunk=chunk)
                yield chunk
            await end.later()

    return Model()


def llm(end):
    class Model(BaseLLM):
        _llm_type = "model"

        def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
            raise AssertionError("it is streamed")

        def _stream(self, prompt, stop=None, run_manager=None, **kwargs):
            for token in TOKENS:
                yield GenerationChunk(text=token)
            end.plain()

        async def _astream(self, prompt, stop=None, run_manager=None, **kwargs):
            for token in TOKENS:
                yield GenerationChunk(text=token)
            await end.later()

    return Model()


def a_tool(end):
    def plain(word: str):
        end.plain()
        return word

    async def later(word: str):
        await end.later()
        return word

    return tool(plain, description="Repeat a word.").model_copy(update={"coroutine": later})


def retriever(end):
    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            end.plain()
            return [Document(query)]

        async def _aget_relevant_documents(self, query, *, run_manager):
            await end.later()
            return [Document(query)]

    return Shelf()


# How a part of each kind is made, its hooks' first names, and whether it streams.
KINDS = {
    "chain": (chain, "chain", "on_chain_start", False),
    "chat": (chat, "llm", "on_chat_model_start", True),
    "llm": (llm, "llm", "on_llm_start", True),
    "tool": (a_tool, "tool", "on_tool_start", False),
    "retriever": (retriever, "retriever", "on_retriever_start", False),
}


def run_blocking(part, config, end):
    for _ in part.stream("x", config):
        pass


async def run_later(part, config, end):
    async def consume():
        async for _ in part.astream("x", config):
            pass

    task = asyncio.create_task(consume())
    if end.outcome == "cancelled":
        await end.begun.wait()
        task.cancel()
    await task


def execute(colour, part, config, end):
    if colour == "blocking":
        run_blocking(part, config, end)
    elif colour == "thread":
        asyncio.run(asyncio.to_thread(run_blocking, part, config, end))
    else:
        asyncio.run(run_later(part, config, end))


@pytest.mark.parametrize("outcome", ["ok", "error", "cancelled"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colour", ["blocking", "asyncio", "thread"])
@pytest.mark.parametrize("handler", [Plain, Later])
def test_each_hook_is_called_once_and_in_order(handler, colour, kind, outcome):
    build, hooks, start, streams = KINDS[kind]
    end, seen = Outcome(outcome), handler()
    ended = {"ok": None, "error": ValueError, "cancelled": (Interrupt, asyncio.CancelledError)}[outcome]

    def call():
        CALLER.set("me")
        execute(colour, RunnablePassthrough() | build(end), {"callbacks": [seen]}, end)

    if ended is None:
        contextvars.copy_context().run(call)
    else:
        with pytest.raises(ended):
            contextvars.copy_context().run(call)

    root = seen.seen[0][1]
    part = (
        next(id for hook, id, parent, *_ in seen.seen if hook == start and parent == root and id != root)
        if (kind != "chain")
        else [id for hook, id, parent, *_ in seen.seen if hook == start and parent == root][-1]
    )
    last = "end" if outcome == "ok" else "error"
    assert seen.of(part) == [start, *["on_llm_new_token"] * 3 * streams, f"on_{hooks}_{last}"]
    assert seen.of(root) == ["on_chain_start", f"on_chain_{last}"]
    assert seen.seen[-1][:3] == (f"on_chain_{last}", root, None)
    assert {parent for _, id, parent, *_ in seen.seen if id == part} == {root}
    assert {caller for *_, caller in seen.seen} == {"me"}
    if outcome == "cancelled":
        (error,) = next(facts for hook, id, _, facts, _ in seen.seen if id == part and hook.endswith("error"))
        assert isinstance(error, Cancelled)
        assert getattr(error.partial, "content", error.partial) == ("abc" if streams else None)


@pytest.mark.parametrize("handler", [Plain, Later])
def test_leaving_a_stream_is_told_as_cancelled_with_what_had_come(handler):
    for colour in ("blocking", "asyncio"):
        seen = handler()
        model = FakeListChatModel(responses=["abc"])
        if colour == "blocking":
            stream = model.stream("x", {"callbacks": [seen]})
            next(stream)
            stream.close()
        else:

            async def main(model=model, seen=seen):
                stream = model.astream("x", {"callbacks": [seen]})
                await anext(stream)
                await stream.aclose()

            asyncio.run(main())
        assert [hook for hook, *_ in seen.seen] == ["on_chat_model_start", "on_llm_new_token", "on_llm_error"]
        (error,) = seen.seen[-1][3]
        assert isinstance(error, Cancelled)
        assert error.partial.content == "a"


def test_what_a_model_gave_is_told_as_a_result():
    seen = Plain()
    FakeListChatModel(responses=["abc"]).invoke("x", {"callbacks": [seen]})
    (result,) = seen.seen[-1][3]
    assert isinstance(result, LLMResult)
    assert result.generations[0][0].message.content == "abc"


def test_a_handler_whose_hook_for_chat_models_is_not_implemented_sees_them_as_texts(caplog):
    seen = []

    class Undecided(BaseCallbackHandler):
        def on_chat_model_start(self, *args, **kwargs):
            raise NotImplementedError

        def on_llm_start(self, serialized, prompts, **kwargs):
            seen.extend(prompts)

    FakeListChatModel(responses=["x"]).invoke("hi", {"callbacks": [Undecided()]})
    assert seen == ["Human: hi"]
    assert caplog.records == []


def test_a_handler_for_texts_sees_chat_models_too():
    """One without on_chat_model_start is told on_llm_start, with the messages as text."""

    class Texts(BaseCallbackHandler):
        prompts = None

        def on_llm_start(self, serialized, prompts, **kwargs):
            self.prompts = prompts

    seen = Texts()
    FakeListChatModel(responses=["abc"]).invoke([("system", "s"), ("human", "h")], {"callbacks": [seen]})
    assert seen.prompts == ["System: s\nHuman: h"]


@pytest.mark.parametrize(
    ("flag", "silent"),
    [
        ("ignore_llm", {"on_llm_start", "on_llm_new_token", "on_llm_end"}),
        ("ignore_chain", {"on_chain_start", "on_chain_end"}),
        ("ignore_agent", {"on_tool_start", "on_tool_end"}),
        ("ignore_retriever", {"on_retriever_start", "on_retriever_end"}),
        ("ignore_chat_model", {"on_chat_model_start"}),
    ],
)
def test_flags_switch_kinds_of_hooks_off(flag, silent):
    def hooks(handler):
        ok = Outcome("ok")
        for make in (chain, chat, llm, a_tool, retriever):
            list(make(ok).stream("x", {"callbacks": [handler]}))
        return {hook for hook, *_ in handler.seen}

    quiet = Plain()
    setattr(quiet, flag, True)
    assert hooks(Plain()) - hooks(quiet) == silent


class Broken(BaseCallbackHandler):
    def on_chain_start(self, *facts, **told):
        raise RuntimeError("broken at the start")

    def on_chain_end(self, *facts, **told):
        raise RuntimeError("broken at the end")


class BrokenLater(AsyncCallbackHandler):
    async def on_chain_start(self, *facts, **told):
        raise RuntimeError("broken at the start")

    async def on_chain_end(self, *facts, **told):
        raise RuntimeError("broken at the end")


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
@pytest.mark.parametrize("kind", [Broken, BrokenLater])
def test_a_handler_that_fails_is_logged_by_name_and_does_no_harm(kind, colour, caplog):
    part, config, after = RunnableLambda(str), {"callbacks": [kind(), after_it := Plain()]}, None
    after = part.invoke(1, config) if colour == "blocking" else asyncio.run(part.ainvoke(1, config))
    assert after == "1"
    assert [hook for hook, *_ in after_it.seen] == ["on_chain_start", "on_chain_end"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    first, last = caplog.records
    assert kind.__name__ in first.getMessage()
    assert "on_chain_start" in first.getMessage()
    assert "on_chain_end" in last.getMessage()
    assert "broken at the start" in str(first.exc_info[1])


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
@pytest.mark.parametrize("kind", [Broken, BrokenLater])
def test_a_handler_that_may_stop_the_run_does(kind, colour):
    ran, handler = [], kind()
    handler.raise_error = True
    part, config = RunnableLambda(ran.append), {"callbacks": [handler]}
    with pytest.raises(RuntimeError, match="broken at the start"):
        part.invoke(1, config) if colour == "blocking" else asyncio.run(part.ainvoke(1, config))
    assert ran == []


@pytest.mark.parametrize("wrong", [print, 3, "handler", Plain], ids=["function", "number", "text", "class"])
def test_what_is_no_handler_is_refused_by_name(wrong):
    with pytest.raises(ConfigError, match="callbacks must be handlers") as caught:
        RunnableLambda(str).invoke(1, {"callbacks": [wrong]})
    assert repr(wrong)[:20] in str(caught.value)


def test_a_handler_given_twice_is_called_once():
    seen = Plain()
    part = RunnableLambda(str).with_config(callbacks=[seen])
    part.invoke(1, {"callbacks": [seen, seen]})
    assert [hook for hook, *_ in seen.seen] == ["on_chain_start", "on_chain_end"]


def test_async_handlers_of_a_blocking_run_under_asyncio():
    """A blocking verb called on a loop's own thread cannot wait for that loop, and does not."""
    seen = Later()

    async def main():
        return RunnableLambda(str).invoke(1, {"callbacks": [seen]})

    assert asyncio.run(main()) == "1"
    assert [hook for hook, *_ in seen.seen] == ["on_chain_start", "on_chain_end"]


def test_async_handlers_of_a_blocking_run_in_a_worker_thread_run_on_the_loop():
    loops = []

    class Where(AsyncCallbackHandler):
        async def on_chain_start(self, *facts, **told):
            loops.append(asyncio.get_running_loop())

    inner = RunnableLambda(str)

    async def main():
        await RunnableLambda(lambda x: inner.invoke(x)).ainvoke(1, {"callbacks": [Where()]})
        assert loops == [asyncio.get_running_loop()] * 2

    asyncio.run(main())


class Params(BaseCallbackHandler):
    """Keeps the settings that models are reported with."""

    def __init__(self):
        self.seen = []

    def on_llm_start(self, serialized, prompts, *, invocation_params, options, batch_size, **kwargs):
        self.seen.append((invocation_params, options, batch_size))

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.on_llm_start(
            serialized, [], **{key: kwargs[key] for key in ("invocation_params", "options", "batch_size")}
        )


class Texts(BaseLLM):
    """A text model that answers several prompts by one call."""

    size: int = 3

    @property
    def _llm_type(self):
        return "texts"

    @property
    def _identifying_params(self):
        return {"size": self.size}

    def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
        return LLMResult(generations=[[Generation(text=prompt)] for prompt in prompts])


def test_handlers_are_given_the_settings_of_a_model_and_the_arguments_of_the_call():
    handler = Params()
    Texts().batch(["a", "b"], {"callbacks": [handler]}, seed=1)
    asyncio.run(Texts().ainvoke("a", {"callbacks": [handler]}, stop=["z"]))
    assert handler.seen == [
        *[({"size": 3, "_type": "texts", "stop": None, "seed": 1}, {"stop": None}, 2)] * 2,
        ({"size": 3, "_type": "texts", "stop": ["z"]}, {"stop": ["z"]}, 1),
    ]


def test_a_model_may_describe_its_calls_itself():
    class Described(FakeListChatModel):
        def _get_invocation_params(self, stop=None, **kwargs):
            return {"model": "m", **kwargs}

    handler = Params()
    Described(responses=["a"]).invoke("x", {"callbacks": [handler]}, seed=1)
    assert handler.seen == [({"model": "m", "seed": 1}, {"stop": None}, 1)]


class Failures(BaseCallbackHandler):
    """Keeps what models had put out before they failed."""

    def __init__(self):
        self.seen = []

    def on_llm_error(self, error, *, response, **kwargs):
        self.seen.append([[each.text for each in some] for some in response.generations])


def take_all(stream):
    async def main():
        return [chunk async for chunk in stream]

    return asyncio.run(main()) if hasattr(stream, "__anext__") else list(stream)


@pytest.mark.parametrize("verb", ["stream", "astream"])
def test_the_error_of_a_model_comes_with_what_it_had_put_out(verb):
    handler = Failures()
    config = {"callbacks": [handler]}
    for number in (2, 0):
        failing = FakeListChatModel(responses=["abc"], error_on_chunk_number=number)
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the fake raises
            take_all(getattr(failing, verb)("x", config))
    assert handler.seen == [[["ab"]], []]
