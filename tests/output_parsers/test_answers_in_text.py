"""The answer is found in what models write around it: reasoning, prose, fences; whole and streamed alike."""

from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from prill.errors import OutputParserException
from prill.messages.ai import AIMessageChunk
from prill.output_parsers import (
    CommaSeparatedListOutputParser,
    DatetimeOutputParser,
    EnumOutputParser,
    JsonOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
    RegexParser,
    XMLOutputParser,
)
from prill.output_parsers.json import parse_json_markdown
from prill.output_parsers.structured import StructuredParser
from prill.runnables import add
from prill.transducers.json_finder import JSONFinder
from prill.transducers.json_scanner import JSONScanner
from prill.transducers.partial_json import PartialJSON

FENCE = "```"
A, DRAFT = '{"a": 1}', '{"a": 0}'


def split(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def outcome(read: Any) -> Any:
    try:
        return read()
    except OutputParserException as error:
        return type(error)


JSON_ANSWERS = [
    # reasoning
    (f"<think>hm</think>{A}", {"a": 1}),
    (f"<think>\n{FENCE}json\n{DRAFT}\n{FENCE}\nno:</think>\n{FENCE}json\n{A}\n{FENCE}", {"a": 1}),
    (f"<think>{DRAFT}</think>\n{A}", {"a": 1}),
    (f"\n <thinking>{DRAFT}</thinking>\n\nSo: {A}", {"a": 1}),
    (f'<reasoning effort="high">\n{DRAFT}\n</reasoning >\n{A}', {"a": 1}),
    (f"<THINK>{DRAFT}</THINK>{A}", {"a": 1}),
    (f"<think></think>\n\n<think>{DRAFT}</think>\n{A}", {"a": 1}),
    (f"[THINK]{DRAFT}[/THINK]{A}", {"a": 1}),
    (f"\u25c1think\u25b7{DRAFT}\u25c1/think\u25b7{A}", {"a": 1}),
    (f"Let me see.\n<think>{DRAFT}</think>\n{A}", {"a": 1}),
    (f"{DRAFT} is not it.</think>\n{A}", {"a": 1}),
    (f"Perhaps {FENCE}json\n{DRAFT}\n{FENCE}?</think>\n\n{A}", {"a": 1}),
    (f"Perhaps {{'a': 0}}, or {FENCE}json\n{{a}}\n{FENCE}</think>{A}", {"a": 1}),
    (f"{A}\n</think>", {"a": 1}),
    (f"{A}\nThere was no <think></think> here.", {"a": 1}),
    ("<think>x</think>\n42", 42),
    ('{"text": "<think>no</think>"}', {"text": "<think>no</think>"}),
    (f'Sure: {{"text": "{FENCE}json </think>"}}', {"text": f"{FENCE}json </think>"}),
    (f"<think/>{A}", {"a": 1}),
    (
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{A}<|return|>",
        {"a": 1},
    ),
    # prose
    (f"Sure, here it is:\n\n{A}", {"a": 1}),
    (f"Sure, here it is: {A}. I hope it helps {{you}}, [really].", {"a": 1}),
    ('Output:\n[\n  {"choice": 1}\n]\nDone.', [{"choice": 1}]),
    (f"The `answer` is: {A}", {"a": 1}),
    (f"The answer is `{A}`.", {"a": 1}),
    (f"Do not write {{name}} or {{x: 1}}, but {A}", {"a": 1}),
    (f"Now, {A}, as you asked.", {"a": 1}),
    (f"10 results: {A}", {"a": 1}),
    (f'"Yes": {A}', {"a": 1}),
    (f"[Note] {A}", {"a": 1}),
    (f"[1] says that {A}", [1]),
    (f"As [1] says, it is {A}", {"a": 1}),
    (f"Like [1, 2], it is {A}", {"a": 1}),
    (f"Like `{DRAFT}`, but {A}", {"a": 1}),
    ("The numbers are [1, 2, 3].", [1, 2, 3]),
    ("The number is: [1]", [1]),
    ("Nothing was found: []", []),
    ("The tags are <b>these</b>: {}", {}),
    (f"Given {DRAFT}, the answer is\n{FENCE}json\n{A}\n{FENCE}", {"a": 1}),
    (f"{A} is better than {DRAFT}", {"a": 1}),
    (f"It is {A} and not {DRAFT}", {"a": 1}),
    (f"'''json\n{A}\n'''", {"a": 1}),
    (f"<json>{A}</json>", {"a": 1}),
    (f"json\n{A}", {"a": 1}),
    (f"a < b, so {A}", {"a": 1}),
    # fences
    (f"{FENCE} json\n{A}\n{FENCE}", {"a": 1}),
    (f"{FENCE}JSON\n{A}\n{FENCE}", {"a": 1}),
    (f'{FENCE}json title="a.json" lines=1\n{A}\n{FENCE}', {"a": 1}),
    (f"{FENCE}{{.json #id}}\n{A}\n{FENCE}", {"a": 1}),
    (f"~~~ {{.json}}\n{A}\n~~~", {"a": 1}),
    (f"{FENCE}{A}{FENCE}", {"a": 1}),
    (f"~~~json\n{A}\n~~~", {"a": 1}),
    (f"~~~\n{A}\n~~~", {"a": 1}),
    (f"````json\n{A}\n````", {"a": 1}),
    (f"{FENCE}json\n{A}", {"a": 1}),
    (f"{FENCE}json{A}{FENCE}", {"a": 1}),
    (f"{FENCE}\njson\n{A}\n{FENCE}", {"a": 1}),
    (f"{FENCE}jsonc\n{A}\n{FENCE}", {"a": 1}),
    (f"{FENCE}javascript\n{A}\n{FENCE}", {"a": 1}),
    (f"{FENCE}python\n[1, 2][0]\n{FENCE} gives {A}", {"a": 1}),
    (f"{FENCE}sh\nls {{}}\n{FENCE}\n{FENCE}json\n{A}\n{FENCE}", {"a": 1}),
    (f"  - {FENCE}json\n    {A}\n    {FENCE}", {"a": 1}),
    (f'{FENCE}json\n{{"a": "{FENCE}sh\\nls\\n{FENCE}"}}\n{FENCE}', {"a": f"{FENCE}sh\nls\n{FENCE}"}),
    (f"\ufeff{FENCE}json\r\n{A}\r\n{FENCE}\r\n", {"a": 1}),
    (f"~~no~~ {A}", {"a": 1}),
]

NO_JSON = [
    "<think>so far",
    f"<think>{A}",
    f"<think>{A}</think>",
    f"<think>{A}</think>\n I do not know.",
    "As [1] says, this cannot be done.",
    "- [ ] one\n- [ ] two",
    "Use {name}.",
    "Sure: {'a': 1}",
    '{answer: {"a": 1}}',
    '{{"a": 1}}',
    'Sure: {"a": 1',
    'Sure: {"a": 1}{"b": 2}',
    'Sure: {"a": 1,} or so {"b": 2}',
    'Sure: {"a": 1}, {"b": 2}',
    '{"a": 1},',
    f"Sure: {A} or {FENCE}json\n{{a}}\n{FENCE}",
]


@pytest.mark.parametrize(("text", "value"), JSON_ANSWERS)
def test_json_is_found_however_it_is_wrapped_and_cut(text: str, value: Any) -> None:
    assert JsonOutputParser().parse(text) == value
    assert parse_json_markdown(text) == value
    for size in (1, 2, 3, 7):
        assert list(JsonOutputParser().transform(iter(split(text, size))))[-1] == value


@pytest.mark.parametrize("text", NO_JSON)
def test_a_text_without_an_answer_in_json_is_an_error_whole_and_streamed(text: str) -> None:
    for pieces in ([text], split(text, 1), split(text, 3)):
        with pytest.raises(OutputParserException) as caught:
            list(JsonOutputParser().transform(iter(pieces)))
        assert caught.value.llm_output == text


def test_the_error_of_reasoning_that_does_not_end_names_its_tag() -> None:
    with pytest.raises(OutputParserException, match=r"the end of the reasoning \(</thinking>\)"):
        JsonOutputParser().parse(f"<thinking>{A}")


PARTS = [
    *("<think>", "</think>", "<thinking x='1'>", "</thinking>", "[THINK]", "[/THINK]", "<thi", "</"),
    *(f"{FENCE}json\n", f"{FENCE}\n", FENCE, f"{FENCE}js\n", "~~~", "~~", "`", "``", " json\n"),
    *('{"a": 1}', '{"b": [2, {}]}', "[1]", "[1, 2]", "[]", "{}", '["x"]', "{", "[", "}", "]", '"', "5", "null"),
    *("\n", "\n\n", " ", ":", ",", "text", "true", "N", "\r\n", "\ufeff", "{a}", "[x]", "\\"),
]
ANSWERS = st.lists(st.sampled_from(PARTS), max_size=9).map("".join)


@settings(max_examples=400, deadline=None)
@given(ANSWERS, st.integers(1, 5))
def test_a_stream_ends_with_the_value_of_the_whole_text_however_it_is_cut(text: str, size: int) -> None:
    def streamed() -> Any:
        return [None, *JsonOutputParser().transform(iter(split(text, size)))][-1]

    whole = outcome(lambda: JsonOutputParser().parse(text)) if text else None
    assert outcome(streamed) == whole


class Item(BaseModel):
    a: int


class Items(BaseModel):
    items: list[Item]


@settings(max_examples=200, deadline=None)
@given(ANSWERS, st.integers(1, 5))
def test_a_structured_stream_ends_with_the_value_of_the_whole_text(text: str, size: int) -> None:
    def streamed() -> Any:
        return list(StructuredParser(dict[str, Any] | list[Any]).transform(iter(split(text, size))))[-1]

    if text:
        assert outcome(streamed) == outcome(lambda: StructuredParser(dict[str, Any] | list[Any]).invoke(text))


def test_a_draft_in_prose_is_not_validated() -> None:
    text = f'Like {{"a": "x"}}, but\n{FENCE}json\n{A}\n{FENCE}'
    assert list(StructuredParser(Item).transform(iter(split(text, 4))))[-1] == Item(a=1)


def test_elements_are_those_of_the_answer_not_of_a_draft() -> None:
    draft, answer = '{"items": [{"a": 0}]}', '{"items": [{"a": 1}, {"a": 2}]}'
    parser = StructuredParser(Items).elements()
    for text in (f"<think>{draft}</think>{answer}", f"Like `{draft}`:\n{answer}", f"Sure: {answer} ok?"):
        assert list(parser.transform(iter(split(text, 5)))) == [Item(a=1), Item(a=2)]
        assert parser.invoke(text) == [Item(a=1), Item(a=2)]


def test_elements_that_turn_out_to_be_reasoning_are_an_error_that_names_the_way_out() -> None:
    text = '{"items": [{"a": 0}]}</think>{"items": [{"a": 1}]}'
    parser = StructuredParser(Items).elements()
    with pytest.raises(OutputParserException, match="use invoke"):
        list(parser.transform(iter(split(text, 5))))
    assert parser.invoke(text) == [Item(a=1)]


# --- XML ------------------------------------------------------------------------------------------------------------

XML = "<a><b>x</b><b>y</b></a>"
XML_VALUE = {"a": [{"b": "x"}, {"b": "y"}]}
XML_ANSWERS = [
    f"<think>a <b>tag</b></think>\n{XML}",
    f"<thinking>\n<a>no</a>\n</thinking>{FENCE}xml\n{XML}\n{FENCE}",
    f"Let me see.\n<think>\n<a>no</a>\n</think>\n{XML}",
    f"Perhaps?</think>{XML}",
    f"It has an `<a>` in it:\n{XML}",
    f"The <a> element, in {FENCE}xml\n{XML}\n{FENCE}",
    f"a < b and a <b, so\n{XML}",
    f"Sure: {XML}. Bye <you>",
    f"{FENCE} XML\n{XML}\n{FENCE}",
    f"~~~xml\n{XML}\n~~~",
    f"{FENCE}{XML}{FENCE}",
    f"Sure {XML}",
]


@pytest.mark.parametrize("text", XML_ANSWERS)
def test_xml_is_found_however_it_is_wrapped_and_cut(text: str) -> None:
    assert XMLOutputParser().parse(text) == XML_VALUE
    for size in (1, 2, 3, 7):
        assert add(XMLOutputParser().transform(iter(split(text, size)))) == XML_VALUE


def test_names_of_xml_may_have_any_letters() -> None:
    text = "<电影><名>x</名><été>y</été><_a/></电影>"
    value = {"电影": [{"名": "x"}, {"été": "y"}, {"_a": None}]}
    assert XMLOutputParser().parse(f"So:\n{text}") == value
    assert add(XMLOutputParser().transform(iter(text))) == value


def test_a_tag_that_was_asked_for_is_not_reasoning() -> None:
    text = "<thinking><step>a</step></thinking>"
    assert XMLOutputParser(tags=["thinking", "step"]).parse(text) == {"thinking": [{"step": "a"}]}
    with pytest.raises(OutputParserException, match="no XML"):
        XMLOutputParser().parse(text)


def test_a_second_root_behind_an_element_in_a_sentence_is_refused_in_every_cut() -> None:
    text = "As in <c/><think>```<c/>"
    with pytest.raises(OutputParserException, match="second root"):
        XMLOutputParser().parse(text)
    for size in (1, 2, 7, 100):
        with pytest.raises(OutputParserException, match="second root"):
            list(XMLOutputParser().transform(iter(split(text, size))))


XML_PARTS = [
    *("<think>", "</think>", "<thinking>", "</thinking>", "<a>", "</a>", "<b>", "</b>", "<c/>", XML, "<", ">"),
    *("`", FENCE, f"{FENCE}xml\n", "~~~", "\n", " ", ":", "text", "&amp;", "&", "<电>", "</电>"),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(XML_PARTS), max_size=8).map("".join), st.integers(1, 5))
