"""Pictures of chains: their structure is the peer's, and they are drawn here without a network."""

import re
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import langchain_core.language_models.fake as peer_fake
import langchain_core.output_parsers as peer_parsers
import langchain_core.prompts as peer_prompts
import langchain_core.runnables as peer
import pytest
from tests.helpers import require

import prill.language_models as ours_fake
import prill.output_parsers as ours_parsers
import prill.prompts as ours_prompts
import prill.runnables as ours
from prill.errors import ConfigError, MissingDependencyError
from prill.runnables import Runnable, RunnableBranch, RunnableLambda
from prill.runnables.graph import Graph, MermaidDrawMethod


def f(x: int) -> str:
    return str(x)


def both(runnables, prompts, parsers, fake):
    template = prompts.PromptTemplate.from_template("{a} {b}")
    other = prompts.PromptTemplate.from_template("{a}")
    llm = fake.FakeListLLM(responses=["x"])
    text = parsers.StrOutputParser()
    parallel = runnables.RunnableParallel
    return {
        "line": template | llm | text,
        "parallel": parallel(a=template | llm | text, b=template),
        "retrieval": {"a": f, "b": runnables.RunnablePassthrough()} | template | llm,
        "function": runnables.RunnableLambda(f),
        "assign": runnables.RunnablePassthrough.assign(z=template | llm) | template,
        "each": (template | llm).map() | text.map(),
        "labelled": template | llm.with_config(metadata={"k": "v"}),
        "parallel within": template | llm | parallel(a=f, b=parallel(c=f, d=f)) | other,
        "with retry": template | llm.with_retry(),
    }


OURS = both(ours, ours_prompts, ours_parsers, ours_fake)
PEERS = both(peer, peer_prompts, peer_parsers, peer_fake)


def structure(graph):
    """Nodes and edges by name; what distinguishes two nodes of one name is their neighbours."""
    told = graph.to_json()
    names = {n["id"]: n["data"] if n["type"] == "schema" else n["data"]["name"] for n in told["nodes"]}
    nodes = sorted((names[n["id"]], n["type"], str(n.get("metadata") or None)) for n in told["nodes"])
    return nodes, sorted((names[edge["source"]], names[edge["target"]]) for edge in told["edges"])


@pytest.mark.parametrize("name", OURS)
def test_nodes_and_edges_are_those_of_the_peer(name):
    own, theirs = structure(OURS[name].get_graph()), structure(PEERS[name].get_graph())
    if name == "assign":  # what goes in there has a name of its own
        assert len(own[0]) == len(theirs[0])
        assert len(own[1]) == len(theirs[1])
    else:
        assert own == theirs


@pytest.mark.parametrize("name", [name for name in OURS if name != "assign"])
def test_mermaid_text_has_the_lines_of_the_peers(name):
    def lines(graph):
        return sorted(graph.draw_mermaid().splitlines())

    assert lines(OURS[name].get_graph()) == lines(PEERS[name].get_graph())


def test_a_branch_shows_its_ways_and_their_conditions():
    chain = RunnableBranch((f, RunnableLambda(f)), f) | RunnableLambda(f)
    text = chain.get_graph().draw_mermaid()
    assert "-. &nbsp;if f&nbsp; .->" in text
    assert "-. &nbsp;else&nbsp; .->" in text


def test_ascii_has_every_node_once_and_lines_between():
    text = OURS["parallel"].get_graph().draw_ascii()
    for name in ("Parallel<a,b>Input", "FakeListLLM", "StrOutputParser", "Parallel<a,b>Output"):
        assert text.count(f" {name} ") == 1
    assert text.count("v") >= 5


def test_ascii_of_a_line_is_drawn_from_the_top_down(capsys):
    OURS["function"].get_graph().print_ascii()
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert shown.index(": f_input :") < shown.index("| f |") < shown.index(": f_output :")


