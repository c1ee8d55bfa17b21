"""Runs as OpenTelemetry spans and metrics, as the SDK exports them."""

import asyncio
import contextvars
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from prill.errors import MissingDependencyError
from prill.language_models import FakeListChatModel, FakeListLLM
from prill.messages import AIMessage, AIMessageChunk
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableGenerator, RunnableLambda, RunnableParallel
from prill.tracers.opentelemetry import OpenTelemetryHandler

USAGE = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


class Answering(FakeListChatModel):
    """A model that tells what a provider's model tells."""

    responses: list[str] = ["ab"]
    model: str = "gpt-4o"
    temperature: float = 0.5
    fails: bool = False

    def _get_ls_params(self, stop=None, **kwargs):
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": "openai"}

    def _next(self, messages):
        if self.fails:
            raise ConnectionError("not there")
        about = {"model_name": "gpt-4o-2024", "finish_reason": "stop", "id": "chatcmpl-1"}
        return AIMessage(content="ab", usage_metadata=USAGE, response_metadata=about)

    async def _chunks(self, messages, run, **kwargs):
        yield AIMessageChunk(content="a")
        yield AIMessageChunk(content="b")
        if self.fails:
            raise ConnectionError("cut")
        about = {"model_name": "gpt-4o-2024", "finish_reason": "stop", "id": "chatcmpl-1"}
        yield AIMessageChunk(content="", usage_metadata=USAGE, response_metadata=about)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        from prill.outputs import ChatGeneration, ChatResult

        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])


CHAIN = ChatPromptTemplate.from_template("say {x}") | Answering() | StrOutputParser()


class Exported:
    def __init__(self, **options):
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.handler = OpenTelemetryHandler(self.tracers, MeterProvider([self._reader]), **options)
        self.config = {"callbacks": [self.handler]}

    @property
    def spans(self):
        return self._exporter.get_finished_spans()

    def span(self, name):
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def parents(self):
        names = {span.context.span_id: span.name for span in self.spans}
        return {span.name: names.get(span.parent.span_id) if span.parent else None for span in self.spans}

    def points(self, name):
        data = self._reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else []
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def exported():
    return Exported()


def run(part, input, verb, config):
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
def test_a_chain_is_a_tree_of_spans(exported, verb):
    run(CHAIN, {"x": "hi"}, verb, exported.config)
    assert exported.parents() == {
        "RunnableSequence": None,
        "ChatPromptTemplate": "RunnableSequence",
        "chat gpt-4o": "RunnableSequence",
        "StrOutputParser": "RunnableSequence",
    }
    assert len({span.context.trace_id for span in exported.spans}) == 1


@VERBS
def test_a_model_has_the_attributes_of_the_conventions(exported, verb):
    run(CHAIN, {"x": "hi"}, verb, exported.config)
    span = exported.span("chat gpt-4o")
    told = {key: value for key, value in span.attributes.items() if key.startswith("gen_ai.")}
    streamed = "stream" in verb
    first = told.pop("gen_ai.response.time_to_first_chunk", None)
    assert (first is not None) == streamed
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "gpt-4o-2024",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        **({"gen_ai.request.stream": True} if streamed else {}),
    }
    assert span.kind is SpanKind.CLIENT
    assert exported.span("StrOutputParser").kind is SpanKind.INTERNAL


def test_the_arguments_of_a_call_are_told(exported):
    Answering().bind(stop=["x"], max_tokens=5, seed=1).invoke("hi", exported.config)
    told = exported.span("chat gpt-4o").attributes
    assert told["gen_ai.request.stop_sequences"] == ("x",)
    assert told["gen_ai.request.max_tokens"] == 5
    assert told["gen_ai.request.seed"] == 1


def test_text_models_and_tools_have_their_own_operations(exported):
    from prill.tools import tool

    @tool
    def reverse(word: str) -> str:
        """Turn a word round."""
        return word[::-1]

    FakeListLLM(responses=["a"]).invoke("x", exported.config)
    reverse.invoke({"word": "ab"}, exported.config)
    assert exported.span("text_completion FakeListLLM").kind is SpanKind.CLIENT
    told = exported.span("execute_tool reverse").attributes
    assert (told["gen_ai.operation.name"], told["gen_ai.tool.name"]) == ("execute_tool", "reverse")
    assert "gen_ai.tool.call.arguments" not in told


def test_content_is_recorded_only_when_asked_for(exported):
    CHAIN.invoke({"x": "secret"}, exported.config)
    assert all("secret" not in str(span.attributes) for span in exported.spans)
    capturing = Exported(capture_content=True)
    CHAIN.invoke({"x": "secret"}, capturing.config)
    told = capturing.span("chat gpt-4o").attributes
    assert json.loads(told["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "say secret"}]}
    ]
    assert json.loads(told["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "ab"}], "finish_reason": "stop"}
    ]


@VERBS
def test_a_failure_is_an_error_with_its_type(exported, verb):
    with pytest.raises(ConnectionError):
        run(RunnableLambda(str) | Answering(fails=True), "x", verb, exported.config)
    for name in ("RunnableSequence", "chat gpt-4o"):
        span = exported.span(name)
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes["error.type"] == "ConnectionError"
        assert [event.name for event in span.events] == ["exception"]
    (point,) = exported.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == "ConnectionError"


def test_a_stream_that_is_left_is_no_error(exported):
    stream = CHAIN.stream({"x": "hi"}, exported.config)
    next(stream)
    stream.close()
    assert len(exported.spans) == 4
    span = exported.span("chat gpt-4o")
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["prill.cancelled"]


@VERBS
def test_models_are_measured(exported, verb):
    run(CHAIN, {"x": "hi"}, verb, exported.config)
    labels = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024",
    }
    (duration,) = exported.points("gen_ai.client.operation.duration")
    assert (duration.count, dict(duration.attributes)) == (1, labels)
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum for point in exported.points("gen_ai.client.token.usage")
    }
    assert tokens == {"input": 7, "output": 2}
    first = [point.count for point in exported.points("gen_ai.client.operation.time_to_first_chunk")]
    later = [point.count for point in exported.points("gen_ai.client.operation.time_per_output_chunk")]
    assert (first, later) == (([1], [2]) if "stream" in verb else ([], []))


