"""Chains are plain objects: they are copied, pickled, compared, shown, and gone when nobody holds them."""

import copy
import gc
import pickle
import weakref
from operator import itemgetter

import cloudpickle
import pytest

from prill.language_models.fake import FakeListLLM
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate, PromptTemplate
from prill.runnables import (
    ConfigurableField,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
)


def tidy(text):
    return text.strip()


def each(chunks):
    yield from chunks


PROMPT = ChatPromptTemplate.from_messages([("human", "{topic}")])
TEXT = FakeListLLM(responses=["a"])


def chains():
    model = ChatOpenAI(model="gpt-4o", api_key="sk-secret-key")
    return {
        "with a model": PROMPT | model | StrOutputParser(),
        "bound": PROMPT | model.bind(stop=["x"]).with_config(tags=["t"]),
        "parallel": {"a": itemgetter("x"), "b": RunnablePassthrough()} | PROMPT,
        "assign and pick": RunnablePassthrough.assign(z=tidy) | RunnablePick("z"),
        "branch": RunnableBranch((tidy, TEXT), tidy),
        "each": RunnableLambda(tidy).map(),
        "generator": RunnableGenerator(each) | tidy,
        "configurable": TEXT.configurable_fields(responses=ConfigurableField(id="r")),
        "alternatives": TEXT.configurable_alternatives(ConfigurableField(id="w"), other=TEXT),
        "retry": TEXT.with_retry(stop_after_attempt=2),
        "fallbacks": TEXT.with_fallbacks([TEXT]),
        "timeout": TEXT.with_timeout(total=3),
    }


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("name", chains())
def test_a_copy_is_equal_and_shown_the_same(name, way):
    chain = chains()[name]
    made = way(chain)
    assert made == chain
    assert repr(made) == repr(chain)
    assert made.get_name() == chain.get_name()


def test_cloudpickle_takes_lambdas():
    chain = {"topic": lambda x: x["q"]} | PROMPT | TEXT | StrOutputParser()
    made = cloudpickle.loads(cloudpickle.dumps(chain))
    assert made.invoke({"q": 1}) == "a"
    assert list(made.stream({"q": 1})) == ["a"]


def test_a_key_is_copied_but_never_shown():
    chain = chains()["with a model"]
    made = pickle.loads(pickle.dumps(chain))
    assert made.steps[1].api_key.get_secret_value() == "sk-secret-key"
    assert "sk-secret" not in repr(chain)


def test_chains_are_shown_as_they_are_written():
    chain = PromptTemplate.from_template("{a}") | TEXT | StrOutputParser()
    assert repr(chain) == (
        "PromptTemplate(input_variables=['a'], template='{a}') | FakeListLLM(responses=['a']) | StrOutputParser()"
    )
    assert repr({"a": RunnablePassthrough()} | TEXT) == "{'a': RunnablePassthrough()} | FakeListLLM(responses=['a'])"


@pytest.mark.parametrize("name", chains())
def test_a_chain_goes_when_nobody_holds_it_without_the_garbage_collector(name):
    gc.collect()
    gc.disable()
    try:
        made = chains()
        chain = made.pop(name)
        gone = weakref.ref(chain)
        del chain
        assert gone() is None
    finally:
        gc.enable()


def test_a_chain_that_was_described_goes_too():
    chain = RunnableParallel(a=RunnableLambda(tidy)) | RunnablePassthrough.assign(b=tidy)
    chain.get_graph().draw_mermaid()
    str(chain.explain_streaming())
    chain.get_input_jsonschema()
    gone = weakref.ref(chain)
    gc.collect()
    del chain
    gc.collect()
    assert gone() is None
