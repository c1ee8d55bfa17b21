"""``prill demo``: what it shows, and that it shows what it runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from prill.cli.commands import DEFAULT_PACE, app
from prill.cli.demo import run_demo, scripted_model
from prill.cli.demo_replies import CHINESE, ENGLISH, LANGUAGES, Texts


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["demo", "--scripted", "--pace", "0", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def english() -> str:
    return shown()


@pytest.fixture(scope="module")
def chinese() -> str:
    return shown("--lang", "zh")


def test_it_says_first_which_model_it_talks_to(english: str, chinese: str) -> None:
    assert english.startswith("Model: scripted answers over real HTTP on this machine")
    assert chinese.startswith("模型：")


def test_the_joke_comes_in_pieces(english: str, chinese: str) -> None:
    assert "\nHere|'s| a| joke| about| a| par|rot|:|\n\nA man| goes| to| a| pet| shop|" in english
    assert 'just| as| well| as| that| other| par|rot|,| an|d you| only| pai|d $|20| |for| me|!"|' in english
    assert "一个|人|去|宠|物|店|买|鹦|鹉|。|店|员|说|：“|这|只|鹦|鹉|会|说|话|。”|\n|买|回|家|" in chinese


def grown(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("{")]


def test_the_json_grows_value_by_value(english: str) -> None:
    france = "{'name': 'France', 'population': 67413000}"
    spain = "{'name': 'Spain', 'population': 47351567}"
    inner = [
        "",
        "{}",
        "{'name': ''}",
        "{'name': 'France'}",
        "{'name': 'France', 'population': 67}",
        "{'name': 'France', 'population': 67413}",
        france,
        f"{france}, {{}}",
        f"{france}, {{'name': ''}}",
        f"{france}, {{'name': 'Spain'}}",
        f"{france}, {{'name': 'Spain', 'population': 47}}",
        f"{france}, {{'name': 'Spain', 'population': 47351}}",
        f"{france}, {spain}",
        f"{france}, {spain}, {{}}",
        f"{france}, {spain}, {{'name': ''}}",
        f"{france}, {spain}, {{'name': 'Japan'}}",
        f"{france}, {spain}, {{'name': 'Japan', 'population': 125}}",
        f"{france}, {spain}, {{'name': 'Japan', 'population': 125584}}",
        f"{france}, {spain}, {{'name': 'Japan', 'population': 125584000}}",
    ]
    assert grown(english) == ["{}", *[f"{{'countries': [{countries}]}}" for countries in inner]]


def test_the_chinese_numbers_grow_as_they_do_there(chinese: str) -> None:
    assert "{'countries': [{'name': 'France', 'population': 670810}]}" in grown(chinese)
    assert grown(chinese)[-1].endswith(
        "{'name': 'Spain', 'population': 46733038}, {'name': 'Japan', 'population': 126300000}]}"
    )
    assert len(grown(chinese)) == 20


def test_the_generator_puts_out_each_name_once(english: str) -> None:
    assert "\nFrance|Spain|Japan|\n" in english


def test_two_chains_at_once_are_shown_by_key(english: str) -> None:
    lines = [line for line in english.splitlines() if line.startswith(("sky: ", "fish: "))]
    for key, pieces in (("sky", ENGLISH.sky), ("fish", ENGLISH.fish)):
        said = [line for line in lines if line.startswith(f"{key}: ")]
        assert [piece for piece in said if piece != f"{key}: ''"] == [f"{key}: {piece!r}" for piece in pieces]


def test_the_lines_that_are_shown_are_lines_that_run(english: str) -> None:
    code = [line[4:] for line in english.splitlines() if line.startswith("    ")]
    assert "from prill import ChatPromptTemplate, JsonOutputParser, RunnableParallel, StrOutputParser" in code
    assert 'prompt = ChatPromptTemplate.from_template("tell me a joke about {topic}")' in code
    shown: list[object] = []
    with scripted_model(ENGLISH, 0) as model:
        exec("\n".join(code), {"model": model, "show": shown.append, "print": lambda *said, **how: shown.extend(said)})
    assert {"Spain", "Here", "{}"} <= {str(each) for each in shown}


@pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES)
def test_a_terminal_gets_colours_and_live_columns(texts: Texts) -> None:
    screen = io.StringIO()
    run_demo(texts, None, 0, Console(file=screen, force_terminal=True, width=100))
    text = screen.getvalue()
    assert "\x1b[" in text
    assert " sky " in text
    assert " fish " in text
    assert "─" in text


def test_the_default_pace_shows_all_in_some_ten_seconds() -> None:
    for texts in (ENGLISH, CHINESE):
        events = len(texts.joke) + 2 * len(texts.countries) + max(9 * len(texts.sky), 2 * len(texts.fish))
        assert events * DEFAULT_PACE < 12


def test_an_unscripted_question_is_echoed() -> None:
    with scripted_model(ENGLISH, 0) as model:
        assert model.invoke("Anyone there?").content == "Anyone there?"
