"""Overridden and patched verbs are called wherever the step is, and nothing else changes."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from unittest import mock

import pytest

from prill.language_models import BaseChatModel, FakeListChatModel, GenericFakeChatModel
from prill.messages import AIMessage
from prill.output_parsers import StrOutputParser
from prill.runnables import Runnable, RunnableLambda, RunnableParallel, RunnableSequence

PATCHED = AIMessage("patched")


def fake() -> FakeListChatModel:
    return FakeListChatModel(responses=["real"])


def places(step: Any) -> dict[str, Runnable[Any, Any]]:
    first: Runnable[Any, Any] = RunnableLambda(lambda given: given)
    return {
        "a chain": first | step,
        "a nested chain": first | (step | StrOutputParser()).with_config(run_name="inner"),
        "a dict": first | {"a": step} | (lambda given: given["a"]),
        "a retry": (first | step).with_retry(),
        "a binding": first | step.bind(stop=["x"]),
        "fallbacks": first | step.with_fallbacks([lambda given: "late"]),
    }


def text(answer: Any) -> str:
    return answer if isinstance(answer, str) else str(answer.text)


@pytest.mark.parametrize("place", places(fake()))
def test_a_verb_that_is_patched_on_a_class_is_called_inside_of(place: str) -> None:
    chain = places(fake())[place]
    assert text(chain.invoke("q")) == "real"
    with mock.patch.object(FakeListChatModel, "invoke", return_value=PATCHED) as patched:
        assert text(chain.invoke("q")) == "patched"
        assert text(places(fake())[place].invoke("q")) == "patched", "built while it is patched"
        assert patched.call_count == 2
    assert text(chain.invoke("q")) == "real"


def test_a_patched_asyncio_verb_is_called_in_asyncio() -> None:
    chain = RunnableLambda(lambda given: given) | fake() | StrOutputParser()
    with mock.patch.object(FakeListChatModel, "ainvoke", return_value=PATCHED) as patched:
        assert asyncio.run(chain.ainvoke("q")) == "patched"
        assert patched.await_count == 1
    assert asyncio.run(chain.ainvoke("q")) == "real"


def test_a_patched_stream_is_called_by_the_stream_of_a_chain() -> None:
    chain = RunnableLambda(lambda given: given) | fake() | StrOutputParser()
    with mock.patch.object(FakeListChatModel, "stream", return_value=iter([PATCHED, PATCHED])):
        assert list(chain.stream("q")) == ["patched", "patched"]
    assert list(chain.stream("q")) == list("real")


def test_a_patch_on_a_base_class_is_seen_by_its_subclasses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(FakeListChatModel):
        pass

    chain = RunnableLambda(lambda given: given) | Mine(responses=["real"]) | StrOutputParser()
    with monkeypatch.context() as patch:
        patch.setattr(BaseChatModel, "invoke", lambda *args, **kwargs: PATCHED)
        assert chain.invoke("q") == "patched"
    assert chain.invoke("q") == "real"


def test_one_object_can_be_patched() -> None:
    one, other = fake(), fake()
    both = RunnableParallel(one=one | StrOutputParser(), other=other | StrOutputParser())
    with mock.patch.object(one, "invoke", return_value=PATCHED):
        assert both.invoke("q") == {"one": "patched", "other": "real"}
    assert both.invoke("q") == {"one": "real", "other": "real"}
    assert one == other, "no trace is left"
    with (
        mock.patch.object(one, "_generate", side_effect=ValueError("patched")),
        pytest.raises(ValueError, match="patched"),
    ):
        both.invoke("q")
    assert both.invoke("q") == {"one": "real", "other": "real"}


def test_parts_that_only_compose_can_be_patched() -> None:
    step = RunnableLambda(lambda given: "real")
    chain = RunnableLambda(lambda given: given) | step
    with mock.patch.object(RunnableLambda, "invoke", return_value="patched"):
        assert chain.invoke("q") == "patched"
    with mock.patch.object(step, "invoke", return_value="patched"):
        assert chain.invoke("q") == "patched"
    assert chain.invoke("q") == "real"


def test_a_patched_chain_stays_a_step_of_its_own() -> None:
    inner = RunnableLambda(lambda given: "a") | (lambda given: "b")
    with mock.patch.object(inner, "invoke", return_value="patched"):
        assert (RunnableLambda(lambda given: given) | inner).invoke("q") == "patched"

    class Logged(RunnableSequence[Any, Any]):
        def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return f"logged {super().invoke(input, config, **kwargs)}"

    assert (RunnableLambda(lambda given: given) | Logged(str, str)).invoke("q") == "logged q"


def test_a_verb_that_is_given_back_by_hand_costs_nothing_more() -> None:
    original = FakeListChatModel.invoke
    FakeListChatModel.invoke = lambda *args, **kwargs: PATCHED  # type: ignore[method-assign,assignment,return-value]
    try:
        assert FakeListChatModel._overrides == {"invoke"}
        FakeListChatModel.invoke = original  # type: ignore[method-assign]
        assert FakeListChatModel._overrides == frozenset()
    finally:
        del FakeListChatModel.invoke


class Counted(GenericFakeChatModel):
    calls: int = 0

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> AIMessage:
        self.calls += 1
        return super().invoke(input, config, **kwargs)


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_a_subclass_that_overrides_only_invoke_goes_on_streaming_in_a_chain(colour: str) -> None:
    model = Counted(messages=itertools.cycle(["a b c"]))
    chain = RunnableLambda(lambda given: given) | model | StrOutputParser()

    async def collect() -> list[str]:
        return [chunk async for chunk in chain.astream("q")]

    chunks = list(chain.stream("q")) if colour == "blocking" else asyncio.run(collect())
    assert chunks == ["a", " ", "b", " ", "c"]
    assert (chain.invoke("q"), model.calls) == ("a b c", 1)


def test_an_overridden_invoke_of_a_step_that_has_no_stream_is_called_by_stream() -> None:
    class Shout(RunnableLambda[str, str]):
        pass

    class Loud(Runnable[str, str]):
        async def _work(self, input: Any, run: Any, **kwargs: Any) -> Any:
            return input

    class Louder(Loud):
        def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return input.upper()

    assert list((Shout(str) | Louder()).stream("a")) == ["A"]
