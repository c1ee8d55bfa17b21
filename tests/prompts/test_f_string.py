from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.prompts import PromptTemplate as PeerPromptTemplate

from prill.errors import MissingVariableError, PromptError
from prill.prompts.f_string import parse_f_string


@given(before=st.text(max_size=20), value=st.text(max_size=20), after=st.text(max_size=20))
@settings(max_examples=100)
def test_text_with_doubled_braces_comes_back_as_it_was(before: str, value: str, after: str) -> None:
    template = "{{".join(before.replace("}", "}}").split("{")) + "{x}" + "{{".join(after.replace("}", "}}").split("{"))
    parsed = parse_f_string(template)
    assert parsed.names == ("x",)
    assert parsed.render({"x": value}) == before + value + after


@given(st.text(alphabet="ab{}!:r.[]0 ", max_size=12))
@settings(max_examples=300)
def test_what_is_accepted_is_filled_and_the_peer_accepts_it_too(template: str) -> None:
    try:
        parsed = parse_f_string(template)
    except PromptError:
        return
    values = dict.fromkeys(parsed.names, "v")
    theirs = PeerPromptTemplate.from_template(template)
    assert list(parsed.names) == theirs.input_variables
    try:
        expected = theirs.format(**values)
    except ValueError:  # a format spec that does not suit a text
        with pytest.raises(ValueError, match=r"[Ff]ormat|sign|specifier|'='|Alternate|allowed"):
            parsed.render(values)
    else:
        assert parsed.render(values) == expected


@pytest.mark.parametrize("template", ["{a.b}", "{a[0]}", "{}", "{0}", "{a:{b}}", "{a", "a}", "{a!x}", "{a.__class__}"])
def test_what_the_peer_refuses_is_refused_when_the_template_is_parsed(template: str) -> None:
    with pytest.raises(PromptError):
        parse_f_string(template)
    with pytest.raises((ValueError, IndexError)):
        PeerPromptTemplate.from_template(template).format(a="A")


@pytest.mark.parametrize(
    ("template", "place"),
    [("{a} }", "line 1, column 5"), ("ok {{ \n {b", "line 2, column 2"), ("x\n\n{a.b}", "line 3, column 1")],
)
def test_a_broken_template_is_refused_with_its_place(template: str, place: str) -> None:
    with pytest.raises(PromptError, match=place):
        parse_f_string(template)


def test_json_in_a_template_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(PromptError, match=r"written twice: \{\{ or \}\}"):
        parse_f_string('Answer as {"name": "..."}')


def test_a_missing_variable_is_named_beside_those_given() -> None:
    with pytest.raises(MissingVariableError, match=r"needs the variables 'a', 'b'; given: 'c'.*\{\{ or \}\}") as caught:
        parse_f_string("{a} {b}").render({"c": 1})
    assert isinstance(caught.value, KeyError)


def test_a_value_that_does_not_suit_its_format_fails_with_the_template_as_a_note() -> None:
    with pytest.raises(TypeError) as caught:
        parse_f_string("{a:>5}").render({"a": None})
    assert caught.value.__notes__ == ["while filling the template '{a:>5}'"]


def test_an_error_of_the_value_itself_passes_through() -> None:
    class Odd:
        def __format__(self, spec: str) -> str:
            raise KeyError("its own")

    with pytest.raises(KeyError, match="its own") as caught:
        parse_f_string("{a}").render({"a": Odd()})
    assert not isinstance(caught.value, MissingVariableError)
