import asyncio
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from rich.console import Console

from prill.errors import ConfigError
from prill.language_models import FakeListChatModel
from prill.messages import HumanMessage
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda, RunnableParallel
from prill.tracers.plain_json import as_json
from prill.tracers.trace import trace

CHAIN = ChatPromptTemplate.from_template("{x}") | FakeListChatModel(responses=["abc"]) | StrOutputParser()


def test_runs_of_both_colours_are_recorded():
    with trace() as recorded:
        list(CHAIN.stream({"x": 1}))
        asyncio.run(CHAIN.ainvoke({"x": 2}))
    assert [run.inputs for run in recorded.runs] == [{"x": 1}, {"x": 2}]
    assert [len(run.child_runs) for run in recorded.runs] == [3, 3]
    assert repr(recorded) == "<Trace of 2 runs>"


def test_a_notebook_shows_the_picture_along_time():
    with trace() as recorded:
        CHAIN.invoke({"x": 1})
    shown = recorded._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<svg")
    assert "RunnableSequence" in shown["image/svg+xml"]
    assert shown["text/plain"] == "<Trace of 1 runs>"


def test_the_json_has_facts_and_payloads():
    with trace() as recorded:
        list(CHAIN.stream({"x": "hi"}, {"tags": ["t"]}))
    (run,) = json.loads(recorded.to_json())
    assert run["name"] == "RunnableSequence"
    assert run["outputs"] == {"output": "abc"}
    assert run["tags"] == ["t"]
    assert run["chunks"] == 3
    assert run["duration"] > run["time_to_first_chunk"] > 0
    model = run["child_runs"][1]
    assert model["type"] == "chat_model"
    assert model["inputs"]["messages"][0][0]["content"] == "hi"
    assert model["outputs"]["generations"][0][0]["text"] == "abc"


def test_what_has_no_json_form_is_marked():
    class Odd:
        def __repr__(self):
            return "<odd>"

    class Worse:
        def __repr__(self):
            raise RuntimeError("never")

    itself = [1]
    itself.append(itself)
    with trace() as recorded:
        RunnableLambda(lambda x: {"odd": Odd(), "worse": Worse(), "nan": float("nan"), "itself": itself}).invoke(b"raw")
    (run,) = json.loads(recorded.to_json())
    assert run["inputs"] == {"input": {"type": "bytes", "repr": "b'raw'"}}
    assert run["outputs"] == {
        "odd": {"type": "Odd", "repr": "<odd>"},
        "worse": {"type": "Worse", "repr": "<its repr failed: RuntimeError>"},
        "nan": {"type": "float", "repr": "nan"},
        "itself": [1, {"type": "list", "repr": "…"}],
    }


def test_a_run_that_goes_on_can_be_shown():
    with trace() as recorded:
        stream = CHAIN.stream({"x": "hi"})
        next(stream)
        (run,) = json.loads(recorded.to_json())
        assert (run["status"], run["end_time"]) == ("running", None)
        assert "<svg" in recorded.waterfall()
        stream.close()
    assert recorded.runs[0].status == "cancelled"


def test_the_trees_are_printed():
    with trace() as recorded:
        RunnableParallel(a=CHAIN, b=str).invoke({"x": "hi"})
    console = Console(file=io.StringIO(), width=120)
    recorded.print(console)
    assert "FakeListChatModel" in console.file.getvalue()


def test_the_waterfall_is_written_to_a_file(tmp_path):
    with trace() as recorded:
        CHAIN.invoke({"x": "hi"})
    svg = recorded.waterfall(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text("utf8") == svg


class Model(BaseModel):
    text: str
    more: object = None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(object)
    | st.builds(Model, text=st.text()),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.tuples(inner, inner)
        | st.builds(Model, text=st.text(), more=inner)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_anything_becomes_json_that_can_be_read(value):
    text = json.dumps(as_json(value), allow_nan=False)
    assert as_json(json.loads(text)) == json.loads(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_what_is_json_stays_as_it_is(value):
    assert as_json(value) == value


def test_messages_are_told_by_their_fields():
    told = as_json(HumanMessage(content="hi", id="7"))
    assert (told["type"], told["content"], told["id"]) == ("human", "hi", "7")


def test_deep_nesting_ends():
    value = []
    for _ in range(5000):
        value = [value]
    assert "…" in json.dumps(as_json(value), ensure_ascii=False)


def test_a_waterfall_is_not_written_under_the_name_of_another_kind_of_picture(tmp_path):
    with trace() as recorded:
        RunnableLambda(str).invoke(1)
    with pytest.raises(ConfigError, match=r"end in \.svg, not \.png"):
        recorded.waterfall(tmp_path / "run.png")
    assert not list(tmp_path.iterdir())
