"""Tracers and instrumentations that packages write for the core's names, on Prill."""

import asyncio
import uuid

import pytest

from prill.callbacks import AsyncCallbackManager, CallbackManager
from prill.callbacks.run import GLOBAL_CALLBACKS
from prill.compat.inner import managers
from prill.compat.inner.managers import AsyncCallbackManagerForLLMRun, BaseCallbackManager
from prill.compat.inner.traced_run import Run
from prill.compat.inner.tracer_base import AsyncBaseTracer, BaseTracer
from prill.compat.inner.tracing import (
    AsyncRootListenersTracer,
    LangChainTracer,
    RootListenersTracer,
    get_client,
    tracing_v2_enabled,
    wait_for_all_tracers,
)
from prill.documents import Document
from prill.errors import CompatError
from prill.exceptions import TracerException
from prill.language_models import FakeListLLM, GenericFakeChatModel
from prill.messages import AIMessage
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda
from prill.tools import tool


class Kept(BaseTracer):
    """Keeps the roots that ended, and the names of the hooks that were called."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.roots = []
        self.called = []

    def _persist_run(self, run):
        self.roots.append(run)

    def _on_run_create(self, run):
        self.called.append(f"create {run.name}")
        assert self.run_map[str(run.id)] is run

    def _on_run_update(self, run):
        self.called.append(f"update {run.name}")


def chat(*answers):
    return GenericFakeChatModel(messages=iter([AIMessage(content=answer) for answer in answers]))


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(page_content=query)]


@tool
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def test_the_runs_of_a_chain_are_a_tree_that_is_kept_until_the_root_ends():
    tracer = Kept()
    add = RunnableLambda(lambda x: x + 1, name="add")
    (add | RunnableLambda(lambda x: {"half": x / 2}, name="half")).invoke(1, {"callbacks": [tracer], "tags": ["t"]})
    (root,) = tracer.roots
    assert (root.inputs, root.outputs, root.tags) == ({"input": 1}, {"half": 1.0}, ["t"])
    first, second = root.child_runs
    assert (first.name, first.outputs, second.inputs) == ("add", {"output": 2}, {"input": 2})
    assert first.trace_id == root.id == root.trace_id
    assert first.parent_run_id == root.id
    assert first.parent_run is root
    assert first.dotted_order == f"{root.dotted_order}.{first.start_time:%Y%m%dT%H%M%S%fZ}{first.id}"
    assert [event["name"] for event in root.events] == ["start", "end"]
    assert root.latency > 0
    assert tracer.run_map == {}
    assert tracer.order_map == {}
    names = ["RunnableSequence", "add", "half"]
    assert tracer.called == [
        f"create {names[0]}", "create add", "update add", "create half", "update half", f"update {names[0]}"
    ]  # fmt: skip


def test_an_error_is_the_text_with_the_traceback():
    tracer = Kept()
    with pytest.raises(ZeroDivisionError):
        RunnableLambda(lambda x: 1 / x).invoke(0, {"callbacks": [tracer]})
    assert tracer.roots[0].error.startswith("ZeroDivisionError('division by zero')")
    assert "Traceback (most recent call last)" in tracer.roots[0].error
    assert tracer.roots[0].outputs == {}


@pytest.mark.parametrize(
    ("form", "run_type", "key"), [("original", "llm", "prompts"), ("original+chat", "chat_model", "messages")]
)
def test_a_chat_model_is_reported_in_the_form_that_the_tracer_asks_for(form, run_type, key):
    tracer = Kept(_schema_format=form)
    chat("hello").invoke("hi", {"callbacks": [tracer]})
    (run,) = tracer.roots
    assert run.run_type == run_type
    assert list(run.inputs) == [key]
    assert run.outputs["generations"][0][0]["message"]["kwargs"]["content"] == "hello"
    assert "invocation_params" in run.extra
    assert run.metadata["ls_model_type"] == "chat"


def test_tokens_are_events_of_the_run():
    tracer = Kept()
    list(chat("one two").stream("hi", {"callbacks": [tracer]}))
    tokens = [event["kwargs"]["token"] for event in tracer.roots[0].events if event["name"] == "new_token"]
    assert tokens == ["one", " ", "two"]


def test_the_inputs_of_tools_and_retrievers_and_text_models():
    tracer = Kept()
    double.invoke({"number": 2}, {"callbacks": [tracer]})
    Shelf().invoke("books", {"callbacks": [tracer]})
    FakeListLLM(responses=["yes"]).invoke("well?", {"callbacks": [tracer]})
    of_tool, of_shelf, of_model = tracer.roots
    assert (of_tool.run_type, of_tool.inputs, of_tool.outputs) == ("tool", {"number": 2}, {"output": 4})
    assert of_shelf.run_type == "retriever"
    assert of_shelf.inputs == {"query": "books"}
    assert of_shelf.outputs["documents"][0].page_content == "books"
    assert of_model.inputs == {"prompts": ["well?"]}
    assert of_model.outputs["generations"][0][0]["text"] == "yes"


def test_inputs_as_they_are_for_streams_of_events():
    tracer = Kept(_schema_format="streaming_events")
    RunnableLambda(lambda x: x).invoke({"a": 1}, {"callbacks": [tracer]})
    assert tracer.roots[0].inputs == {"input": {"a": 1}}
    assert tracer.roots[0].outputs == {"output": {"a": 1}}


@tool
def broken_tool(text: str) -> str:
    """Break."""
    raise ValueError(text)


class BrokenShelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        raise ValueError(query)


@pytest.mark.parametrize(
    ("step", "run_type"),
    [(broken_tool, "tool"), (BrokenShelf(), "retriever"), (chat(), "llm")],
    ids=["tool", "retriever", "model"],
)
def test_the_errors_of_tools_retrievers_and_models(step, run_type):
    tracer = Kept()
    with pytest.raises(ValueError if run_type != "llm" else Exception) as caught:
        step.invoke("x", {"callbacks": [tracer]})
    (run,) = tracer.roots
    assert run.run_type == run_type
    assert run.error.startswith(type(caught.value).__name__)


def test_hooks_of_an_asyncio_tracer_are_awaited():
    seen = []

    class Later(AsyncBaseTracer):
        async def _persist_run(self, run):
            await asyncio.sleep(0)
            seen.append(("persist", run.outputs))

        async def _on_chain_start(self, run):
            seen.append(("start", run.inputs))

    asyncio.run(RunnableLambda(lambda x: x + 1).ainvoke(1, {"callbacks": [Later()]}))
    RunnableLambda(lambda x: x + 1).invoke(2, {"callbacks": [Later()]})
    expected = [[("start", {"input": x}), ("persist", {"output": x + 1})] for x in (1, 2)]
    assert seen == expected[0] + expected[1]


def test_a_run_that_is_not_traced_is_an_error_that_says_so():
    tracer = Kept()
    with pytest.raises(TracerException, match="is being traced"):
        tracer.on_chain_end({}, run_id=uuid.uuid4())
    run = tracer.on_chain_start({}, {"x": 1}, run_id=uuid.uuid4())
    with pytest.raises(TracerException, match="is of type 'chain', not tool"):
        tracer.on_tool_end("x", run_id=run.id)


def test_a_retry_is_an_event():
    tracer = Kept()
    run = tracer.on_chain_start({"name": "mine"}, "x", run_id=uuid.uuid4())
    tracer.on_retry(type("State", (), {"attempt_number": 2})(), run_id=run.id)
    tracer.on_chain_end({"y": 1}, run_id=run.id, inputs={"whole": 1})
    assert run.name == "mine"
    assert run.inputs == {"whole": 1}
    assert run.events[1]["kwargs"] == {"attempt": 2}


def test_a_run_whose_parent_is_not_traced_is_a_root():
    tracer = Kept()
    run = tracer.on_chain_start({}, {}, run_id=uuid.uuid4(), parent_run_id=uuid.uuid4())
    assert run.parent_run_id is None
    tracer.on_chain_end({}, run_id=run.id)
    assert tracer.roots == [run]


def test_a_record_can_be_made_by_hand():
    run = Run(name="mine", inputs={"a": 1}, extra=None)
    assert run.metadata == {}
    assert run.latency is None
    assert run.id.version == 7
    assert Run(**run.model_dump()).name == "mine"


def test_a_handler_that_is_put_into_every_manager_watches_every_run():
    tracer = Kept()
    original = BaseCallbackManager.__init__

    def instrumented(self, *args, **kwargs):
        original(self, *args, **kwargs)
        if tracer not in self.inheritable_handlers:
            self.add_handler(tracer, True)

    BaseCallbackManager.__init__ = instrumented
    try:
        RunnableLambda(lambda x: x).invoke(1)
        assert tracer in CallbackManager.configure().handlers
        manager = CallbackManager([]).on_chain_start({"name": "by hand"}, {})
        manager.on_chain_end({})
    finally:
        BaseCallbackManager.__init__ = original
    RunnableLambda(lambda x: x).invoke(2)
    assert [run.name for run in tracer.roots] == ["RunnableLambda", "by hand"]
    assert tracer not in GLOBAL_CALLBACKS


def test_managers_are_instances_of_the_base_and_of_the_names_for_annotations():
    assert isinstance(CallbackManager([]), BaseCallbackManager)

    class Own(BaseCallbackManager):
        pass

    assert not isinstance(CallbackManager([]), Own)
    assert isinstance(Own([]), BaseCallbackManager)
    assert not isinstance(CallbackManager([]), AsyncCallbackManagerForLLMRun)


def test_a_manager_for_asyncio_is_not_one_for_plain_code():
    assert isinstance(managers.CallbackManager.configure(), managers.CallbackManager)
    assert isinstance(CallbackManager([]), managers.CallbackManager)
    assert not isinstance(AsyncCallbackManager([]), managers.CallbackManager)

    class Own(managers.CallbackManager):
        pass

    assert not isinstance(CallbackManager([]), Own)


def test_listeners_of_the_outermost_run():
    seen = []
    config = {"callbacks": []}

    def listen(kind):
        return lambda run: seen.append((kind, run.name))

    def tracer():
        return RootListenersTracer(
            config=config,
            on_start=listen("start"),
            on_end=listen("end"),
            on_error=lambda run, config: seen.append(config),
        )

    inner = RunnableLambda(lambda x: 1 / x, name="inner")
    (inner | RunnableLambda(lambda x: x)).invoke(1, {"callbacks": [tracer()]})
    assert seen == [("start", "RunnableSequence"), ("end", "RunnableSequence")]
    with pytest.raises(ZeroDivisionError):
        inner.invoke(0, {"callbacks": [tracer()]})
    assert seen[2:] == [("start", "inner"), config]


def test_listeners_that_are_async_functions():
    seen = []

    async def listen(run):
        await asyncio.sleep(0)
        seen.append(run.name)

    tracer = AsyncRootListenersTracer(config={}, on_start=listen, on_end=listen, on_error=None)
    asyncio.run(RunnableLambda(lambda x: x, name="one").ainvoke(1, {"callbacks": [tracer]}))
    assert seen == ["one", "one"]


def test_what_belongs_to_langsmith_says_what_to_use_instead():
    for make in (LangChainTracer, tracing_v2_enabled, get_client):
        with pytest.raises(CompatError, match=r"opentelemetry|langsmith\.Client"):
            make()
    wait_for_all_tracers()


def test_other_tracers_may_start_chat_models_as_langsmiths_does():
    class Own(Kept):
        def on_chat_model_start(self, *args, **kwargs):
            return LangChainTracer.on_chat_model_start(self, *args, **kwargs)

    tracer = Own()
    chat("x").invoke("hi", {"callbacks": [tracer]})
    assert tracer.roots[0].run_type == "llm"
    assert tracer.roots[0].inputs["messages"][0][0]["kwargs"]["content"] == "hi"