def test_the_buckets_are_those_of_the_conventions(exported):
    CHAIN.invoke({"x": "hi"}, exported.config)
    (duration,) = exported.points("gen_ai.client.operation.duration")
    assert duration.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    assert duration.explicit_bounds[-1] == pytest.approx(81.92)
    tokens = exported.points("gen_ai.client.token.usage")[0]
    assert tokens.explicit_bounds[-1] == 67108864


@VERBS
def test_inside_a_function_its_span_is_the_current_one(exported, verb):
    seen = []

    def asks(text):
        seen.append(otel_trace.get_current_span().name)
        with exported.tracers.get_tracer("mine").start_as_current_span("mine"):
            return Answering().invoke(text).content

    run(RunnableLambda(asks) | StrOutputParser(), "x", verb, exported.config)
    assert seen == ["asks"]
    parents = exported.parents()
    assert parents["mine"] == "asks"
    assert parents["chat gpt-4o"] == "mine"
    assert parents["StrOutputParser"] == "RunnableSequence"


def test_a_root_is_a_child_of_the_callers_span(exported):
    with exported.tracers.get_tracer("mine").start_as_current_span("request"):
        list(CHAIN.stream({"x": "hi"}, exported.config))
        asyncio.run(CHAIN.ainvoke({"x": "hi"}, exported.config))
        assert otel_trace.get_current_span().name == "request"
    roots = [span for span in exported.spans if span.name == "RunnableSequence"]
    request = exported.span("request")
    assert [span.parent.span_id for span in roots] == [request.context.span_id] * 2


def test_parallel_branches_in_threads_and_tasks_have_the_right_parents(exported):
    seen = {}

    def branch(name):
        def work(x):
            seen[name] = otel_trace.get_current_span().name
            return Answering().invoke("x").content

        return RunnableLambda(work).with_config(run_name=name)

    both = RunnableParallel(a=branch("left"), b=branch("right"))
    both.invoke(1, exported.config)
    asyncio.run(both.ainvoke(1, exported.config))
    assert seen == {"left": "left", "right": "right"}
    names = {span.context.span_id: span.name for span in exported.spans}
    models = [names[span.parent.span_id] for span in exported.spans if span.name == "chat gpt-4o"]
    assert sorted(models) == ["left", "left", "right", "right"]


def test_a_generator_advanced_from_many_places_keeps_its_span(exported, caplog):
    seen = []

    async def letters(inputs):
        async for text in inputs:
            for letter in text:
                seen.append(otel_trace.get_current_span().name)
                yield letter

    async def main():
        stream = RunnableGenerator(letters).astream("abcdef", exported.config)
        for _ in range(4):
            await asyncio.create_task(anext(stream))
            assert otel_trace.get_current_span() is otel_trace.INVALID_SPAN
        await asyncio.create_task(stream.aclose())

    asyncio.run(main())
    assert set(seen) == {"letters"}
    assert exported.span("letters").attributes["prill.cancelled"]
    assert caplog.records == []


def test_a_blocking_stream_advanced_from_many_threads_keeps_its_span(exported, caplog):
    seen = []

    def letters(inputs):
        for text in inputs:
            for letter in text:
                seen.append((otel_trace.get_current_span().name, threading.get_ident()))
                yield letter

    stream = RunnableGenerator(letters).stream("abcdef", exported.config)
    for _ in range(3):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, next, stream).result()
        next(stream)
        assert otel_trace.get_current_span() is otel_trace.INVALID_SPAN
    stream.close()
    assert {name for name, _ in seen} == {"letters"}
    assert caplog.records == []
    assert len(exported.spans) == 1


def test_nothing_stays_attached(exported):
    before = otel_context.get_current()
    with pytest.raises(ZeroDivisionError):
        RunnableLambda(lambda x: 1 / x).invoke(0, exported.config)
    assert otel_context.get_current() == before


def test_events_of_user_code_are_on_its_span(exported):
    from prill.callbacks import dispatch_custom_event

    RunnableLambda(lambda x: dispatch_custom_event("found", {"n": x})).with_config(run_name="look").invoke(
        1, exported.config
    )
    assert [event.name for event in exported.span("look").events] == ["found"]


def test_a_stream_that_starts_over_has_an_event(exported):
    tries = []

    def letters(inputs):
        for text in inputs:
            yield text[0]
            tries.append(1)
            if len(tries) == 1:
                raise ConnectionError("cut")

    chain = RunnableGenerator(letters).with_retry(mid_stream="restart", wait_exponential_jitter=False)
    list((chain | RunnableLambda(str)).stream("ab", exported.config))
    events = {event.name: event.attributes for span in exported.spans for event in span.events}
    assert events["restart"] == {"error.type": "ConnectionError"}


def test_without_opentelemetry_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "prill.tracers.opentelemetry")
    with pytest.raises(MissingDependencyError, match=r"prill\[otel\]"):
        import_module("prill.tracers.opentelemetry")
