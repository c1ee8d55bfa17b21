from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.prompts.string import mustache_formatter as peer

from prill.errors import PromptError
from prill.transducers.mustache import parse_mustache

plain = st.text(st.characters(codec="utf-8", exclude_characters="{}\n\r"), max_size=8)
flat = st.dictionaries(st.sampled_from("abc"), st.one_of(plain, st.integers(), st.booleans()), max_size=3)


def fill(template: str, **values: Any) -> str:
    return parse_mustache(template).render(values)


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{{a}} {{{a}}} {{&a}}", {"a": "<b>&\"'"}),
        ("{{a.b}}|{{a.b.c}}|{{x}}", {"a": {"b": 1}}),
        ("{{#a}}{{x}},{{/a}}", {"a": [{"x": 1}, {"x": 2}]}),
        ("{{#a}}{{.}},{{/a}}", {"a": [1, 2]}),
        ("{{#a}}[{{.}}]{{/a}}", {"a": "text"}),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": []}),
        ("{{#a}}{{b}}{{/a}}", {"a": {"x": 1}, "b": 7}),
        ("{{#a.b}}{{c}}{{/a.b}}", {"a": {"b": [{"c": 1}]}}),
        ("a\n{{! a comment }}\nb", {}),
        ("a\n  {{#a}}\n x\n  {{/a}}\nb", {"a": True}),
        ("{{=<% %>=}}<%a%>{{a}}", {"a": 1}),
        ("{{a}}", {"a": None}),
        ("{{a}}", {"a": 0}),
        ("{{a.0}}", {"a": [5, 6]}),
    ],
)
def test_renders_as_the_peer_does(template: str, values: dict[str, Any]) -> None:
    assert fill(template, **values) == peer(template, **values)


@given(before=plain, values=flat, after=plain)
@settings(max_examples=60)
def test_a_section_is_rendered_as_the_peer_does(before: str, values: dict[str, Any], after: str) -> None:
    template = f"{before}{{{{#a}}}}{{{{{{b}}}}}}{after}{{{{/a}}}}{{{{^c}}}}none{{{{/c}}}}{{{{c}}}}"
    assert fill(template, **values) == peer(template, **values)


@given(items=st.lists(plain, max_size=5))
@settings(max_examples=40)
def test_a_section_is_repeated_for_each_item_even_an_empty_one(items: list[str]) -> None:
    assert fill("{{#items}}<{{{.}}}>{{/items}}", items=items) == "".join(f"<{item}>" for item in items)


class Secret:
    password = "hunter2"


def test_attributes_of_objects_cannot_be_read() -> None:
    assert fill("{{a.password}}{{a.__class__}}", a=Secret()) == ""


def test_what_can_be_called_is_not_called() -> None:
    assert fill("{{#f}}x{{/f}}", f=lambda *_: pytest.fail("called")) == "x"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("a\n  {{#a}}", "line 2, column 3: the section 'a' is not closed"),
        ("{{/a}}", "none is open"),
        ("{{#a}}{{/b}}", "column 7: the section 'b' is closed here, but the open one is 'a'"),
        ("{{a", "the tag is not closed"),
        ("{{}}", "the tag is empty"),
        ("{{ }}", "the tag is empty"),
        ("{{=x=}}", "delimiters"),
        ("{{>part}}", "partials"),
    ],
)
def test_a_broken_template_is_refused_with_its_place(template: str, problem: str) -> None:
    with pytest.raises(PromptError, match=problem):
        parse_mustache(template)


def test_the_names_are_those_outside_of_sections() -> None:
    assert parse_mustache("{{b}}{{#a.q}}{{c}}{{/a.q}}{{^d}}{{/d}}{{!e}}{{.}}").names == ("a", "b", "d")


@pytest.mark.parametrize(("value", "text"), [([], ""), ({}, ""), (0, "0"), (False, "False"), ([1], "[1]")])
def test_an_empty_list_or_object_is_empty_text(value, text):
    assert fill("{{a}}", a=value) == text
    assert fill("{{{a}}}", a=value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"a": True, "b": True}, "both"),
        ({"a": True, "b": False}, "a alone"),
        ({"a": {"b": True}, "b": False}, "both"),
        ({"a": [], "b": True}, ""),
    ],
    ids=["both", "one", "the inner value first", "none"],
)
def test_conditions_inside_of_conditions(values, text):
    assert fill("{{#a}}{{#b}}both{{/b}}{{^b}}a alone{{/b}}{{/a}}", **values) == text
