"""The tree of errors: each is also the built-in kind that it names, pickles, and shows its path."""

import copy
import inspect
import pickle

import pytest
from langchain_core import exceptions

from prill import errors
from prill.errors import ModelRateLimitError, ModelRefusalError, OutputParserException, PrillError, add_step
from prill.messages import AIMessage

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PrillError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_pickles_and_copies_with_all_that_it_carries(kind):
    error = kind("what happened")
    add_step(error, "RunnableSequence", "step 2 (x)")
    error.extra = {"partial": "abc"}
    error.add_note("a note")
    for clone in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(clone) is kind
        assert str(clone) == str(error) == "what happened\n  in the chain: RunnableSequence > step 2 (x)"
        assert clone.__dict__ == {**error.__dict__, **({"path": error.path} if "path" in clone.__dict__ else {})}
        assert clone.args == error.args


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree(kind):
    assert kind is PrillError or f"── {kind.__name__}" in errors.__doc__
    builtin = [base.__name__ for base in kind.__bases__ if not issubclass(base, PrillError)]
    for name in builtin:
        if kind is not PrillError:
            line = next(line for line in errors.__doc__.splitlines() if f"── {kind.__name__}" in line)
            assert f"({name})" in line


def test_a_model_error_carries_what_the_provider_said():
    error = ModelRateLimitError("slow down", provider="p", status=429, retry_after=3.0, request_id="r", partial="x")
    clone = pickle.loads(pickle.dumps(error))
    assert (clone.provider, clone.status, clone.retry_after, clone.request_id, clone.partial) == (
        "p",
        429,
        3.0,
        "r",
        "x",
    )
    assert clone.retryable
    assert not ModelRateLimitError("for good", retryable=False).retryable


def test_steps_are_put_in_front():
    error = PrillError("broken")
    add_step(error, "inner", "step 1 (f)", inner="f")
    add_step(error, "outer", "step 2 (inner)", inner="inner")
    assert error.path == ("outer", "step 2 (inner)", "step 1 (f)")


def test_a_foreign_error_keeps_its_text_and_its_own_notes():
    error = ValueError("broken")
    error.add_note("mine")
    add_step(error, "inner", "step 1 (f)", inner="f")
    add_step(error, "outer", "step 2 (inner)", inner="inner")
    assert str(error) == "broken"
    assert error.__notes__ == ["mine", "in the chain: outer > step 2 (inner) > step 1 (f)"]


def test_an_output_parser_exception_needs_what_it_sends():
    with pytest.raises(ValueError, match="send_to_llm needs both"):
        OutputParserException("x", send_to_llm=True)
    assert OutputParserException("x", observation="o", llm_output="l", send_to_llm=True).llm_output == "l"


REFUSALS = [{"refusal": "sorry"}, {"refusal": ""}, {}, {"refusal": "sorry", "extras": {"category": "bio"}}]


@pytest.mark.parametrize("block", REFUSALS, ids=str)
def test_a_refusal_says_what_its_block_says_as_the_peer_does(block):
    message = AIMessage("")
    own = ModelRefusalError.from_refusal(block, raw_message=message)
    theirs = exceptions.ModelRefusalError.from_refusal(block, raw_message=message)
    asked = "Model refused to produce the requested output"
    declined = "the model declined to answer in the form that was asked for"
    assert str(own) == str(theirs).replace(asked, declined)
    assert own.raw_message is message
    assert not own.retryable
    assert pickle.loads(pickle.dumps(own)).raw_message == message
