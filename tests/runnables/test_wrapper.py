"""A wrapped model is still a model, whatever was wrapped around it in whatever order."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runnables.flaky import NO_WAIT, chat

from prill.language_models import FakeListChatModel
from prill.runnables import RunnableLambda


def weather(city: str) -> str:
    """The weather in a city."""
    return city


WRAPPERS = {
    "bind_tools": lambda part, server: part.bind_tools([weather]),
    "with_config": lambda part, server: part.with_config(tags=["mine"], run_name="Mine"),
    "with_retry": lambda part, server: part.with_retry(**NO_WAIT),
    "with_fallbacks": lambda part, server: part.with_fallbacks([chat(server, model="other")]),
    "with_timeout": lambda part, server: part.with_timeout(first_chunk=30, total=60),
    "bind": lambda part, server: part.bind(stop=["\n"]),
}


@settings(max_examples=25)
@given(order=st.permutations(sorted(WRAPPERS)), streamed=st.booleans())
def test_any_order_of_wrappers_sends_the_same_request(verbs, server, order, streamed):
    server.clear()
    part = chat(server)
    for name in order:
        part = WRAPPERS[name](part, server)
    (verbs.stream if streamed else verbs.invoke)(part, "Hi")
    plain = chat(server).bind_tools([weather]).bind(stop=["\n"])
    (verbs.stream if streamed else verbs.invoke)(plain, "Hi")
    mine, same = [request.json for request in server.requests]
    assert mine == same
    assert mine["stop"] == ["\n"]
    assert mine["tools"][0]["function"]["name"] == "weather"


@settings(max_examples=10)
@given(order=st.permutations(sorted(WRAPPERS)))
def test_a_fallback_is_given_all_of_it_that_was_wrapped_around_both(verbs, server, order):
    server.clear()
    part = chat(server)
    for name in ["with_fallbacks", *[each for each in order if each not in ("with_fallbacks", "with_retry")]]:
        part = WRAPPERS[name](part, server)
    server.fail(503)
    verbs.invoke(part, "Hi")
    first, second = [request.json for request in server.requests]
    assert (first.pop("model"), second.pop("model")) == ("gpt-4o", "other")
    assert first == second
    assert "tools" in first


ALONE = sorted(set(WRAPPERS) - {"bind_tools"})


@pytest.mark.parametrize("name", ALONE)
def test_the_models_own_methods_and_fields_are_reachable(server, name):
    part = WRAPPERS[name](chat(server), server)
    assert part.get_num_tokens("one two three") == chat(server).get_num_tokens("one two three")
    assert part.model == "gpt-4o"


@pytest.mark.parametrize("name", WRAPPERS)
def test_what_the_model_has_not_the_wrapper_has_not(server, name):
    part = WRAPPERS[name](chat(server), server)
    assert not hasattr(part, "nonsense")
    assert not hasattr(part, "__nonsense__")
    with pytest.raises(AttributeError, match="nonsense"):
        part.nonsense()


@settings(max_examples=5)
@given(order=st.permutations(sorted(WRAPPERS)))
def test_wrapped_models_can_be_copied(verbs, server, order):
    part = chat(server)
    for name in order:
        part = WRAPPERS[name](part, server)
    for again in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        server.clear()
        verbs.invoke(part, "Hi")
        verbs.invoke(again, "Hi")
        one, other = [json.dumps(request.json, sort_keys=True) for request in server.requests]
        assert one == other


def test_a_wrapper_that_is_not_yet_made_has_nothing():
    # ``copy`` and ``pickle`` ask an object for its methods before it has any of its own values.
    for kind in (type(WRAPPERS[name](RunnableLambda(len), None)) for name in ("with_retry", "with_timeout", "bind")):
        with pytest.raises(AttributeError):
            kind.__new__(kind).bound


def test_a_class_that_is_an_attribute_stays_a_class() -> None:
    class Typed(RunnableLambda[Any, Any]):
        Schema = dict

    assert Typed(str).with_retry().Schema is dict  # type: ignore[attr-defined]  # it is one of the wrapped object


def test_an_attribute_that_is_set_on_a_wrapper_reaches_the_wrapped_object() -> None:
    model = FakeListChatModel(responses=["a"])
    for wrapper in (model.with_retry(), model.bind(stop=["x"]), model.with_timeout(total=5)):
        wrapper.responses = ["changed"]  # type: ignore[attr-defined]  # as above
        assert (model.responses, wrapper.invoke("q").text) == (["changed"], "changed")
        model.responses = ["a"]
    retry: Any = model.with_retry()
    retry.max_attempt_number = 7
    assert retry.max_attempt_number == 7, "an attribute of the wrapper is its own"
