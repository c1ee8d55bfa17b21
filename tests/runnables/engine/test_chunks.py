"""Chunks add up to the value that they are pieces of; the same way as the peer's."""

import asyncio
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.runnables.utils import AddableDict as PeerAddableDict

from prill.runnables import AddableDict, aadd, add
from prill.runnables.engine.chunks import join

# The peer raises TypeError where a key's value changes its kind; ours takes the later one, as ``join`` does.
dicts = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.text(max_size=3),
        "number": st.none() | st.integers(0, 9),
        "list": st.none() | st.lists(st.integers(0, 9), max_size=2),
    },
)


@given(st.lists(dicts, min_size=1, max_size=5))
def test_dicts_add_up_as_the_peers_do(chunks):
    ours = sum((AddableDict(chunk) for chunk in chunks[1:]), AddableDict(chunks[0]))
    theirs = PeerAddableDict(chunks[0])
    for chunk in chunks[1:]:
        theirs = theirs + PeerAddableDict(chunk)
    assert ours == theirs == AddableDict.merge_many(chunks)


@given(st.lists(st.text(max_size=3), min_size=1) | st.lists(st.lists(st.integers()), min_size=1))
def test_text_and_lists_are_concatenated(chunks):
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert join(chunks) == whole


@pytest.mark.parametrize(
    ("chunks", "whole"),
    [
        ([1, 2, 3], 6),
        ([(1,), (2,)], (1, 2)),
        ([{"a": 1}, {"b": 2}], {"b": 2}),
        (["a", 1], 1),
        ([None, "a"], "a"),
        (["only"], "only"),
    ],
)
def test_of_values_that_cannot_be_added_the_last_one_counts(chunks, whole):
    assert join(chunks) == whole


def test_joining_leaves_the_chunks_as_they_were():
    chunks = [[1], [2]]
    assert join(chunks) == [1, 2]
    assert chunks == [[1], [2]]


def test_replaced_keys_take_the_later_value_and_say_so_onward():
    one = AddableDict({"a": [1], "b": [1]}, replaced=frozenset("a"))
    whole = one + {"a": [1, 2], "b": [2]}
    assert whole == {"a": [1, 2], "b": [1, 2]}
    assert whole.replaced == {"a"}
    assert pickle.loads(pickle.dumps(whole)).replaced == {"a"}


def test_a_plain_dict_on_the_left_is_added_to():
    assert {"a": "x"} + AddableDict(a="y") == {"a": "xy"}


def test_add_and_aadd_sum_whatever_adds():
    async def each():
        for letter in "abc":
            yield letter

    assert add("abc") == asyncio.run(aadd(each())) == "abc"
    assert add([]) is None


class Rope:
    """A type of the user's with ``+``, which counts how much is copied."""

    copied = 0

    def __init__(self, text):
        self.text = text

    def __add__(self, other):
        Rope.copied += len(self.text) + len(other.text)
        return Rope(self.text + other.text)


@pytest.mark.parametrize("count", [2, 3, 7, 1000])
def test_chunks_of_any_type_are_added_in_order_with_few_copies(count):
    Rope.copied = 0
    pieces = [Rope(f"{number} ") for number in range(count)]
    whole = "".join(piece.text for piece in pieces)
    assert join(pieces).text == whole
    assert Rope.copied <= len(whole) * count.bit_length()


@given(st.lists(st.binary(max_size=3), min_size=1) | st.lists(st.tuples(st.integers()), min_size=1))
def test_bytes_and_tuples_are_concatenated(chunks):
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert join(chunks) == whole


def test_the_sum_of_numbers_is_rounded_as_python_rounds_it():
    numbers = [0.1] * 10
    assert join(numbers) == sum(numbers)


def test_of_dicts_that_do_not_add_the_last_one_counts():
    assert join([{"a": n} for n in range(5)]) == {"a": 4}
