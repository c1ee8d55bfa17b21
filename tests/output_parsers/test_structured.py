"""Structured answers: growing partials, whole and valid at the end; elements one by one."""

import dataclasses
import datetime
import pickle
import typing
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, Literal, NotRequired

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, PrivateAttr, computed_field, field_validator, model_validator
from typing_extensions import TypedDict

from prill.errors import ConfigError, ModelRefusalError, OutputParserException
from prill.messages import AIMessage, AIMessageChunk
from prill.output_parsers import CompleteOnly, ElementsParser, RequiredFirst, StructuredParser, is_partial
from prill.runnables import RunnableLambda
from prill.testing.check import check_runnable


class Color(Enum):
    RED = "red"
    GREEN = "green"


class Row(BaseModel):
    a: int
    b: str = "x"


class Doc(BaseModel):
    title: str
    color: Color
    kind: Literal["long", "short"] | None = None
    n: Annotated[int, CompleteOnly]
    f: float
    day: datetime.date
    rows: list[Row]
    more: dict[str, list[int]] = Field(default_factory=dict)
    sub: Row | None = None
    any: Any = None


TEXT = (
    '{"title": "Fran\\u00e9ce", "color": "red", "kind": "long", "n": 1234, "f": 12.5, "day": "2024-01-02", "rows": '
    '[{"a": 12, "b": "hi"}, {"a": 3}], "more": {"x": [1, 22], "y": []}, "sub": {"a": 5}, "any": [1, {"z": "q"}]}'
)
DOC = Doc.model_validate_json(TEXT)


def pieces_of(text: str, cuts: Any) -> list[str]:
    ends = sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    return [text[one:other] for one, other in pairwise(ends)]


def each(text: str) -> list[str]:
    return list(text)


def calls(pieces: list[str], name: str = "Doc") -> list[AIMessageChunk]:
    first = {"name": name, "args": "", "id": "1", "index": 0}
    rest = [{"name": None, "args": piece, "id": None, "index": 0} for piece in pieces]
    return [AIMessageChunk("", tool_call_chunks=[piece]) for piece in [first, *rest]]


def test_each_partial_has_the_fields_that_have_come(colour: Any) -> None:
    [*partials, last] = colour.stream(StructuredParser(Doc), each(TEXT))
    assert last == DOC
    assert type(last) is Doc
    assert all(isinstance(partial, Doc) and is_partial(partial) for partial in partials)
    assert [sorted(partial.model_fields_set) for partial in partials[:2]] == [[], ["title"]]
    assert partials[1].title == ""
    assert not hasattr(partials[1], "kind")
    with pytest.raises(AttributeError, match=r"'n' of this partial Doc has not come yet \(here: title\)"):
        partials[1].n
    with pytest.raises(AttributeError, match="nothing_like_this"):
        partials[1].nothing_like_this
    assert repr(partials[1]) == "Partial[Doc](title='')"
    assert pickle.loads(pickle.dumps(partials[-1])) == partials[-1]


def test_what_is_half_written_is_shown_only_where_it_makes_sense() -> None:
    seen: dict[str, set[Any]] = {}
    for partial in StructuredParser(Doc).transform(iter(each(TEXT))):
        for name in ("title", "color", "kind", "n", "f", "day"):
            if hasattr(partial, name):
                seen.setdefault(name, set()).add(getattr(partial, name))
    assert seen["title"] == {"", "F", "Fr", "Fra", "Fran", "Frané", "Franéc", "Franéce"}
    assert seen["f"] == {1, 12, 12.5}
    assert (seen["color"], seen["kind"], seen["n"]) == ({Color.RED}, {"long"}, {1234})
    assert seen["day"] == {datetime.date(2024, 1, 2)}


def grows(old: Any, new: Any, *, is_open: bool = True) -> bool:
    """Whether ``new`` is ``old`` or more of it: all but the last field or element of ``old`` stays what it is."""
    if isinstance(old, BaseModel) and isinstance(new, BaseModel):
        if not is_partial(old):
            return old == new
        old, new = old.__dict__, new.__dict__
    if isinstance(old, dict) and isinstance(new, dict):
        *done, last = list(old) or [None]
        return all(old[key] == new[key] for key in done) and (last is None or grows(old[last], new[last]))
    if isinstance(old, list) and isinstance(new, list):
        return old[:-1] == new[: len(old[:-1])] and (not old or grows(old[-1], new[len(old) - 1]))
    if isinstance(old, str) and isinstance(new, str):
        return new.startswith(old)
    return type(old) in (int, float) or old == new


