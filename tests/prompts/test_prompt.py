from __future__ import annotations

import asyncio
import copy
import pickle
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from langchain_core.prompts import PromptTemplate as PeerPromptTemplate

from prill.errors import MissingDependencyError, MissingVariableError, PromptError, PromptInputError
from prill.prompt_values import StringPromptValue
from prill.prompts import PromptTemplate, StringPromptTemplate

FORMATS: Any = [
    ("f-string", "hi {a} {b!r:>10} {c:,.2f} {{x}}"),
    ("mustache", "{{a}} {{#b}}{{.}}{{/b}} {{{c}}}"),
    ("jinja2", "{% if a %}{{ a }}{% endif %} {{ b.upper() }} {{ c }}"),
]


@pytest.mark.parametrize(("template_format", "template"), FORMATS)
def test_a_template_is_filled_as_the_peer_fills_it(template_format: Any, template: str) -> None:
    ours = PromptTemplate.from_template(template, template_format=template_format)
    theirs = PeerPromptTemplate.from_template(template, template_format=template_format)
    values = {"a": "<A>", "b": "B", "c": 1234.5}
    assert ours.input_variables == theirs.input_variables
    assert ours.format(**values) == theirs.format(**values)
    assert ours.invoke(values).to_string() == theirs.invoke(values).to_string()


@pytest.mark.parametrize(("template_format", "template"), FORMATS)
def test_a_prompt_survives_pickling_and_copying(template_format: Any, template: str) -> None:
    prompt = PromptTemplate.from_template(template, template_format=template_format)
    prompt.format(a=1, b="b", c=3)
    for other in (pickle.loads(pickle.dumps(prompt)), copy.deepcopy(prompt), prompt.model_copy()):
        assert other == prompt
        assert other.format(a=1, b="b", c=3) == prompt.format(a=1, b="b", c=3)
    assert prompt != PromptTemplate.from_template("other")


def test_a_bare_value_is_taken_where_there_is_one_variable() -> None:
    assert PromptTemplate.from_template("{a}").invoke("x") == StringPromptValue(text="x")  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("template", ["{a} {b}", "none"])
def test_a_bare_value_is_refused_elsewhere_and_the_error_says_what_is_expected(template: str) -> None:
    with pytest.raises(PromptInputError, match=r"takes a dictionary.*not str") as caught:
        PromptTemplate.from_template(template).invoke("x")  # type: ignore[arg-type]  # on purpose
    assert isinstance(caught.value, TypeError)


def test_any_mapping_is_taken_as_variables() -> None:
    assert PromptTemplate.from_template("{a}").invoke(MappingProxyType({"a": 1})).to_string() == "1"  # type: ignore[arg-type]  # on purpose


def test_a_missing_variable_is_named_in_the_colour_of_either_verb() -> None:
    prompt = PromptTemplate.from_template("{a} {b}")
    with pytest.raises(MissingVariableError, match="PromptTemplate needs the variable 'b'; given: 'a'"):
        prompt.invoke({"a": 1})
    with pytest.raises(MissingVariableError, match="'b'"):
        asyncio.run(prompt.ainvoke({"a": 1}))


def test_variables_may_have_the_names_of_our_own_arguments() -> None:
    assert (
        PromptTemplate.from_template("{self} {input} {config}").invoke({"self": 1, "input": 2, "config": 3}).to_string()
        == "1 2 3"
    )


def test_partial_variables_are_values_or_functions_that_are_called_each_time() -> None:
    count = iter(range(9))
    prompt = PromptTemplate.from_template("{a} {b} {c}").partial(a="x", b=lambda: str(next(count)))
    assert prompt.input_variables == ["c"]
    assert [prompt.format(c=1), prompt.format(c=1), prompt.format(c=1, a="y")] == ["x 0 1", "x 1 1", "y 2 1"]


def test_prompts_and_texts_are_added() -> None:
    joined = (
        PromptTemplate.from_template("{a}", partial_variables={"a": "x"}) + PromptTemplate.from_template("{b}") + " {c}"
    )
    assert (joined.template, joined.input_variables) == ("{a}{b} {c}", ["b", "c"])
    assert joined.format(b=1, c=2) == "x1 2"


def test_adding_what_does_not_fit_is_refused() -> None:
    prompt: Any = PromptTemplate.from_template("{a}", partial_variables={"a": "x"})
    with pytest.raises(PromptError, match="both prompts"):
        prompt + prompt
    with pytest.raises(PromptError, match="mustache template to one of f-string"):
        prompt + PromptTemplate.from_template("a", template_format="mustache")
    with pytest.raises(TypeError):
        prompt + 3


