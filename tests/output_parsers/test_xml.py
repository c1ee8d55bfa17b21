"""XMLOutputParser: nested dictionaries, element by element, safe against attacks."""

import pickle
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

import langchain_core.output_parsers as peer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.errors import OutputParserException
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.output_parsers import XMLOutputParser
from prill.runnables import RunnableLambda
from prill.runnables.engine.chunks import AddableDict, join

FILMS = "<films><film><name>Jaws</name><year>1975</year></film><film><name>E.T. &amp; more</name><cut/></film></films>"
FILMS_VALUE = {
    "films": [{"film": [{"name": "Jaws"}, {"year": "1975"}]}, {"film": [{"name": "E.T. & more"}, {"cut": None}]}]
}
PLAIN = [
    FILMS,
    f"Here it is:\n```xml\n{FILMS}\n```\nEnjoy!",
    f'<?xml version="1.0" encoding="UTF-8"?>\n{FILMS}',
    "<a>text</a>",
    "<a> <b> </b> </a>",
    "<a><![CDATA[x<y]]></a>",
    "<!-- why --><a><b>1</b></a>",
    '<a id="1"><b x="2">c</b></a>',
    "```\n<a><b>é</b></a>\n```",
]

elements = st.recursive(
    st.text("x &<é\n", min_size=1, max_size=4).map(escape) | st.just(""),
    lambda inner: st.lists(st.tuples(st.sampled_from("ab"), inner), min_size=1, max_size=3).map(
        lambda children: "\n".join(f"<{name}>{child}</{name}>" for name, child in children)
    ),
    max_leaves=8,
).map(lambda inner: f"<r>{inner}</r>")


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_gives_the_chunks_of_the_peer(colour: Any, text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    theirs = list(peer.XMLOutputParser(parser="xml").transform(iter(pieces)))
    ours = colour.stream(XMLOutputParser(), [AIMessageChunk(piece) for piece in pieces])
    assert ours == theirs
    assert all(isinstance(chunk, AddableDict) for chunk in ours)


@pytest.mark.parametrize("text", PLAIN)
def test_a_whole_text_gives_the_value_of_the_peer(colour: Any, text: str) -> None:
    assert colour.invoke(XMLOutputParser(), AIMessage(text)) == peer.XMLOutputParser(parser="xml").invoke(text)


@settings(max_examples=100)
@given(elements, st.lists(st.integers(0, 200), max_size=8))
def test_the_chunks_add_up_to_what_invoke_gives_however_the_text_is_cut(text: str, cuts: list[int]) -> None:
    whole = XMLOutputParser().invoke(text)
    chunks = list(XMLOutputParser().transform(iter(split(text, cuts))))
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert join(chunks) == total == whole


def test_the_next_step_gets_the_whole_value(colour: Any) -> None:
    assert colour.stream(XMLOutputParser() | RunnableLambda(dict), list(FILMS)) == [FILMS_VALUE]


def test_a_chunk_survives_pickling_and_adding_to_other_dictionaries() -> None:
    first, second = XMLOutputParser().transform(iter(["<a><b><c>1</c>", "<c>2</c></b></a>"]))
    assert pickle.loads(pickle.dumps(first)) + second == {"a": [{"b": [{"c": "1"}, {"c": "2"}]}]}
    assert first + {"a": [2]} == {"a": [{"b": [{"c": "1"}]}, 2]}


def test_an_element_leaves_with_the_chunk_that_ends_it(tracked: Any) -> None:
    pieces = ["So: <", "a", "><b>x &a", "mp", "; y</", "b>", "<c", "/>", "</a>"]
    source = tracked(pieces)
    asked = [(value, source.asked) for value in XMLOutputParser().transform(iter(source))]
    assert asked == [({"a": [{"b": "x & y"}]}, 6), ({"a": [{"c": None}]}, 8)]


def test_text_between_elements_is_kept_in_its_place(colour: Any) -> None:
    text = "<a>one<b>two</b>three<c/></a>"
    expected = {"a": ["one", {"b": "two"}, "three", {"c": None}]}
    assert colour.invoke(XMLOutputParser(), text) == join(colour.stream(XMLOutputParser(), list(text))) == expected


def test_a_tag_in_the_prose_before_a_fence_does_not_count_in_a_whole_text() -> None:
    assert XMLOutputParser().invoke("The <a> tag:\n```xml\n<a><b>1</b></a>\n```") == {"a": [{"b": "1"}]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no tags at all", "no XML"),
        ("", "no XML"),
        ("1 < 2", "no XML"),
        ("<a><b>x", "the text ends inside <a><b>"),
        ("<a><b", "the text ends inside <a>"),
        ("<a><b>x</c></a>", "mismatched tag at line 1, column 10"),
        ("<a>Tom & Jerry</a>", "not well-formed"),
        ("<a>&nbsp;</a>", "undefined entity"),
        ("<a>1</a><a>2</a>", "second root"),
        ("<a>1</a>\n <b>2</b>", "second root"),
    ],
)
def test_broken_xml_is_an_error_with_the_text(colour: Any, text: str, complaint: str) -> None:
    with pytest.raises(OutputParserException, match=complaint) as caught:
        colour.invoke(XMLOutputParser(), text)
    assert caught.value.llm_output == text
    for pieces in ([text], list(text)):
        with pytest.raises(OutputParserException, match=complaint) as caught:
            colour.stream(XMLOutputParser(), pieces or [""])
        assert text.startswith(caught.value.llm_output)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>'
