"""A user's model that says ``streaming=True`` streams inside ``invoke``, and handlers are told each token."""

import asyncio
import importlib
import warnings
from types import SimpleNamespace

import pytest

from prill.errors import EmptyResponseError

PLACES = {
    "language_models.chat_models": ("BaseChatModel",),
    "language_models.llms": ("BaseLLM", "LLM"),
    "messages": ("AIMessage", "AIMessageChunk", "HumanMessage"),
    "outputs": (
        "ChatGeneration",
        "ChatGenerationChunk",
        "ChatResult",
        "Generation",
        "GenerationChunk",
        "LLMResult",
    ),
    "callbacks": ("BaseCallbackHandler",),
}


def library(root):
    rooms = {room: importlib.import_module(f"{root}.{room}") for room in PLACES}
    return SimpleNamespace(**{name: getattr(rooms[room], name) for room, names in PLACES.items() for name in names})


@pytest.fixture(scope="module")
def ours():
    return library("prill")


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return library("langchain_core")


def models(lib, called):
    """Kinds of user's models; each call of their code is noted in ``called``."""

    class Whole(lib.BaseChatModel):
        @property
        def _llm_type(self):
            return "own"

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            called.append(("generate", stop, sorted(kwargs)))
            return lib.ChatResult(generations=[lib.ChatGeneration(message=lib.AIMessage(content="whole"))])

    class NoField(Whole):
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            called.append(("stream", stop, sorted(kwargs)))
            for piece in "ab":
                chunk = lib.ChatGenerationChunk(message=lib.AIMessageChunk(content=piece))
                if run_manager is not None and kwargs.get("says"):
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk

    class Streams(NoField):
        streaming: bool = False

    class Both(Streams):
        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            called.append(("astream", stop, sorted(kwargs)))
            for piece in "cd":
                yield lib.ChatGenerationChunk(message=lib.AIMessageChunk(content=piece))

    class CannotStream(Whole):
        streaming: bool = False

    class Text(lib.BaseLLM):
        streaming: bool = False

        @property
        def _llm_type(self):
            return "own"

        def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
            called.append(("generate", stop, sorted(kwargs)))
            return lib.LLMResult(generations=[[lib.Generation(text="whole")] for _ in prompts])

        def _stream(self, prompt, stop=None, run_manager=None, **kwargs):
            called.append(("stream", stop, sorted(kwargs)))
            for piece in "ab":
                yield lib.GenerationChunk(text=piece)

    class Empty(Streams):
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            return iter(())

    class OneFunction(lib.LLM):
        streaming: bool = False

        @property
        def _llm_type(self):
            return "own"

        def _call(self, prompt, stop=None, run_manager=None, **kwargs):
            return "whole"

        async def _acall(self, prompt, stop=None, run_manager=None, **kwargs):
            return "whole"

        def _stream(self, prompt, stop=None, run_manager=None, **kwargs):
            for piece in "ab":
                yield lib.GenerationChunk(text=piece)

    kinds = (Whole, NoField, Streams, Both, CannotStream, Text, Empty, OneFunction)
    return SimpleNamespace(**{kind.__name__: kind for kind in kinds})


def watched(lib, seen):
    class Tokens(lib.BaseCallbackHandler):
        def on_llm_new_token(self, token, *, chunk=None, **kwargs):
            if token:  # the peer adds an empty one
                seen.append((token, type(chunk).__name__))

        def on_llm_end(self, response, **kwargs):
            seen.append(("end", response.generations[0][0].text))

    return {"callbacks": [Tokens()]}


def ask(colour, model, config, **kwargs):
    if colour == "blocking":
        return model.invoke("x", config, **kwargs)
    return asyncio.run(model.ainvoke("x", config, **kwargs))


CASES = {
    "told to": ("Streams", {"streaming": True}, {}),
    "not told to": ("Streams", {}, {}),
    "both forms": ("Both", {"streaming": True}, {}),
    "no such field": ("NoField", {}, {}),
    "nothing to stream with": ("CannotStream", {"streaming": True}, {}),
    "not to stream at all": ("Streams", {"streaming": True, "disable_streaming": True}, {}),
    "not with tools, with tools": (
        "Streams",
        {"streaming": True, "disable_streaming": "tool_calling"},
        {"tools": [{"a": 1}]},
    ),
    "not with tools, without": ("Streams", {"streaming": True, "disable_streaming": "tool_calling"}, {}),
    "this call is not to": ("Streams", {"streaming": True}, {"stream": False}),
    "this call is to": ("Streams", {}, {"stream": True}),
    "stop and more": ("Streams", {"streaming": True}, {"stop": ["q"], "more": 1}),
    "its own code tells tokens": ("Streams", {"streaming": True}, {"says": True}),
}


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
@pytest.mark.parametrize("case", CASES)
def test_it_streams_when_the_peers_does_and_tells_the_same(ours, peer, colour, case):
    kind, settings, kwargs = CASES[case]

    def course(lib):
        called, seen = [], []
        model = getattr(models(lib, called), kind)(**settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = ask(colour, model, watched(lib, seen), **kwargs)
        return answer.content, called, seen

    assert course(ours) == course(peer)


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_an_attribute_of_the_class_counts_too(ours, colour):
    class Always(models(ours, []).NoField):
        streaming: bool = True

    seen = []
    assert ask(colour, Always(), watched(ours, seen)).content == "ab"
    assert [token for token, _ in seen] == ["a", "b", "end"]


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
@pytest.mark.parametrize("kind", ["Text", "OneFunction"])
def test_text_models_do_so_too(ours, colour, kind):
    seen = []
    model = getattr(models(ours, []), kind)(streaming=True)
    assert ask(colour, model, watched(ours, seen)) == "ab"
    assert seen == [("a", "GenerationChunk"), ("b", "GenerationChunk"), ("end", "ab")]


def test_the_chunks_that_are_told_have_the_id_of_the_answer(ours):
    model = models(ours, []).Streams(streaming=True)
    ids = []

    class Ids(ours.BaseCallbackHandler):
        def on_llm_new_token(self, token, *, chunk=None, **kwargs):
            ids.append(chunk.message.id)

    answer = model.invoke("x", {"callbacks": [Ids()]})
    assert ids == [answer.id, answer.id]
    assert answer.id is not None


def test_nobody_watching_makes_it_stream(ours):
    called = []
    model = models(ours, called).Streams()
    events = [event["event"] for event in model.stream_events("x")]
    assert "on_chat_model_stream" in events  # it was streamed; invoked, it is not, though somebody watches
    called.clear()
    model.invoke("x", watched(ours, []))
    assert called == [("generate", None, [])]


def test_a_stream_without_a_chunk_is_an_error(ours):
    with pytest.raises(EmptyResponseError, match="Empty ended the stream without a chunk"):
        models(ours, []).Empty(streaming=True).invoke("x")
