"""Managers: what user code is handed, what it can say, and what it can hand on."""

import asyncio
import uuid

import pytest

from prill.callbacks import (
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    atrace_as_chain_group,
    trace_as_chain_group,
)
from prill.documents import Document
from prill.language_models import BaseChatModel
from prill.messages import AIMessage, AIMessageChunk
from prill.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda


class Recorder(BaseCallbackHandler):
    def __init__(self):
        self.seen = []

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id, name, tags, metadata, **kwargs):
        self.seen.append(("start", name, run_id, parent_run_id, tags, metadata, inputs))

    def on_chain_end(self, outputs, *, run_id, **kwargs):
        self.seen.append(("end", outputs, run_id))

    def on_chain_error(self, error, *, run_id, **kwargs):
        self.seen.append(("error", error, run_id))

    def on_text(self, text, *, run_id, **kwargs):
        self.seen.append(("text", text, run_id))

    def on_llm_new_token(self, token, *, chunk=None, run_id, **kwargs):
        self.seen.append(("token", token, chunk))

    def names(self):
        return {entry[1]: entry for entry in self.seen if entry[0] == "start"}


inner = RunnableLambda(str, name="inner")


def test_a_handed_on_manager_makes_children_with_a_tag():
    seen = Recorder()

    def outer(x, run_manager):
        return inner.invoke(x, {"callbacks": run_manager.get_child("mine")})

    RunnableLambda(outer).invoke(1, {"callbacks": [seen], "tags": ["all"]})
    starts = seen.names()
    assert starts["inner"][3] == starts["outer"][2]
    assert "all" in starts["inner"][4]


def test_what_code_says_is_told_with_its_run():
    seen = Recorder()

    def plain(x, run_manager):
        run_manager.on_text("plain")
        assert isinstance(run_manager.run_id, uuid.UUID)
        assert run_manager.parent_run_id is None

    async def later(x, run_manager):
        await run_manager.on_text("later")
        run_manager.get_sync().on_text("sync")

    RunnableLambda(plain).invoke(1, {"callbacks": [seen]})
    asyncio.run(RunnableLambda(later).ainvoke(1, {"callbacks": [seen]}))
    asyncio.run(RunnableLambda(plain).ainvoke(1, {"callbacks": [seen]}))
    assert [entry[1] for entry in seen.seen if entry[0] == "text"] == ["plain", "later", "sync", "plain"]


class Telling(BaseChatModel):
    """Streams inside of _generate, and says so by itself."""

    _llm_type = "telling"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        for token in "ab":
            if run_manager:
                run_manager.on_llm_new_token(token, chunk=ChatGenerationChunk(message=AIMessageChunk(content=token)))
        return ChatResult(generations=[ChatGeneration(message=AIMessage("ab"))])


@pytest.mark.parametrize("verb", ["invoke", "ainvoke", "stream", "astream"])
def test_tokens_that_a_model_tells_itself_reach_handlers(verb):
    seen, model = Recorder(), Telling()

    async def astream():
        return [chunk async for chunk in model.astream("x", {"callbacks": [seen]})]

    if verb == "astream":
        asyncio.run(astream())
    elif verb == "ainvoke":
        asyncio.run(model.ainvoke("x", {"callbacks": [seen]}))
    else:
        list(getattr(model, verb)("x", {"callbacks": [seen]}))
    tokens = [entry for entry in seen.seen if entry[0] == "token"]
    assert [(token, chunk.message.content) for _, token, chunk in tokens] == [("a", "a"), ("b", "b")]
    assert model.invoke("x").content == "ab"


def test_a_retriever_that_nobody_watches_is_handed_a_manager_too():
    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            run_manager.on_text("looking")
            found = inner.invoke(query, {"callbacks": run_manager.get_child()})
            assert isinstance(run_manager.run_id, uuid.UUID)
            return [Document(found)]

    assert Shelf().invoke("q") == [Document("q")]
    assert asyncio.run(Shelf().ainvoke("q")) == [Document("q")]


def test_a_manager_stands_for_its_handlers():
    seen, second = Recorder(), Recorder()
    manager = CallbackManager([seen], tags=["t"])
    manager.add_handler(second)
    inner.invoke(1, {"callbacks": manager})
    manager.remove_handler(second)
    inner.invoke(2, {"callbacks": manager})
    assert ([entry[0] for entry in seen.seen], len(second.seen)) == (["start", "end"] * 2, 2)
    copied = manager.copy()
    copied.set_handlers([])
    assert manager.handlers == [seen]
    assert manager.merge(CallbackManager([second])).handlers == [seen, second]
    assert AsyncCallbackManager([]).is_async
    assert not manager.is_async


def test_configure_joins_what_it_is_given():
    seen, second = Recorder(), Recorder()
    manager = CallbackManager.configure([seen], CallbackManager([second]), inheritable_tags=["a"], local_tags=["b"])
    assert (manager.handlers, manager.tags) == ([seen, second], ["a", "b"])


def check_group(seen):
    starts = seen.names()
    group = starts["group"]
    assert group[3:] == (None, ["g"], {"m": 1}, {"q": 1})
    assert starts["inner"][3] == group[2]
    assert starts["inner"][4:6] == (["g"], {"m": 1})
    assert seen.seen[-1] == ("end", {"answer": "1"}, group[2])


def test_a_group_is_the_parent_of_what_is_run_inside():
    seen = Recorder()
    with trace_as_chain_group("group", [seen], inputs={"q": 1}, tags=["g"], metadata={"m": 1}) as manager:
        answer = inner.invoke(1, {"callbacks": manager})
        inner.invoke(2)
        manager.on_chain_end({"answer": answer})
    check_group(seen)


def test_a_group_in_asyncio():
    seen = Recorder()

    async def main():
        group = atrace_as_chain_group("group", [seen], inputs={"q": 1}, tags=["g"], metadata={"m": 1})
        async with group as manager:
            answer = await inner.ainvoke(1, {"callbacks": manager})
            await asyncio.gather(inner.ainvoke(2), inner.ainvoke(3))
            await manager.on_chain_end({"answer": answer})

    asyncio.run(main())
    check_group(seen)


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_the_error_of_a_group_is_told(colour):
    seen = Recorder()

    def plain():
        with trace_as_chain_group("group", [seen]):
            raise ValueError("no")

    async def later():
        async with atrace_as_chain_group("group", [seen]):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        plain() if colour == "blocking" else asyncio.run(later())
    assert [entry[0] for entry in seen.seen] == ["start", "error"]


def test_after_a_group_nothing_is_its_child():
    seen = Recorder()
    with trace_as_chain_group("group", [seen]):
        pass
    count = len(seen.seen)
    inner.invoke(1)
    assert len(seen.seen) == count
