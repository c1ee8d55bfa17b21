"""Trees of runs: what is recorded of each, and by whom."""

import asyncio
import logging

import pytest
from tests.helpers import kept_memory

from prill.documents import Document
from prill.language_models import FakeListChatModel
from prill.messages import AIMessageChunk
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableGenerator, RunnableLambda, RunnableParallel
from prill.tracers import AsyncBaseTracer, BaseTracer, Run, collect_runs
from prill.tracers.tree import Recorder

CHAIN = ChatPromptTemplate.from_template("{x}") | FakeListChatModel(responses=["abc"]) | StrOutputParser()


def drained(part, input, verb, config=None):
    """Run ``part`` by any verb, in either colour, to its end."""
    if verb == "invoke":
        return part.invoke(input, config)
    if verb == "stream":
        return list(part.stream(input, config))

    async def main():
        if verb == "ainvoke":
            return await part.ainvoke(input, config)
        return [chunk async for chunk in part.astream(input, config)]

    return asyncio.run(main())


VERBS = pytest.mark.parametrize("verb", ["invoke", "ainvoke", "stream", "astream"])


@VERBS
def test_the_tree_of_a_chain_is_collected(verb):
    with collect_runs() as collected:
        drained(CHAIN, {"x": "hi"}, verb, {"tags": ["t"], "metadata": {"m": 1}})
    (root,) = collected.traced_runs
    assert isinstance(root, Run)
    assert (root.name, root.run_type, root.status) == ("RunnableSequence", "chain", "ok")
    assert (root.inputs, root.outputs) == ({"x": "hi"}, {"output": "abc"})
    assert (root.tags, root.extra) == (["t"], {"metadata": {"m": 1}})
    assert root.parent_run_id is None
    assert root.start_time <= root.end_time
    assert [child.run_type for child in root.child_runs] == ["prompt", "llm", "parser"]
    for child in root.child_runs:
        assert child.parent_run_id == root.id
        assert child.trace_id == root.id
        assert child.parent is root
    model = root.child_runs[1]
    assert model.outputs["generations"][0][0]["text"] == "abc"
    assert model.chunks == (3 if "stream" in verb else 0)
    assert (model.time_to_first_chunk is not None) == ("stream" in verb)


@VERBS
def test_branches_and_failures_are_in_the_tree(verb):
    def fails(x):
        raise ValueError("no")

    with collect_runs() as collected, pytest.raises(ValueError, match="no"):
        drained(RunnableLambda(str) | RunnableParallel(a=fails), 1, verb)
    (root,) = collected.traced_runs
    assert [run.error for _, run in root.walk()] == ["ValueError: no", None, "ValueError: no", "ValueError: no"]
    assert [depth for depth, _ in root.walk()] == [0, 1, 1, 2]


def test_nested_runs_and_separate_roots():
    inner = RunnableLambda(len).with_config(run_name="inner")
    outer = RunnableLambda(lambda text: inner.invoke(text)).with_config(run_name="outer")
    with collect_runs() as collected:
        outer.invoke("abc")
        inner.invoke("ab")
    assert [run.name for run in collected.traced_runs] == ["outer", "inner"]
    assert [child.name for child in collected.traced_runs[0].child_runs] == ["inner"]


def test_a_stream_that_is_left_is_cancelled_and_keeps_its_part():
    with collect_runs() as collected:
        stream = CHAIN.stream({"x": "hi"})
        next(stream)
        stream.close()
    (root,) = collected.traced_runs
    assert root.status == "cancelled"
    assert root.outputs == {"output": "a"}
    assert root.error is None


def test_the_tokens_of_models_are_kept():
    usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}

    def pieces(messages):
        yield AIMessageChunk(content="a", usage_metadata=usage)

    class Told(FakeListChatModel):
        async def _chunks(self, messages, run, **kwargs):
            for piece in pieces(messages):
                yield piece

    with collect_runs() as collected:
        list(Told(responses=["a"]).stream("x"))
    assert collected.traced_runs[0].usage["output_tokens"] == 5


def test_retrievers_tell_documents():
    from prill.retrievers import BaseRetriever

    class Fixed(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document(page_content=query)]

    with collect_runs() as collected:
        Fixed().invoke("q")
    assert collected.traced_runs[0].outputs == {"documents": [Document(page_content="q")]}


def test_the_speed_of_chunks():
    async def three(inputs):
        async for _ in inputs:
            for number in range(3):
                await asyncio.sleep(0.001)
                yield number

    with collect_runs() as collected:
        drained(RunnableGenerator(three), "x", "astream")
    (run,) = collected.traced_runs
    assert run.chunks == 3
    assert 0 < run.chunks_per_second <= 1000
    assert run.streamed
    assert 0 < run.time_to_first_chunk < run.duration