@settings(max_examples=60)
@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_partials_only_grow_and_end_in_what_invoke_gives(cuts: list[int]) -> None:
    pieces = pieces_of(TEXT, cuts)
    for parser, chunks in ((StructuredParser(Doc), pieces), (StructuredParser(Doc, tool="Doc"), calls(pieces))):
        values = list(parser.transform(iter(chunks)))
        assert values[-1] == DOC
        assert all(grows(old, new) for old, new in pairwise(values))


ROWS = st.lists(st.builds(Row, a=st.integers(-(10**6), 10**6), b=st.text(max_size=8)), max_size=8)


@settings(max_examples=40)
@given(ROWS, st.lists(st.integers(0, 10_000), max_size=30))
def test_elements_leave_as_they_close(rows: list[Row], cuts: list[int]) -> None:
    class Table(BaseModel):
        name: str = ""
        rows: list[Row]

    text = Table(name="t", rows=rows).model_dump_json()
    assert list(ElementsParser(Table).transform(iter(pieces_of(text, cuts)))) == rows
    wrapped = '{"items": ' + text[text.index("[") :]
    for answer in (wrapped, wrapped[wrapped.index("[") : -1]):
        assert list(ElementsParser(list[Row]).transform(iter(pieces_of(answer, cuts)))) == rows
        assert StructuredParser(list[Row]).invoke(answer) == rows


def test_an_element_leaves_before_the_next_is_asked_for(tracked: Any) -> None:
    source = tracked(['{"items": [{"a": 1}', ', {"a"', ": 2}", ', {"a": 3}]}'])
    stream = ElementsParser(list[Row]).transform(iter(source))
    assert (next(stream), source.asked) == (Row(a=1), 1)
    assert (next(stream), source.asked) == (Row(a=2), 3)
    stream.close()
    assert source.closed


def test_a_wrong_element_is_an_error_after_the_good_ones() -> None:
    stream = ElementsParser(list[Row]).transform(iter(['{"items": [{"a": 1}, {"a": "x"}', "]}"]))
    assert next(stream) == Row(a=1)
    with pytest.raises(OutputParserException, match=r"items\.1\.a: Input should be a valid integer.*found 'x'"):
        next(stream)


def test_elements_go_on_as_a_list_to_a_step_that_waits() -> None:
    chain = ElementsParser(list[Row]) | RunnableLambda(lambda rows: len(rows))
    text = '{"items": [{"a": 1}, {"a": 2}, {"a": 3}]}'
    assert chain.invoke(text) == 3
    assert list(chain.stream(text)) == [3]


def test_elements_needs_one_list() -> None:
    class Two(BaseModel):
        one: list[int]
        two: list[str]

    assert list(ElementsParser(Two, "two").transform(iter(['{"one": [1], "two": ["a", "b"]}']))) == ["a", "b"]
    with pytest.raises(ConfigError, match=r"has 2 of them \(one, two\)"):
        ElementsParser(Two)
    with pytest.raises(ConfigError, match="has 0 of them"):
        ElementsParser(Row)


@dataclasses.dataclass
class Points:
    name: str
    rows: list[Row] = dataclasses.field(default_factory=list)