def test_from_examples_and_from_file_make_what_the_peer_makes(tmp_path: Path) -> None:
    ours = PromptTemplate.from_examples(["{a} one", "two"], "end {b}", ["b"], prefix="start")
    theirs = PeerPromptTemplate.from_examples(["{a} one", "two"], "end {b}", ["b"], prefix="start")
    assert ours.template == theirs.template
    file = tmp_path / "prompt.txt"
    file.write_text("grüß {x}", "utf-8")
    assert PromptTemplate.from_file(file).format(x="dich") == "grüß dich"


@pytest.mark.parametrize(
    "arguments",
    [
        {"template": "{a}", "input_variables": ["b"], "validate_template": True},
        {"template": "{{a}}", "input_variables": ["a"], "validate_template": True, "template_format": "mustache"},
        {"template": "{stop}"},
        {"template": "{a}", "template_format": "other"},
        {"template": "{% for %}", "template_format": "jinja2"},
    ],
)
def test_a_wrong_prompt_is_refused_when_it_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(PromptError):
        PromptTemplate(**arguments)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="inputs"):
        PromptTemplate(template="{a}", inputs=["a"])


def test_a_jinja2_template_cannot_leave_its_sandbox() -> None:
    for template in (
        "{{ a.__class__ }}",
        "{{ a.__class__.__mro__ }}",
        "{{ a|attr('__class__') }}",
        "{{ a.append(1) }}",
    ):
        with pytest.raises(PromptError):
            print(PromptTemplate.from_template(template, template_format="jinja2").format(a=[]))


def test_without_jinja2_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from prill.prompts import jinja

    jinja._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[jinja2\]"):
        jinja.Jinja("{{ not seen before }}")


def test_pretty_repr_shows_variables_in_braces_whatever_their_format() -> None:
    prompt = PromptTemplate.from_template("a {b:,.2f} {{c}}")
    assert prompt.pretty_repr() == "a {b} {c}"
    assert prompt.pretty_repr(html=True) == "a \033[33;1m\033[1;3m{b}\033[0m {c}"


def test_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(PromptTemplate.from_template("{a}")) == "PromptTemplate(input_variables=['a'], template='{a}')"


def test_asdict_has_the_kind() -> None:
    assert PromptTemplate.from_template("{a}").asdict() == PeerPromptTemplate.from_template("{a}").asdict()


class Shout(StringPromptTemplate):
    def format(self, /, **kwargs: Any) -> str:
        return " ".join(kwargs.values()).upper()


class Whisper(Shout):
    async def aformat(self, /, **kwargs: Any) -> str:
        return self.format(**kwargs).lower()


def test_a_users_prompt_defines_format_alone() -> None:
    prompt = Shout(input_variables=["a"])
    assert prompt.invoke({"a": "x"}).to_string() == "X"
    assert asyncio.run(prompt.ainvoke({"a": "x"})).to_string() == "X"


def test_a_users_own_asyncio_form_is_used_in_asyncio() -> None:
    prompt = Whisper(input_variables=["a"])
    assert prompt.invoke({"a": "x"}).to_string() == "X"
    assert asyncio.run(prompt.ainvoke({"a": "x"})).to_string() == "x"
    assert asyncio.run(prompt.aformat_prompt(a="x")).to_string() == "x"


def test_the_variables_of_a_mustache_prompt_are_optional_and_its_sections_objects() -> None:
    prompt = PromptTemplate.from_template(
        "{{a}} {{#b}}{{c}}{{/b}} {{d.e}} {{#f}}{{.}}{{/f}} {{done}}",
        template_format="mustache",
        partial_variables={"done": "x"},
    )
    schema = prompt.get_input_jsonschema()
    text = {"default": None, "type": "string"}
    assert schema["properties"]["a"] == {**text, "title": "A"}
    assert schema["properties"]["b"] == {"$ref": "#/$defs/b", "default": None}
    assert schema["$defs"]["b"]["properties"] == {"c": {**text, "title": "C"}}
    assert schema["$defs"]["d"]["properties"] == {"e": {**text, "title": "E"}}
    assert schema["properties"]["f"] == {"default": None, "title": "F"}
    assert "done" not in schema["properties"]
    assert "required" not in schema


def test_the_variables_of_other_prompts_are_required() -> None:
    assert PromptTemplate.from_template("{a}").get_input_jsonschema()["required"] == ["a"]


@pytest.mark.parametrize("template", ["hi {{name}}", "{{#name}}x{{/name}} {{name}}"])
def test_a_missing_variable_of_a_mustache_prompt_is_reported_without_advice_on_f_strings(template: str) -> None:
    with pytest.raises(MissingVariableError, match="name") as caught:
        PromptTemplate.from_template(template, template_format="mustache").invoke({})
    assert "f-string" not in str(caught.value)


@pytest.mark.parametrize("template", ["The set {x | x > 0} is open.", "{a b}", "f({x, y})"])
def test_a_formula_in_braces_is_not_a_variable(template: str) -> None:
    with pytest.raises(PromptError):
        PromptTemplate.from_template(template)