def test_an_xml_stream_adds_up_to_the_value_of_the_whole_text(text: str, size: int) -> None:
    whole = outcome(lambda: XMLOutputParser().parse(text))
    pieces = outcome(lambda: list(XMLOutputParser().transform(iter(split(text, size)))))
    if isinstance(pieces, list) and text:
        assert add(pieces) == whole
    elif text:  # leaves that turn out to be reasoning cannot be taken back
        assert whole is OutputParserException or "</think" in text


# --- lists ----------------------------------------------------------------------------------------------------------

LISTS = [
    (CommaSeparatedListOutputParser, "a, b"),
    (NumberedListOutputParser, "1. a\n2. b"),
    (NumberedListOutputParser, "1) a\r\n2) b\r\n"),
    (NumberedListOutputParser, "1.\r\na\r\n2.\r\nb"),
    (MarkdownListOutputParser, "- a\n- b"),
    (MarkdownListOutputParser, "+ a\n+ b\n"),
    (MarkdownListOutputParser, "* a\r\n* b\r\n"),
    (MarkdownListOutputParser, "- a\r- b"),
    (MarkdownListOutputParser, "\u2022 a\n\u2022 b"),
    (MarkdownListOutputParser, "-\na\n-\nb\n"),
]
DRAFTS = [
    "",
    "<think>\n- x\n1. y\n</think>\n",
    "<thinking>x, y</thinking>\n\n<think>z</think>\n",
    "[THINK]- x[/THINK]\n",
]


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize(("parser", "text"), LISTS)
def test_items_are_found_behind_reasoning_with_any_marks_and_line_ends(parser: Any, text: str, draft: str) -> None:
    assert parser().parse(draft + text) == ["a", "b"]
    for size in (1, 2, 3, 7):
        assert list(parser().transform(iter(split(draft + text, size)))) == [["a"], ["b"]]


