"""Names have the places that the documented API gives them."""

import asyncio
import pickle

import langchain_core.runnables.base as their_base
import pytest
from langchain_core.runnables.passthrough import aidentity as their_aidentity
from langchain_core.runnables.passthrough import identity as their_identity

import prill.runnables
import prill.runnables.base as base
from prill.runnables.passthrough import aidentity, identity
from prill.runnables.router import RouterInput, RouterRunnable

NAMES = [
    *("RunnableBinding", "RunnableBindingBase", "RunnableEach", "RunnableEachBase", "RunnableGenerator"),
    *("RunnableLambda", "RunnableMap", "RunnableParallel", "RunnableSequence", "RunnableSerializable", "chain"),
    "coerce_to_runnable",
]


@pytest.mark.parametrize("name", NAMES)
def test_base_has_what_is_made_in_files_above_it(name):
    assert hasattr(their_base, name)
    assert name in dir(base)
    known = name.removesuffix("Base") if name.endswith(("BindingBase", "EachBase")) else name
    assert getattr(base, name) is getattr(prill.runnables, known)


def test_base_has_nothing_else():
    with pytest.raises(AttributeError, match="Missing"):
        base.Missing


def test_a_class_taken_from_base_is_made_by_pickle_again():
    step = base.RunnableLambda(identity)
    assert pickle.loads(pickle.dumps(step)).invoke(1) == 1


def test_identity_gives_back_what_is_given_in_both_colours():
    thing = object()
    assert identity(thing) is their_identity(thing) is thing
    assert asyncio.run(aidentity(thing)) is asyncio.run(their_aidentity(thing)) is thing
    assert (base.RunnableLambda(identity) | identity).invoke(2) == 2
    assert asyncio.run((base.RunnableLambda(aidentity) | aidentity).ainvoke(2)) == 2


def test_the_router_has_a_file_of_its_own():
    assert prill.runnables.RouterRunnable is RouterRunnable
    assert prill.runnables.RouterInput is RouterInput