@pytest.mark.parametrize("name", OURS)
def test_svg_is_whole_and_shows_every_node_and_edge(name):
    graph = OURS[name].get_graph()
    root = ET.fromstring(graph.draw_svg())
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [node.name for node in graph.nodes.values()] == [text for text in texts if text != "k = v"]
    paths = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("marker-end")]
    assert len(paths) == len(graph.edges)


def test_svg_gives_a_chinese_name_the_room_that_its_wide_letters_take():
    root = ET.fromstring(RunnableLambda(f, name="把问题改写成适合检索的词").get_graph().draw_svg())
    box = next(r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("fill-opacity"))
    assert float(box.get("width")) > 12 * 13  # twelve letters in a font of 13


def test_svg_nodes_do_not_overlap():
    root = ET.fromstring(OURS["parallel within"].get_graph().draw_svg())
    rects = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("stroke")]
    boxes = [tuple(float(r.get(key)) for key in ("x", "y", "width", "height")) for r in rects]
    for at, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[at + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_png_is_drawn_here(tmp_path):
    require("cairosvg")
    graph = OURS["line"].get_graph()
    png = graph.draw_png(str(tmp_path / "chain.png"))
    assert png.startswith(b"\x89PNG")
    assert (tmp_path / "chain.png").read_bytes() == png
    with pytest.raises(ConfigError, match="drawn here"):
        graph.draw_mermaid_png(draw_method=MermaidDrawMethod.API)


def test_png_draws_chinese_names():
    require("cairosvg")
    require("Chinese font")
    one, two = (RunnableLambda(f, name=name).get_graph().draw_png() for name in ("甲", "乙"))
    assert one != two  # letters that a font lacks are all the same box


def test_png_warns_of_letters_that_no_font_has():
    require("cairosvg")
    graph = RunnableLambda(f, name="step \U0010fffd").get_graph()
    with pytest.warns(UserWarning, match=r"U0010fffd.*fontname"):
        assert graph.draw_png().startswith(b"\x89PNG")


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "grandalf", None)
    monkeypatch.setitem(sys.modules, "grandalf.graphs", None)
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    graph = OURS["line"].get_graph()
    with pytest.raises(MissingDependencyError, match=r"prill\[graph\]"):
        graph.draw_ascii()
    with pytest.raises(MissingDependencyError, match=r"prill\[png\]"):
        graph.draw_png()
    assert set(OURS["line"]._repr_mimebundle_()) == {"text/plain"}


def test_a_notebook_is_shown_a_picture_and_text():
    bundle = OURS["line"]._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == repr(OURS["line"])


def test_rich_prints_a_tree():
    from rich.console import Console

    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the test
    console.print(OURS["parallel"])
    console.file.close()
    text = console.export_text()
    assert "├── a: RunnableSequence" in text
    assert "│   ├── 1. PromptTemplate" in text


def test_a_graph_built_by_hand_is_drawn_and_refuses_what_it_does_not_know():
    graph = Graph()
    start, end = graph.add_node(None, "start"), graph.add_node(None, "end")
    graph.add_edge(start, end, "when ready", conditional=True)
    assert "start -. &nbsp;when ready&nbsp; .-> \\65nd;" in graph.draw_mermaid()
    assert "when ready" in graph.draw_svg()
    with pytest.raises(ConfigError, match="already has a node 'start'"):
        graph.add_node(None, "start")
    graph.remove_node(end)
    with pytest.raises(ConfigError, match="no node 'end'"):
        graph.add_edge(start, end)


def test_prompts_of_a_chain_are_found_in_order():
    found = OURS["assign"].get_prompts()
    assert [type(prompt).__name__ for prompt in found] == ["PromptTemplate"]  # one object, used twice


