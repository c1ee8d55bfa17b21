"""Parsers that ask a model again, and parsers of enums, times and patterns."""

from datetime import datetime
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from prill.errors import ConfigError, OutputParserException
from prill.language_models import FakeListChatModel
from prill.output_parsers import (
    DatetimeOutputParser,
    EnumOutputParser,
    JsonOutputParser,
    OutputFixingParser,
    PydanticOutputParser,
    RegexParser,
    RetryOutputParser,
)
from prill.prompts import PromptTemplate
from prill.runnables import RunnableLambda, RunnableParallel
from prill.testing.check import check_runnable


class Row(BaseModel):
    a: int


ROW = PydanticOutputParser(pydantic_object=Row)


def test_a_bad_text_is_mended_by_the_model(colour: Any) -> None:
    asked: list[str] = []

    def model(question: str) -> str:
        asked.append(question)
        return '{"a": 2}'

    parser: Any = OutputFixingParser.from_llm(RunnableLambda(model), ROW)
    assert colour.invoke(parser, '{"a": 1}') == Row(a=1)
    assert asked == []
    assert colour.invoke(parser, '{"a": "x"}') == Row(a=2)
    [question] = asked
    assert '{"a": "x"}' in question
    assert "a: Input should be a valid integer" in question
    assert ROW.get_format_instructions() in question
    assert colour.stream(parser, ['{"a', '": "x"}']) == [Row(a=2)]


def test_the_last_error_is_raised() -> None:
    parser: Any = OutputFixingParser.from_llm(FakeListChatModel(responses=["no", "neither"]), ROW, max_retries=2)
    with pytest.raises(OutputParserException, match="found 'neither'"):
        parser.parse("nothing")
    none: Any = OutputFixingParser.from_llm(FakeListChatModel(responses=['{"a": 1}']), ROW, max_retries=0)
    with pytest.raises(OutputParserException, match="found 'nothing'"):
        none.invoke("nothing")
    with pytest.raises(ConfigError, match="needs a parser"):
        OutputFixingParser.from_llm(FakeListChatModel(responses=[]), 7)


def test_a_prompt_of_one_s_own() -> None:
    prompt = PromptTemplate.from_template("{instructions}|{completion}|{error}")
    model = RunnableLambda(lambda value: '{"a": 3}' if "|no|" in value.to_string() else "")
    parser: Any = OutputFixingParser.from_llm(model, ROW, prompt)
    assert parser.invoke("no") == Row(a=3)


def test_a_retry_asks_the_first_question_again(colour: Any) -> None:
    asked: list[str] = []

    def model(question: str) -> str:
        asked.append(question)
        return '{"a": 2}'

    parser: Any = RetryOutputParser.from_llm(RunnableLambda(model), ROW)
    prompt = PromptTemplate.from_template("How many {what}?")
    chain = RunnableParallel(completion=RunnableLambda(lambda x: "some"), prompt=prompt) | parser
    assert colour.invoke(chain, {"what": "cats"}) == Row(a=2)
    assert "How many cats?" in asked[0]
    assert "some" in asked[0]
    assert parser.parse_with_prompt('{"a": 5}', prompt.format_prompt(what="dogs")) == Row(a=5)
    with pytest.raises(ConfigError, match="'completion' and 'prompt'"):
        parser.invoke("text")
    with pytest.raises(NotImplementedError, match="parse_with_prompt"):
        parser.parse("text")


def test_mending_keeps_the_promises_of_runnables() -> None:
    fake = RunnableLambda(lambda question: '{"a": 2}')
    check_runnable(OutputFixingParser.from_llm(fake, JsonOutputParser()), "no", expected={"a": 2}, pieces=["n", "o"])
    given = {"completion": "no", "prompt": "?"}
    check_runnable(RetryOutputParser.from_llm(fake, JsonOutputParser()), given, expected={"a": 2})


class Color(Enum):
    RED = "red"
    DARK = "dark blue"


@pytest.mark.parametrize("text", ["dark blue", " dark blue\n", "Dark Blue.", '"dark blue"', "**dark blue**"])
def test_an_enum_is_read_with_what_models_write_around_it(colour: Any, text: str) -> None:
    assert colour.invoke(EnumOutputParser(enum=Color), text) is Color.DARK


def test_what_is_no_member_is_an_error_that_lists_them() -> None:
    parser = EnumOutputParser(enum=Color)
    with pytest.raises(OutputParserException, match="expected one of red, dark blue, but found 'blue'"):
        parser.invoke("blue")
    assert "red, dark blue" in parser.get_format_instructions()
    with pytest.raises(ValidationError, match="must be texts"):
        EnumOutputParser(enum=Enum("Number", {"ONE": 1}))
    check_runnable(parser, "red", expected=Color.RED)


def test_times() -> None:
    parser = DatetimeOutputParser()
    check_runnable(parser, " 2024-02-29T13:05:09.250000Z\n", expected=datetime(2024, 2, 29, 13, 5, 9, 250_000))
    assert parser.parse(parser._example()) == datetime(2024, 2, 29, 13, 5, 9, 250_000)
    assert "2024-02-29" in parser.get_format_instructions()
    with pytest.raises(OutputParserException, match="expected a time as '%Y', for example 2024, but found 'soon'"):
        DatetimeOutputParser(format="%Y").invoke("soon")


def test_patterns() -> None:
    pair = RegexParser(regex=r"(\w+): (\d+)", output_keys=["name", "size"])
    check_runnable(pair, "It is Paris: 12.", expected={"name": "Paris", "size": "12"})
    assert RegexParser(regex=r"(?P<name>\w+)!").parse("so Paris!") == {"name": "Paris"}
    with pytest.raises(OutputParserException, match="is not in 'nothing'"):
        pair.parse("nothing")
    lenient = RegexParser(regex=r"(\w+): (\d+)", output_keys=["name", "size"], default_output_key="size")
    assert lenient.parse("nothing") == {"name": "", "size": "nothing"}
    for wrong in ({"regex": "("}, {"regex": "x"}, {"regex": "(x)", "output_keys": ["a"], "default_output_key": "b"}):
        with pytest.raises(ValidationError):
            RegexParser(**wrong)