@pytest.mark.parametrize("parser", [MarkdownListOutputParser, NumberedListOutputParser])
@pytest.mark.parametrize("text", ["I cannot.", "<think>- a\n1. b</think>", "<think>- a\n1. b"])
def test_a_text_without_items_is_an_error(parser: Any, text: str) -> None:
    for read in (lambda: parser().parse(text), lambda: list(parser().transform(iter(split(text, 3))))):
        with pytest.raises(OutputParserException) as caught:
            read()
        assert caught.value.llm_output == text
    assert parser().parse("\n") == []


def test_items_that_turn_out_to_be_reasoning_are_an_error_in_a_stream() -> None:
    text = "- x\n- y\n</think>\n- a\n- b"
    assert MarkdownListOutputParser().parse(text) == ["a", "b"]
    with pytest.raises(OutputParserException, match="use invoke"):
        list(MarkdownListOutputParser().transform(iter(split(text, 4))))


# --- short answers --------------------------------------------------------------------------------------------------


class ExecutionMode(Enum):
    RED = "red"


def test_reasoning_in_front_of_a_short_answer_is_left_out(colour: Any) -> None:
    think = "<think>blue? score: 3</think>\n"
    assert colour.invoke(EnumOutputParser(enum=ExecutionMode), f"{think}Red.") is ExecutionMode.RED
    assert colour.invoke(RegexParser(regex=r"score: (?P<n>\d)"), f"{think}score: 7") == {"n": "7"}
    assert colour.invoke(DatetimeOutputParser(format="%Y"), f"{think}2024").year == 2024
    with pytest.raises(OutputParserException, match="it has no answer"):
        EnumOutputParser(enum=ExecutionMode).parse("<think>red")


