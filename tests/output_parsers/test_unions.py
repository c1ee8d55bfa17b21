"""Unions in structured answers: a partial is of the member that it will be in the end, or is not there yet."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    TypeAdapter,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType, TypedDict

from output_parsers.growing import leads_to, partials, pieces_of, when_seen
from prill.errors import OutputParserException
from prill.output_parsers import CompleteOnly, RequiredFirst, StructuredParser, is_partial

T = TypeVar("T")


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog", "puppy"] = "dog"
    name: str
    toys: list[str] = []


class Size(StrEnum):
    BIG = "big"
    SMALL = "small"


class Ant(BaseModel):
    """Its discriminator is a member of an enum, under an alias."""

    kind: Literal[Size.SMALL] = Field(alias="sort")
    legs: int = 6


class Whale(BaseModel):
    kind: Literal[Size.BIG] = Field(alias="sort")
    songs: list[str]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Wild = Annotated[Ant | Whale, Field(discriminator="kind")]


class Home(BaseModel):
    pet: Pet
    other: Pet | None = None
    pets: list[Pet] = []
    by_name: dict[str, Pet] = {}
    note: str = ""


class Plain(BaseModel):
    """No discriminator: the members differ in what their fields hold."""

    one: Cat | Dog
    two: Cat | list[Dog] | str | None = None
    three: list[Cat | Dog | str] = []


class Circle(BaseModel):
    model_config = ConfigDict(extra="forbid")
    radius: float


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: float
    name: str = ""


Animal = Annotated[Circle | list[Pet] | Annotated[Wild, Field()], "any of them"]


class Leaf(BaseModel):
    kind: Literal["leaf"]
    text: str


class Branch(BaseModel):
    kind: Literal["branch"]
    left: Leaf | Branch = Field(discriminator="kind")
    right: Annotated[Leaf | Branch, Field(discriminator="kind")]


class Page(BaseModel, Generic[T]):
    items: list[T]
    first: T | None = None


class Rows(RootModel[list[Pet]]):
    pass


@dataclasses.dataclass
class Plus:
    op: Literal["plus"]
    values: list[int]


class Minus(TypedDict):
    op: Literal["minus"]
    value: int


@pydantic_dataclass
class Aliased:
    value: int = Field(alias="val")
    rest: list[Pet] = Field(default_factory=list)


@dataclasses.dataclass
class Box(Generic[T]):
    content: T
    more: list[T]


class Forest(BaseModel):
    tree: Later
    sums: list[Annotated[Plus | Minus, Field(discriminator="op")]] = []
    boxes: list[Box[Pet]] = []
    page: Page[Pet] | None = None
    aliased: Aliased | None = None
    alias: PetAlias | None = None
    wrapped: Wrapped | None = None
    seq: Sequence[Cat] = ()
    mapping: Mapping[str, Cat] = {}


class Later(BaseModel):
    inner: Later | None = None
    kind: Literal["later"] = "later"


PetAlias = TypeAliasType("PetAlias", Pet)
Wrapped = NewType("Wrapped", Cat)

CAT = {"kind": "cat", "name": "Tom", "lives": 7}
DOG = {"name": "Rex", "kind": "puppy", "toys": ["ball", "bone"]}
ANSWERS: dict[str, tuple[Any, Any]] = {
    "discriminated": (Home, {"pet": CAT, "other": DOG, "pets": [DOG, CAT], "by_name": {"a": CAT}, "note": "ok"}),
    "none": (Home, {"pet": DOG, "other": None, "pets": []}),
    "plain": (Plain, {"one": DOG, "two": [DOG, {"name": "x"}], "three": ["a", CAT, "b", DOG]}),
    "plain, an object": (Plain, {"one": CAT, "two": CAT}),
    "plain, a text": (Plain, {"one": CAT, "two": "cat"}),
    "extra keys": (list[Circle | Square], {"items": [{"radius": 1.5}, {"name": "s", "side": 2}]}),
    "alias": (list[Wild], {"items": [{"sort": "big", "songs": ["la"]}, {"legs": 8, "sort": "small"}]}),
    "unions in a union": (Animal, {"value": {"sort": "big", "songs": ["la", "lo"]}}),
    "recursive": (
        Branch,
        {
            "kind": "branch",
            "left": {"kind": "leaf", "text": "l"},
            "right": {"left": {"text": "x", "kind": "leaf"}, "kind": "branch", "right": {"kind": "leaf", "text": "r"}},
        },
    ),
    "generic": (Page[Pet], {"items": [CAT, DOG], "first": DOG}),
    "generic of a plain union": (Page[Cat | Dog], {"items": [CAT, DOG], "first": DOG}),
    "root": (Rows, {"value": [CAT, DOG]}),
    "bare union": (Pet, {"value": CAT}),
    "many": (
        Forest,
        {
            "tree": {"inner": {"inner": None, "kind": "later"}},
            "sums": [{"op": "plus", "values": [1, 22]}, {"value": 3, "op": "minus"}],
            "boxes": [{"content": CAT, "more": [DOG]}],
            "page": {"items": [CAT], "first": DOG},
            "aliased": {"val": 1, "rest": [CAT]},
            "alias": DOG,
            "wrapped": CAT,
            "seq": [CAT],
            "mapping": {"a": CAT},
        },
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_partial_leads_to_the_next_and_to_the_valid_answer(name: str) -> None:
    schema, answer = ANSWERS[name]
    wanted = TypeAdapter(schema).validate_python(next(iter(answer.values())) if {*answer} <= WRAPPED else answer)
    seen = partials(schema, list(json.dumps(answer)))
    assert seen[-1] == wanted
    assert len(seen) > 4
    for early, late in pairwise(seen):
        assert leads_to(early, late), (early, late)
    for early in seen:
        assert leads_to(early, wanted), early


WRAPPED = {"items", "value"}


@settings(max_examples=150)
@given(st.sampled_from([*ANSWERS]), st.lists(st.integers(0, 10_000), max_size=30))
def test_so_it_is_under_every_split(name: str, cuts: list[int]) -> None:
    schema, answer = ANSWERS[name]
    seen = partials(schema, pieces_of(json.dumps(answer), cuts))
    assert seen[-1] == StructuredParser(schema).invoke(json.dumps(answer))
    assert all(leads_to(early, late) for early, late in pairwise(seen))
    assert all(leads_to(early, seen[-1]) for early in seen)


def test_a_member_is_seen_as_soon_as_its_discriminator_is_whole() -> None:
    def pet(home: Any) -> bool:
        return hasattr(home, "pet")

    assert when_seen(Home, '{"pet": {"kind": "cat", "name": "Tom"}}', pet) == '{"pet": {"kind": "cat"'
    assert when_seen(Home, '{"pet": {"name": "Tom", "kind": "cat"}}', pet) == '{"pet": {"name": "Tom", "kind": "cat"'
    seen = partials(Home, ['{"pet": {"name": "Rex", ', '"kind": "dog"', ', "toys": ["b', 'a"]}}'])
    assert [home.model_dump(warnings=False) for home in seen[:-1]] == [
        {},
        {"pet": {"name": "Rex", "kind": "dog"}},
        {"pet": {"name": "Rex", "kind": "dog", "toys": ["b"]}},
    ]
    assert [type(home.pet).__name__ for home in seen[1:-1]] == ["Partial[Dog]", "Partial[Dog]"]


def test_an_element_of_a_list_is_seen_as_soon_as_it_is_known_what_it_is() -> None:
    seen = partials(list[Pet], list(json.dumps({"items": [CAT, DOG]})))
    assert all(isinstance(pets[0], Cat) and isinstance(pets[1], Dog) for pets in seen if len(pets) == 2)
    assert any(len(pets) == 2 and not hasattr(pets[1], "toys") for pets in seen)


def test_without_a_discriminator_a_member_is_seen_when_no_other_is_possible() -> None:
    def one(plain: Any) -> bool:
        return hasattr(plain, "one")

    # ``kind`` may be left out for a dog, so a name alone says nothing.
    assert when_seen(Plain, '{"one": {"name": "x", "kind": "dog"}}', one) == '{"one": {"name": "x", "kind": "dog"'
    text = '{"items": [{"name": "x", "side": 2}]}'
    assert when_seen(list[Circle | Square], text, lambda items: items) == '{"items": [{"name": "x"'
    text = '{"value": [{"a": 1}, {"a": 2}]}'
    two = list[dict[str, str]] | list[dict[str, int]]
    assert when_seen(two, text, lambda value: value) == '{"value": [{"a": 1}'


def test_members_that_cannot_be_told_apart_wait_for_the_end_of_the_value() -> None:
    class Short(BaseModel):
        name: str

    class Long(Short):
        text: str = ""

    class Either(BaseModel):
        it: Short | Long
        rest: str = ""

    seen = partials(Either, list('{"it": {"name": "a", "text": "b"}, "rest": "c"}'))
    assert all(type(either.it) is Long for either in seen if hasattr(either, "it"))
    assert any(not is_partial(either.it) and not hasattr(either, "rest") for either in seen if hasattr(either, "it"))


def test_what_kind_of_json_it_is_may_tell_the_member() -> None:
    class Mixed(BaseModel):
        it: Cat | list[int] | str | bool | None

    def it(text: str) -> list[Any]:
        return [mixed.it for mixed in partials(Mixed, list(text)) if hasattr(mixed, "it")]

    assert [len(numbers) for numbers in it('{"it": [1, 2]}')][:3] == [0, 1, 2]
    assert type(it('{"it": {"kind": "cat", "name": ""}}')[0]).__name__ == "Partial[Cat]"
    assert it('{"it": "ab"}')[:3] == ["", "a", "ab"]
    assert it('{"it": true}') == [True, True]
    assert it('{"it": null}') == [None, None]


def by_size(value: Any) -> str:
    return "small" if len(value if isinstance(value, dict) else value.__dict__) < 2 else "big"


def test_a_discriminator_that_is_a_function_is_asked_at_the_end_of_the_value() -> None:
    class Small(BaseModel):
        a: str

    class Big(Small):
        b: str

    class Holder(BaseModel):
        it: Annotated[Annotated[Small, Tag("small")] | Annotated[Big, Tag("big")], Discriminator(by_size)]
        rest: str

    seen = partials(Holder, list('{"it": {"a": "x", "b": "y"}, "rest": "z"}'))
    assert all(type(holder.it) is Big for holder in seen if hasattr(holder, "it"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"pet": {"kind": "cow", "name": "x"}, "note": "n"}', r"pet: Input tag 'cow'.* does not match"),
        ('{"pet": {"name": "x"}, "note": "n"}', "pet: Unable to extract tag"),
        ('{"pet": {"kind": "cat", "name": 3}, "note": "n"}', r"pet\.(cat\.)?name: Input should be a valid string"),
        ('{"pet": 3, "note": "n"}', "pet: Input should be"),
        ('{"pet": {"kind": {"a": 1}, "name": "x"}, "note": "n"}', "pet"),
    ],
)
def test_an_answer_of_no_member_is_an_error_with_its_place(text: str, said: str) -> None:
    with pytest.raises(OutputParserException, match=said):
        partials(Home, list(text))
    with pytest.raises(OutputParserException, match=said.replace(r"(cat\.)?", r"cat\.")):
        StructuredParser(Home).invoke(text)


def test_marks_are_heeded_within_the_members() -> None:
    class Timer(BaseModel):
        kind: Literal["timer"]
        seconds: Annotated[int, CompleteOnly]

    class Alarm(BaseModel):
        kind: Literal["alarm"]
        note: str
        at: Annotated[str, RequiredFirst]

    class Clock(BaseModel):
        it: Annotated[Timer | Alarm, Field(discriminator="kind")]

    seen = partials(Clock, list('{"it": {"kind": "timer", "seconds": 123}}'))
    assert {clock.it.seconds for clock in seen if hasattr(clock, "it") and hasattr(clock.it, "seconds")} == {123}
    text = '{"it": {"kind": "alarm", "note": "n", "at": "noon"}}'
    assert when_seen(Clock, text, lambda clock: hasattr(clock, "it")) == text.removesuffix("}}")


def test_a_member_with_a_validator_of_its_input_is_seen_whole() -> None:
    class Odd(BaseModel):
        kind: Literal["odd"]
        n: str

        @model_validator(mode="before")
        @classmethod
        def change(cls, value: Any) -> Any:
            return {**value, "n": value["n"].upper()} if isinstance(value, dict) else value

    class Holder(BaseModel):
        it: Annotated[Odd | Cat, Field(discriminator="kind")]
        rest: str

    seen = partials(Holder, list('{"it": {"kind": "odd", "n": "abc"}, "rest": "x"}'))
    assert {holder.it.n for holder in seen if hasattr(holder, "it")} == {"ABC"}
    seen = partials(Holder, list('{"it": {"kind": "cat", "name": "abc"}, "rest": "x"}'))
    assert any(is_partial(holder.it) for holder in seen if hasattr(holder, "it"))


def test_a_union_whose_first_fitting_member_counts_shows_no_half_text() -> None:
    class First(BaseModel):
        it: Annotated[int | str, Field(union_mode="left_to_right")]

    seen = partials(First, list('{"it": "12"}'))
    assert {first.it for first in seen if hasattr(first, "it")} == {12}


def test_a_class_whose_parts_are_defined_after_it_is_understood() -> None:
    seen = partials(Forest, list('{"tree": {"inner": {"kind": "later"}}}'))
    inner = [forest.tree.inner for forest in seen[:-1] if hasattr(forest, "tree") and hasattr(forest.tree, "inner")]
    assert inner
    assert all(isinstance(later, Later) for later in inner)


def test_fields_with_several_names_wait_for_the_end_of_their_object() -> None:
    class Named(BaseModel):
        it: Pet = Field(validation_alias=AliasChoices("it", "that"))

    class Holder(BaseModel):
        named: Named

    seen = partials(Holder, list(json.dumps({"named": {"that": CAT}})))
    assert seen[-1].named.it == Cat(**CAT)
    assert all(not hasattr(holder.named, "it") for holder in seen if is_partial(getattr(holder, "named", None)))


Tree = TypeAliasType("Tree", "list[Tree] | int")


class Wood(BaseModel):
    tree: Tree
    name: str = ""


def test_an_alias_that_names_itself_is_seen_whole() -> None:
    seen = partials(Wood, list('{"tree": [1, [2, 3]], "name": "a"}'))
    assert seen[-1] == Wood(tree=[1, [2, 3]], name="a")
    assert all(wood.tree == [1, [2, 3]] for wood in seen if hasattr(wood, "tree"))


def test_a_union_is_called_an_answer() -> None:
    for schema in (Pet, list[Pet]):
        parser = StructuredParser(schema)
        assert "Annotated" not in parser.target.described.__name__ + repr(parser)
        with pytest.raises(OutputParserException, match="the answer is not a valid "):
            parser.invoke('{"kind": "cow"}')


def test_no_partial_is_the_same_as_the_one_before() -> None:
    for schema, answer in ANSWERS.values():
        seen = partials(schema, list(json.dumps(answer)))
        assert [early for early, late in pairwise(seen) if type(early) is type(late) and early == late] == []


def test_dates_in_a_union_are_never_half() -> None:
    class When(BaseModel):
        it: datetime.date | Literal["never"] | None

    seen = partials(When, list('{"it": "2024-01-02"}'))
    assert {when.it for when in seen if hasattr(when, "it")} == {datetime.date(2024, 1, 2)}