@pytest.mark.parametrize("name", ["end", "graph", "subgraph", "style", "class", "click", "End", "end-of-line", "call"])
def test_a_name_that_is_a_word_of_mermaid_is_not_an_id_as_it_is(name):
    text = (RunnableLambda(lambda x: x, name=name) | RunnableLambda(lambda x: x, name="z")).get_graph().draw_mermaid()
    assert f"({name})" in text
    starts = [line.strip() for line in text.splitlines() if f"({name})" in line or "-->" in line]
    assert not [line for line in starts if re.match(rf"{name.split('-')[0]}(?!\w)", line)]


@pytest.mark.parametrize("name", ["a--b", "a-", "-a", "a->b", "a-b"])
def test_dashes_of_an_id_are_no_arrow(name):
    graph = Graph()
    graph.add_edge(graph.add_node(None, name), graph.add_node(None, "z"))
    [line] = [line for line in graph.draw_mermaid().splitlines() if " --> " in line]
    source = line.strip().removesuffix(" --> z;")
    assert "--" not in source
    assert "->" not in source
    assert not source.endswith("-")


def test_a_colon_in_a_name_stays_in_the_label():
    chain = RunnableLambda(lambda x: x, name="load:docs") | RunnableLambda(lambda x: x, name="z")
    assert "(load:docs)" in chain.get_graph().draw_mermaid()
    assert "subgraph" not in chain.get_graph().draw_mermaid()


def nested_graph(*ids):
    graph = Graph()
    nodes = [graph.add_node(None, id) for id in ids]
    for one, other in pairwise(nodes):
        graph.add_edge(one, other)
    return graph


def test_ids_with_colons_are_drawn_in_subgraphs_as_the_peer_draws_them():
    ids = ["__start__", "p", "child:inner:g1", "child:inner:g2", "child:c", "q", "__end__"]
    lines = [line.strip() for line in nested_graph(*ids).draw_mermaid().splitlines()]
    start, end = lines.index("subgraph child"), len(lines) - lines[::-1].index("end") - 1
    inner = lines.index("subgraph inner")
    inside = lines[start : end + 1]
    assert start < inner < end
    assert inside.count("end") == 2
    assert "child\\3ac(c)" in lines[start:inner]
    assert {"child\\3ainner\\3ag1(g1)", "child\\3ainner\\3ag1 --> child\\3ainner\\3ag2;"} <= set(lines[inner:end])
    assert lines.index("p --> child\\3ainner\\3ag1;") < start


def test_subgraphs_of_one_name_within_others_stay_two():
    lines = nested_graph("a:x:1", "b:x:1", "x").draw_mermaid().splitlines()
    subgraphs = [line.split()[1].split("[")[0] for line in lines if line.strip().startswith("subgraph")]
    assert len(set(subgraphs)) == len(subgraphs) == 4


def test_metadata_for_programs_is_not_drawn():
    graph = Graph()
    graph.add_node(None, "a", metadata={"__tools": ["x"]})
    graph.add_node(None, "b", metadata={"__tools": ["x"], "team": "y"})
    drawn = graph.draw_mermaid()
    assert "__tools" not in drawn
    assert drawn.count("<hr/>") == 1


def test_lists_in_metadata_are_drawn_as_text():
    graph = Graph()
    graph.add_node(None, "a", metadata={"tags": ["x", "y"]})
    assert "tags = x, y" in graph.draw_mermaid()


def test_the_first_node_stays_where_several_edges_leave_it():
    graph = nested_graph("s", "a", "e")
    graph.add_edge(graph.nodes["s"], graph.nodes["e"])
    graph.trim_first_node()
    graph.trim_last_node()
    assert list(graph.nodes) == ["s", "a", "e"]


def test_a_step_whose_types_raise_a_type_error_is_drawn():
    class Untyped(Runnable):
        @property
        def InputType(self):
            raise TypeError

        def invoke(self, input, config=None, **kwargs):
            return input

    assert [node.name for node in Untyped().get_graph().nodes.values()] == ["UntypedInput", "Untyped", "UntypedOutput"]