class Written(BaseTracer):
    def __init__(self):
        self.seen = []

    def _persist_run(self, run):
        self.seen.append(("persist", run.name, len(run.child_runs)))

    def _on_chain_start(self, run):
        self.seen.append(("start", run.name))

    def _on_chain_end(self, run):
        self.seen.append(("end", run.name))

    def _on_chain_error(self, run):
        self.seen.append(("error", run.name, run.error))

    def _on_chat_model_start(self, run):
        self.seen.append(("model", run.inputs["messages"][0][0].content))

    def _on_llm_new_token(self, run, token, chunk):
        self.seen.append(("token", token))


def test_the_hooks_of_a_tracer_are_called_in_order():
    tracer = Written()
    chain = RunnableLambda(str) | FakeListChatModel(responses=["ab"])
    list(chain.stream(1, {"callbacks": [tracer]}))
    assert sorted(tracer.seen) == sorted([
        ("start", "RunnableSequence"),
        ("start", "str"),
        ("end", "str"),
        ("model", "1"),
        ("token", "a"),
        ("token", "b"),
        ("persist", "RunnableSequence", 2),
        ("end", "RunnableSequence"),
    ])  # fmt: skip
    assert tracer.seen[-2:] == [("persist", "RunnableSequence", 2), ("end", "RunnableSequence")]


def test_a_failed_run_is_persisted():
    tracer = Written()
    with pytest.raises(ValueError, match="invalid literal"):
        RunnableLambda(int).invoke("x", {"callbacks": [tracer]})
    assert [what for what, *_ in tracer.seen] == ["start", "persist", "error"]


@VERBS
def test_async_hooks_are_awaited_in_both_colours(verb):
    seen = []

    class Later(AsyncBaseTracer):
        async def _persist_run(self, run):
            await asyncio.sleep(0)
            seen.append(run.name)

    drained(RunnableLambda(str), 1, verb, {"callbacks": [Later()]})
    assert seen == ["str"]


@pytest.mark.parametrize("kind", [BaseTracer, AsyncBaseTracer])
def test_a_hook_that_fails_is_logged_and_does_no_harm(caplog, kind):
    if kind is BaseTracer:

        class Broken(kind):
            def _persist_run(self, run):
                raise KeyError("mine")
    else:

        class Broken(kind):
            async def _persist_run(self, run):
                raise KeyError("mine")

    with caplog.at_level(logging.WARNING, "prill.tracers"):
        assert RunnableLambda(str).invoke(1, {"callbacks": [Broken()]}) == "1"
    assert "Broken failed in _persist_run" in caplog.text


def test_a_hook_may_be_allowed_to_fail_the_run():
    class Strict(BaseTracer):
        raise_error = True

        def _on_chain_start(self, run):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        RunnableLambda(str).invoke(1, {"callbacks": [Strict()]})


def test_what_a_recorder_raises_is_logged(caplog):
    class Broken(Recorder):
        def opened(self, run, traced):
            raise KeyError("mine")

    with caplog.at_level(logging.WARNING, "prill.tracers"):
        assert RunnableLambda(str).invoke(1, {"callbacks": [Broken()]}) == "1"
    assert "Broken failed at str" in caplog.text


def test_a_tracer_that_lives_long_keeps_nothing():
    """Ten thousand runs, a fifth of them left early, on one tracer."""
    tracer = BaseTracer()
    config = {"callbacks": [tracer]}
    step = RunnableLambda(str)

    def some(times):
        for number in range(times):
            if number % 5:
                step.invoke("x", config)
            else:
                stream = step.stream("x", config)
                next(stream)
                stream.close()

    some(50)
    assert kept_memory(lambda: some(10_000)) < 100_000


class Settled(FakeListChatModel):
    """A chat model with settings."""

    temperature: float = 0.5

    @property
    def _identifying_params(self):
        return {"temperature": self.temperature}


@VERBS
def test_the_run_of_a_model_has_its_settings_and_the_arguments_of_the_call(verb):
    with collect_runs() as runs:
        drained(Settled(responses=["abc"]).bind(stop=["z"], seed=1), "x", verb)
    asked = {"temperature": 0.5, "_type": "fake-list-chat-model", "stop": ["z"], "seed": 1}
    extra = {key: value for key, value in runs.traced_runs[0].extra.items() if key != "metadata"}
    assert extra == {"invocation_params": asked, "options": {"stop": ["z"]}, "batch_size": 1}


@VERBS
def test_the_run_of_another_step_has_metadata_alone(verb):
    with collect_runs() as runs:
        drained(RunnableLambda(len), "x", verb)
    assert runs.traced_runs[0].extra == {"metadata": {}}