FILE = '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]><f>&x;</f>'


@pytest.mark.parametrize("text", [LAUGHS, FILE, '<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>', f"Hi:\n{LAUGHS}"])
def test_document_types_and_entities_are_refused(colour: Any, text: str) -> None:
    for run in (colour.invoke, lambda parser, text: colour.stream(parser, list(text))):
        with pytest.raises(OutputParserException, match="document type or entities"):
            run(XMLOutputParser(), text)


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(OutputParserException, match="256 deep"):
        XMLOutputParser().invoke("<a>" * 1000)


def test_a_lone_surrogate_is_an_error_of_the_output() -> None:
    with pytest.raises(OutputParserException, match="surrogate"):
        XMLOutputParser().invoke("<a>\ud800</a>")


def test_prose_behind_the_root_is_left_out(colour: Any) -> None:
    for pieces in (["<a>1</a> as <", "b> you", " <c>"], ["<a>1</a> as <b", "> you"], list("<a>1</a>, not <b>")):
        assert colour.stream(XMLOutputParser(), pieces) == [{"a": "1"}]


def test_an_answer_cut_at_the_token_limit_is_named_as_such(colour: Any) -> None:
    facts = {"finish_reason": "length"}
    with pytest.raises(OutputParserException, match="token limit"):
        colour.stream(XMLOutputParser(), [AIMessageChunk("<a>"), AIMessageChunk("", response_metadata=facts)])
    with pytest.raises(OutputParserException, match="token limit"):
        colour.invoke(XMLOutputParser(), AIMessage("<a>", response_metadata=facts))


def test_a_stream_without_chunks_gives_nothing(colour: Any) -> None:
    assert colour.stream(XMLOutputParser(), []) == []


def test_instructions_name_the_tags_and_show_xml_that_the_parser_itself_reads() -> None:
    parser = XMLOutputParser(tags=["film", "name"])
    instructions = parser.get_format_instructions()
    assert "Use these tags: film, name." in instructions
    assert parser.invoke(instructions) == {"film": [{"name": "Jaws"}, {"year": "1975"}]}
    assert parser.asdict()["_type"] == "xml"
    assert parser == XMLOutputParser(tags=["film", "name"], parser="defusedxml") != XMLOutputParser()


@pytest.mark.parametrize("encoding", ["utf-16", "ISO-8859-1", "US-ASCII", "GB2312", "made-up"])
def test_the_encoding_in_the_first_line_does_not_matter_as_the_text_is_decoded(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?><film><name>Amélie 电影</name></film>"
    want = {"film": [{"name": "Amélie 电影"}]}
    assert XMLOutputParser().parse(text) == want
    assert XMLOutputParser().invoke(text) == join(list(XMLOutputParser().transform(iter(text)))) == want
