"""Templates of dictionaries, images and documents, and the functions on the text of templates."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.prompts import DictPromptTemplate as PeerDictPromptTemplate
from langchain_core.prompts import string as peer

from prill.documents import Document
from prill.errors import MissingVariableError, PromptError, PromptInputError
from prill.prompts import DictPromptTemplate, PromptTemplate, aformat_document, format_document
from prill.prompts import string as ours
from prill.prompts.image import ImagePromptTemplate


def test_every_text_of_a_dictionary_is_filled() -> None:
    template = {"a": "{x}", "b": ["{y}", {"c": 3, "d": ("{x}",)}], "{k}": None}
    prompt = DictPromptTemplate(template=template, template_format="f-string")
    theirs = PeerDictPromptTemplate(template=template, template_format="f-string")
    assert prompt.input_variables == sorted(theirs.input_variables)
    assert prompt.format(x=1, y=2) == theirs.format(x=1, y=2)
    assert prompt.invoke({"x": 1, "y": 2}) == asyncio.run(prompt.ainvoke({"x": 1, "y": 2})) == prompt.format(x=1, y=2)


def test_a_dictionary_says_what_it_needs() -> None:
    prompt = DictPromptTemplate(template={"a": "{x}"})
    with pytest.raises(MissingVariableError, match="'x'"):
        prompt.invoke({})
    with pytest.raises(PromptInputError):
        prompt.invoke("x")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(PromptError):
        DictPromptTemplate(template={"a": ["{x.y}"]})
    with pytest.raises(PromptError, match="not 'jinja2'"):
        DictPromptTemplate(template={"a": "x"}, template_format="jinja2")


def test_an_image_has_a_url_and_perhaps_a_detail() -> None:
    prompt = ImagePromptTemplate(template={"url": "{place}/x.png"})
    assert prompt.input_variables == ["place"]
    assert prompt.format(place="http://u") == {"url": "http://u/x.png"}
    assert prompt.format(place="p", detail="high") == {"url": "p/x.png", "detail": "high"}
    assert prompt.invoke({"place": "p"}).to_string() == "p/x.png"


@pytest.mark.parametrize("template", [{"path": "/etc/passwd"}, {"url": "{url}"}])
def test_an_image_is_not_read_from_a_path_and_its_variables_do_not_hide_its_arguments(template: Any) -> None:
    with pytest.raises(PromptError):
        ImagePromptTemplate(template=template)


def test_an_image_without_a_url_is_refused() -> None:
    with pytest.raises(PromptError, match="needs a 'url'"):
        ImagePromptTemplate(template={"detail": "low"}).format()


def test_a_document_fills_a_prompt_with_its_text_and_metadata() -> None:
    document = Document("text", metadata={"page": 1, "other": 2})
    prompt = PromptTemplate.from_template("{page_content} {page}")
    assert format_document(document, prompt) == asyncio.run(aformat_document(document, prompt)) == "text 1"
    with pytest.raises(MissingVariableError, match="needs 'year' of each document"):
        format_document(document, PromptTemplate.from_template("{year}"))


@pytest.mark.parametrize(
    ("template", "template_format"), [("{b} {a} {a}", "f-string"), ("{{a}}", "mustache"), ("{{a}}", "jinja2")]
)
def test_the_variables_of_a_template_are_those_the_peer_finds(template: str, template_format: str) -> None:
    found = ours.get_template_variables(template, template_format)
    assert found == peer.get_template_variables(template, template_format)


def test_a_template_is_checked_against_the_given_variables() -> None:
    ours.check_valid_template("{a}", "f-string", ["a", "b"])
    for template_format in ("f-string", "mustache", "other"):
        with pytest.raises(PromptError):
            ours.check_valid_template("{a}", template_format, ["b"])
    with pytest.warns(UserWarning, match="not given: \\['a'\\]"):
        ours.check_valid_template("{{a}}", "jinja2", [])


def test_formatters_fill_a_text() -> None:
    assert ours.jinja2_formatter("{{ a }}{{ b }}", a=1) == "1"
    assert ours.mustache_formatter("{{ a }}{{ b }}", a=1) == "1"
    assert ours.mustache_template_vars("{{a.b}}{{c}}") == {"a", "c"}
    assert ours.validate_f_string_template("{b}{a}") == ["a", "b"]


@pytest.mark.parametrize(("child", "parent"), [([1], [1, 2]), ([1, 3], [1, 2]), ([], [1]), ([1, 2, 3], [1, 2])])
def test_is_subsequence_means_what_it_means_for_the_peer(child: list[int], parent: list[int]) -> None:
    assert ours.is_subsequence(child, parent) == peer.is_subsequence(child, parent)


def test_the_schema_of_a_mustache_template_nests_as_the_peers_does() -> None:
    template = "{{a.b}}{{#c}}{{d}}{{/c}}{{x}}"
    assert ours.mustache_schema(template).model_json_schema() == peer.mustache_schema(template).model_json_schema()
