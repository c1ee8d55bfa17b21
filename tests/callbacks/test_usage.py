"""Counting tokens: by handler, inside a ``with`` block, of answers that were cut too."""

import asyncio

import pytest

from prill.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from prill.errors import StreamInterrupted
from prill.language_models import GenericFakeChatModel
from prill.messages import AIMessage, AIMessageChunk
from prill.runnables import RunnableLambda

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def model(name="a"):
    message = AIMessage("hi there", usage_metadata=USAGE, response_metadata={"model_name": name})
    return GenericFakeChatModel(messages=iter([message] * 99))


def times(n):
    return {key: value * n for key, value in USAGE.items()}


def test_tokens_are_added_up_by_model():
    usage = UsageMetadataCallbackHandler()
    config = {"callbacks": [usage]}
    first, second = model("a"), model("b")
    first.invoke("x", config)
    list(first.stream("x", config))
    asyncio.run(second.ainvoke("x", config))
    first.batch(["x", "y"], config)
    assert usage.usage_metadata == {"a": times(4), "b": times(1)}
    assert repr(usage) == str(usage.usage_metadata)


def test_a_with_block_counts_all_that_begins_in_it():
    first = model()
    with get_usage_metadata_callback() as usage:
        first.invoke("x")
        RunnableLambda(lambda x: first.invoke(x)).invoke("x")

        async def main():
            await asyncio.gather(first.ainvoke("x"), first.ainvoke("x"))

        asyncio.run(main())
        with get_usage_metadata_callback() as inner:
            first.invoke("x")
    first.invoke("x")
    assert usage.usage_metadata == {"a": times(5)}
    assert inner.usage_metadata == {"a": times(1)}


def test_the_tokens_of_an_answer_that_was_cut_count():
    class Cut(GenericFakeChatModel):
        async def _chunks(self, messages, run, **kwargs):
            chunk = AIMessageChunk(content="half", usage_metadata=USAGE, response_metadata={"model_name": "a"})
            yield chunk
            raise StreamInterrupted("cut", partial=chunk)

    usage = UsageMetadataCallbackHandler()
    with pytest.raises(StreamInterrupted):
        list(Cut(messages=iter([])).stream("x", {"callbacks": [usage]}))
    assert usage.usage_metadata == {"a": times(1)}


def test_the_tokens_of_an_answer_that_was_left_count():
    class Slow(GenericFakeChatModel):
        async def _chunks(self, messages, run, **kwargs):
            while True:
                yield AIMessageChunk(content="x", usage_metadata=USAGE, response_metadata={"model_name": "a"})

    usage = UsageMetadataCallbackHandler()
    stream = Slow(messages=iter([])).stream("x", {"callbacks": [usage]})
    next(stream)
    stream.close()
    assert usage.usage_metadata == {"a": times(1)}