@pytest.mark.parametrize(
    "schema",
    [Points, {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object"}}}}],
)
def test_elements_of_other_schemas_than_pydantic_classes(schema: Any) -> None:
    for text in ('{"name": "x", "rows": [{"a": 1}, {"a": 2}]}', '{"name": "x", "rows": []}'):
        parser = ElementsParser(schema)
        assert list(parser.transform(iter(each(text)))) == parser.invoke(text)
    with pytest.raises(OutputParserException, match=r"rows\.0: ") as raised:
        list(ElementsParser(schema).transform(iter(['{"name": "x", "rows": [1, {"a": 2}]}'])))
    assert str(raised.value.llm_output).startswith('{"name"')


@dataclasses.dataclass
class Point:
    x: int
    label: str = "none"


class City(TypedDict):
    name: str
    size: NotRequired[int]


SCHEMA = {
    "title": "city",
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "kind": {"enum": ["a", "b"]}},
    "required": ["name"],
}


def test_other_schemas_than_pydantic_classes(colour: Any) -> None:
    [*partials, last] = colour.stream(StructuredParser(Point), ['{"x": 1', '2, "label": "a', 'b"}'])
    assert last == Point(12, "ab")
    assert not hasattr(partials[0], "label")
    assert repr(partials) == "[Partial[Point](x=1), Partial[Point](x=12, label='a')]"
    for schema in (City, SCHEMA):
        values = colour.stream(StructuredParser(schema), ['{"name": "P', 'aris", "size": 2', "}"])
        assert values == [{"name": "P"}, {"name": "Paris", "size": 2}]
    assert colour.stream(StructuredParser(list[int]), ['{"items": [1, 2', "3]}"]) == [[1, 2], [1, 23]]
    assert colour.invoke(StructuredParser(int | str), '{"value": 3}') == 3


class Part(typing.TypedDict):
    name: Annotated[str, ..., "what it is called"]
    size: typing.NotRequired[int]


class Whole(typing.TypedDict):
    first: Part
    rest: list[Part]
    last: typing.NotRequired[Part | None]


def test_a_typed_dict_of_typing_is_read_in_every_python(colour: Any) -> None:
    text = '{"first": {"name": "a"}, "rest": [{"name": "b", "size": 1}]}'
    values = colour.stream(StructuredParser(Whole), each(text))
    assert values[-1] == {"first": {"name": "a"}, "rest": [{"name": "b", "size": 1}]}
    assert {"first": {"name": "a"}, "rest": []} in values
    assert colour.invoke(StructuredParser(list[Part]), '[{"name": "c"}]') == [{"name": "c"}]
    with pytest.raises(OutputParserException, match=r"rest\.0\.name: Field required"):
        colour.invoke(StructuredParser(Whole), '{"first": {"name": "a"}, "rest": [{}]}')


@pytest.mark.parametrize("base", [TypedDict, typing.TypedDict])
def test_a_key_with_a_default_need_not_come(colour: Any, base: Any) -> None:
    stars = Annotated[int, 3, "how good"]
    film = base("Film", {"title": str, "stars": stars})
    assert colour.invoke(StructuredParser(film), '{"title": "x"}') == {"title": "x"}
    assert colour.invoke(StructuredParser(film), '{"title": "x", "stars": 4}') == {"title": "x", "stars": 4}
    with pytest.raises(OutputParserException, match="stars: Input should be a valid integer"):
        colour.invoke(StructuredParser(film), '{"title": "x", "stars": "many"}')


class Node(TypedDict):
    name: str
    inside: "list[Node]"


def test_a_typed_dict_may_hold_itself(colour: Any) -> None:
    assert colour.invoke(StructuredParser(Node), '{"name": "a", "inside": [{"name": "b", "inside": []}]}') == {
        "name": "a",
        "inside": [{"name": "b", "inside": []}],
    }


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (
            Doc,
            '{"title": "x", "color": "blue"',
            r"not a valid Doc:\n  color: Input should be 'red' or 'green'; found 'blue'",
        ),
        (Row, '{"b": "x"}', r"not a valid Row:\n  a: Field required"),
        (City, '{"size": 1}', r"not a valid City:\n  name: Field required"),
        (
            SCHEMA,
            '{"size": "x", "kind": "c"}',
            r"(?s)name: expected .*required.*size: expected .*integer; found 'x'.*kind",
        ),
        (SCHEMA, "[1]", r"\(the whole value\): expected a value of type object; found \[1\]"),
        (Row, "no JSON", "expected a value"),
        (Row, '{"a": 1, "a": 2}', "a key twice"),
    ],
)
def test_a_wrong_answer_is_one_error_with_path_and_expectation(colour: Any, schema: Any, text: str, said: str) -> None:
    parser = StructuredParser(schema)
    for run in (lambda: colour.invoke(parser, text), lambda: colour.stream(parser, each(text))):
        if not text.endswith(("}", "]", "N")):
            run = lambda: colour.stream(parser, each(text + ' , "n": 1'))  # noqa: E731 - it fails before its end
        with pytest.raises(OutputParserException, match=said) as raised:
            run()
        assert text.startswith(str(raised.value.llm_output)[: len(text)])


def test_the_token_limit_is_named() -> None:
    cut = AIMessage('{"a": 1', response_metadata={"finish_reason": "length"})
    with pytest.raises(OutputParserException, match="cut by the token limit"):
        StructuredParser(Row).invoke(cut)


def test_a_model_that_wrote_its_call_as_text_is_understood_and_other_text_is_an_error() -> None:
    parser = StructuredParser(Row, tool="Row")
    assert parser.invoke(AIMessage('Here:\n```json\n{"a": 1}\n```')) == Row(a=1)
    with pytest.raises(OutputParserException, match=r"asked to call 'Row', but it wrote text \('I cannot'\)"):
        parser.invoke(AIMessage("I cannot"))
    other = AIMessage("", tool_calls=[{"name": "other", "args": {}, "id": "1", "type": "tool_call"}])
    with pytest.raises(OutputParserException, match="but it called other"):
        parser.invoke(other)
    with pytest.raises(ModelRefusalError, match=r"declined .*: No way"):
        StructuredParser(Row).invoke(AIMessage("", additional_kwargs={"refusal": "No way"}))


