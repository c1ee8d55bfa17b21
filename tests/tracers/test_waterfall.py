"""The picture of runs along time: what it shows, and that nothing in it overlaps."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.tracers.trace import trace
from prill.tracers.waterfall import draw_waterfall

CHAIN = ChatPromptTemplate.from_template("{x}") | FakeListChatModel(responses=["abc"]) | StrOutputParser()
SVG = "{http://www.w3.org/2000/svg}"


def drawn(recorded, **more):
    return ElementTree.fromstring(recorded.waterfall(**more))


def texts(tree, kind=""):
    return [each.text for each in tree.iter(SVG + "text") if each.get("class").startswith(kind)]


def nested(depth):
    step = RunnableLambda(str).with_config(run_name="the innermost of all steps, with a long name")
    for number in range(depth):
        step = RunnableLambda(lambda x, inner=step: inner.invoke(x)).with_config(run_name=f"step number {number} " * 4)
    return step


def test_every_step_has_a_row_with_its_name():
    with trace() as recorded:
        list(CHAIN.stream({"x": "hi"}))
    names = texts(drawn(recorded), "name")
    assert names == ["RunnableSequence", "ChatPromptTemplate", "FakeListChatModel", "StrOutputParser"]


def test_the_first_chunk_of_a_stream_is_marked_on_its_bar():
    with trace() as recorded:
        list(CHAIN.stream({"x": "hi"}))
    marks = [line for line in drawn(recorded).iter(SVG + "line") if line.get("class") == "mark"]
    assert len(marks) == 3 + 1  # the chain, the model, the parser; and the legend


def test_what_was_invoked_has_no_mark():
    with trace() as recorded:
        CHAIN.invoke({"x": "hi"})
    assert not [line for line in drawn(recorded).iter(SVG + "line") if line.get("class") == "mark"]


@pytest.mark.parametrize("depth", [0, 3, 20])
def test_names_stay_left_of_the_bars_and_everything_inside_the_picture(depth):
    with trace() as recorded:
        nested(depth).invoke(1)
    tree = drawn(recorded)
    width, height = float(tree.get("width")), float(tree.get("height"))
    chart = min(float(line.get("x1")) for line in tree.iter(SVG + "line") if line.get("class") == "grid")
    for text in tree.iter(SVG + "text"):
        x, y = float(text.get("x")), float(text.get("y"))
        assert 0 < y < height
        if text.get("class").startswith("name"):
            assert x + 6.9 * len(text.text) < chart
        elif text.get("text-anchor") == "start":
            assert x + 6.2 * len(text.text) < width
    for bar in tree.iter(SVG + "rect"):
        assert float(bar.get("x")) + float(bar.get("width")) <= width


def test_a_chinese_name_has_the_room_that_its_wide_letters_take():
    with trace() as recorded:
        RunnableLambda(str).with_config(run_name="把问题改写成检索词").invoke(1)
        RunnableLambda(str).with_config(run_name="在所有的论文和百科全书里查找与问题有关的段落并排序").invoke(1)
    tree = drawn(recorded)
    chart = min(float(line.get("x1")) for line in tree.iter(SVG + "line") if line.get("class") == "grid")
    names = [text for text in tree.iter(SVG + "text") if text.get("class").startswith("name")]
    assert all(float(name.get("x")) + 12 * len(name.text) < chart for name in names)
    assert [name.text for name in names] == ["把问题改写成检索词", "在所有的论文和百科全书里查找与问题有关的段…"]


def test_rows_do_not_touch_each_other():
    with trace() as recorded:
        nested(5).invoke(1)
    tree = drawn(recorded)
    heights = [float(text.get("y")) for text in tree.iter(SVG + "text") if text.get("class").startswith("name")]
    assert len(heights) == 6
    assert all(below - above == 26 for above, below in pairwise(heights))


def test_failures_and_streams_that_were_left_are_told():
    with trace() as recorded:
        with pytest.raises(ValueError, match="invalid literal"):
            RunnableLambda(int).invoke("x")
        stream = CHAIN.stream({"x": "hi"})
        next(stream)
        stream.close()
    tree = drawn(recorded)
    assert any(text.endswith("· ValueError") for text in texts(tree, "small failed"))
    assert any(text.endswith("· left") for text in texts(tree, "small"))


def test_names_that_are_no_xml_are_escaped():
    with trace() as recorded:
        RunnableLambda(str).with_config(run_name='<a & "b"> \x00\x1b').invoke(1)
    assert texts(drawn(recorded, title="<t>"), "title") == ["<t>"]
    assert texts(drawn(recorded), "name") == ['<a & "b">   ']


def test_nothing_recorded_is_a_picture_too():
    assert "no runs" in draw_waterfall([])
    ElementTree.fromstring(draw_waterfall([]))


def test_the_time_axis_has_round_steps():
    with trace() as recorded:
        RunnableLambda(str).invoke(1)
    run = recorded.runs[0]
    run._ended = run._started + 1.3
    ticks = [text.text for text in drawn(recorded).iter(SVG + "text") if text.get("text-anchor") == "middle"]
    assert ticks == ["0", "200 ms", "400 ms", "600 ms", "800 ms", "1 s", "1.2 s"]


def test_it_is_readable_on_light_and_dark_pages():
    svg = draw_waterfall([])
    assert "prefers-color-scheme: dark" in svg
    assert re.search(r'class="card"', svg)