def test_reasoning_comes_in_chunks_of_messages_too(colour: Any) -> None:
    chunks = [AIMessageChunk(piece) for piece in ("<th", "ink>{", '"a": 0}</', "think>", '{"a"', ": 1}")]
    assert colour.stream(JsonOutputParser(), chunks)[-1] == {"a": 1}


# --- cost -----------------------------------------------------------------------------------------------------------

UNITS = [
    "a [1] ",
    "a {",
    'a ["x" ',
    "[[",
    f"{FENCE}\nx{FENCE}\n",
    f"{FENCE}js\n[1]{FENCE}\n",
    "a `[1, 2]` ",
    "</think>",
]


@pytest.mark.parametrize("unit", [*UNITS, "<think></think>\n", "<", "`", "~", "{ ", "<think ", '{"x": [1], 2} '])
@pytest.mark.parametrize("streamed", [False, True])
def test_looking_for_json_is_linear_in_the_text(unit: str, streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(repeats: int) -> int:
        read = 0

        def count(feed: Any) -> Any:
            def counted(self: Any, text: str) -> Any:
                nonlocal read
                read += len(text)
                return feed(self, text)

            return counted

        with monkeypatch.context() as patched:
            patched.setattr(JSONFinder, "_search", count(JSONFinder._search))
            patched.setattr(JSONFinder, "_skip_fenced", count(JSONFinder._skip_fenced))
            patched.setattr(JSONScanner, "feed", count(JSONScanner.feed))
            parser = PartialJSON()
            text = unit * repeats
            for piece in split(text, 10) if streamed else [text]:
                parser.feed(piece)
        return read

    # Beyond a piece of the text (4096 characters) twice the text is twice the work.
    assert work(8000) <= 2.2 * work(4000) + 10_000