REFUSALS = {
    "beside the content": AIMessage("", additional_kwargs={"refusal": "No way"}),
    "in the content": AIMessage([{"type": "refusal", "refusal": "No way"}]),
    "as the reason of the end": AIMessage("No way", response_metadata={"stop_reason": "refusal"}),
}


@pytest.mark.parametrize("tool", [None, "Row"])
@pytest.mark.parametrize("message", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_an_error_that_carries_the_message(message: AIMessage, tool: str | None) -> None:
    with pytest.raises(ModelRefusalError, match=r"declined .*: No way") as raised:
        StructuredParser(Row, tool=tool).invoke(message)
    assert raised.value.raw_message is message


def test_a_refusal_that_comes_in_pieces_is_one() -> None:
    pieces = [AIMessageChunk("", additional_kwargs={"refusal": text}) for text in ("No", " way")]
    with pytest.raises(ModelRefusalError, match=r"declined .*: No way") as raised:
        list(StructuredParser(Row).transform(iter(pieces)))
    assert raised.value.raw_message.additional_kwargs == {"refusal": "No way"}


def test_required_first_holds_its_object_back() -> None:
    class Item(BaseModel):
        note: str
        id: Annotated[int, RequiredFirst]

    class Box(BaseModel):
        items: list[Item]

    values = list(StructuredParser(Box).transform(iter(['{"items": [{"note": "a', 'b", "id": 1', '2, "x": 1', "}]}"])))
    assert [value.model_dump(warnings=False) for value in values] == [
        {"items": []},
        {"items": [{"note": "ab", "id": 12}]},
        {"items": [{"note": "ab", "id": 12}]},
    ]


def test_fields_that_a_validator_of_the_class_changes_wait_for_their_object() -> None:
    class Loud(BaseModel):
        name: str
        rest: str = ""

        @field_validator("name")
        @classmethod
        def upper(cls, name: str) -> str:
            return name.upper()

    class Odd(BaseModel):
        loud: Loud

        @model_validator(mode="before")
        @classmethod
        def wrap(cls, value: Any) -> Any:
            return {"loud": value}

    text = '{"name": "x", "rest": "yz"}'
    *partials, last = StructuredParser(Loud).transform(iter(each(text)))
    assert {name for partial in partials for name in partial.model_fields_set} == {"rest"}
    assert last == Loud.model_construct(name="X", rest="yz")
    assert list(StructuredParser(Odd).transform(iter(each(text)))) == [Odd.model_validate({"name": "x", "rest": "yz"})]


def test_classes_that_hold_themselves_and_aliases() -> None:
    class Node(BaseModel):
        value: int = Field(alias="val")
        children: "list[Node]" = []

    text = '{"val": 1, "children": [{"val": 2, "children": [{"val": 3}]}]}'
    *partials, last = StructuredParser(Node).transform(iter(each(text)))
    assert last == Node.model_validate_json(text)
    assert partials[-1].children[0].children[0].value == 3


@pytest.mark.parametrize("schema", [Doc, dict(SCHEMA), City, list[Row]])
def test_it_keeps_the_promises_of_runnables(schema: Any) -> None:
    text = {Doc: TEXT}.get(schema) if isinstance(schema, type) else None
    text = text or ('{"items": [{"a": 1}]}' if schema == list[Row] else '{"name": "x", "size": 1}')
    check_runnable(StructuredParser(schema), text, pieces=each(text), cumulative=True)


def test_elements_keep_the_promises_of_runnables() -> None:
    text = '{"items": [{"a": 1}]}'
    check_runnable(
        ElementsParser(list[Row]), text, pieces=each(text), compare=lambda one, other: one in (other, other[-1])
    )


class Counted(BaseModel):
    n: int
    text: str
    _seen: list[str] = PrivateAttr(default_factory=list)

    @computed_field
    @property
    def repeated(self) -> str:
        return self.text * self.n


def test_a_partial_is_shown_without_what_is_computed_and_has_its_private_attributes() -> None:
    [first, second, *_, last] = StructuredParser(Counted).transform(iter(['{"n": 2', ', "text": "a', 'b"}']))
    assert (repr(first), str(first)) == ("Partial[Counted](n=2)", "n=2")
    assert (second.repeated, last.repeated) == ("aa", "abab")
    first._seen.append("x")
    assert (first._seen, second._seen) == (["x"], [])
    with pytest.raises(AttributeError, match="'text' of this partial Counted has not come yet"):
        first.repeated


def test_a_text_is_no_schema():
    with pytest.raises(ConfigError, match="not the text 'Order'"):
        StructuredParser("Order")
