"""The page of recorded runs in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import requires
from tests.serve.browser import chromium, opened
from tests.serve.serving import Served, serving
from tests.traces.recorded import joke, model

from prill.agents import create_agent
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer, Reply
from prill.tools import tool
from prill.traces import record
from prill.traces.app import make_app
from prill.traces.file import TraceFile
from prill.traces.writer import Writer

pytestmark = requires("chromium")

MANY = 10_000


@tool
def search(query: str) -> str:
    """Search the archive."""
    return f"3 reports on {query}"


def answer(request: Any) -> Reply:
    last = request.json["messages"][-1]
    if request.json.get("tools") and last["role"] != "tool":
        return Reply("Let me look.", tool_calls=[{"name": "search", "args": {"query": "llamas"}}])
    return Reply(["You said: ", str(last["content"])])


def fail(text: str) -> str:
    raise ValueError("the reason")


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        server.replies(answer)
        yield server


@pytest.fixture(scope="module")
def path(provider: ReplayServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("traces") / "runs.db"
    chain = joke(provider)
    with record(to=path):
        list(chain.stream({"topic": "bears"}, {"run_name": "first joke", "tags": ["fun"]}))
        list(chain.stream({"topic": "llamas"}, {"run_name": "second joke"}))
        create_agent(model(provider), [search], name="agent").invoke({"messages": [("human", "Hi")]})
        with pytest.raises(ValueError, match="the reason"):
            RunnableLambda(fail).invoke("x", {"run_name": "failing"})
        RunnableLambda(len).invoke("<b>long</b> " * 900_000, {"run_name": "long"})
    return path


@pytest.fixture(scope="module")
def served(path: Path) -> Iterator[Served]:
    with serving(make_app(path)) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    with opened(browser, served.url, locale="en-GB", viewport={"width": 1280, "height": 900}) as page:
        yield page


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


def names(page: Any) -> Any:
    return page.locator("#list .title b")


def choose(page: Any, name: str, step: str | None = None) -> None:
    page.locator(".item", has_text=name).first.click()
    expect(page.locator("#tree-title")).to_have_text(name)
    if step is not None:
        page.locator(".line", has_text=step).first.click()
        expect(page.locator("#run-title")).to_have_text(step)


def test_the_list_shows_the_newest_first_with_tokens_and_cost(page: Any) -> None:
    expect(names(page).first).not_to_have_text("first joke")
    expect(page.locator(".item", has_text="first joke")).to_contain_text(re.compile(r"\d+ → \d+ tokens · \$0\.0+\d+"))
    expect(page.locator(".item", has_text="failing")).to_contain_text("ValueError: the reason")


def test_filters_choose_runs(page: Any) -> None:
    page.fill("#text", "the reason")
    expect(names(page)).to_have_text(["failing"])
    page.fill("#text", "")
    page.click("#more-filters summary")
    page.select_option("#tag", "fun")
    expect(names(page)).to_have_text(["first joke"])
    page.select_option("#state", "error")
    expect(names(page)).to_have_count(0)
    expect(page.locator("#empty")).to_have_text("No run meets these filters.")
    page.click("#filters button[type=reset]")
    page.fill("#name", "JOKE")
    expect(names(page).first).to_have_text(re.compile("joke"))
    page.fill("#since", "2999-01-01T00:00")
    expect(names(page)).to_have_count(0)


def test_a_run_is_a_tree_along_time(page: Any) -> None:
    choose(page, "agent")
    expect(page.locator(".line .step")).to_have_text(["agent", "ChatOpenAI", "search", "ChatOpenAI"])
    expect(page.locator("#totals")).to_contain_text("4 steps")
    outer, inner = (page.locator(".line .bar").nth(number).bounding_box() for number in (0, 2))
    assert outer["x"] < inner["x"] < inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 3
    choose(page, "first joke")
    expect(page.locator(".line.chat_model .waiting")).to_have_count(1)


def test_messages_and_tool_calls_are_readable(page: Any) -> None:
    choose(page, "agent", "ChatOpenAI")
    expect(page.locator(".part.output .message.ai")).to_contain_text("→ search")
    expect(page.locator(".part.messages .message.human pre")).to_have_text("Hi")
    page.locator(".part.output button", has_text="As JSON").click()
    expect(page.locator(".part.output pre")).to_contain_text('"tool_calls"')


def test_a_run_has_an_address_of_its_own(page: Any) -> None:
    choose(page, "failing")
    page.reload()
    expect(page.locator("#run-title")).to_have_text("failing")
    expect(page.locator(".part.failure")).to_contain_text("ValueError: the reason")


def test_a_huge_value_is_shown_from_its_start_as_text(page: Any) -> None:
    choose(page, "long")
    shown = page.locator(".part.input pre")
    assert len(shown.inner_text()) <= 20_000
    expect(page.locator(".part.input .note")).to_contain_text("The value had 10,800,000 characters")
    page.click(".part.input button")
    assert len(shown.text_content()) > 1_000_000
    assert page.locator(".part.input b").count() == 0


def test_two_runs_are_compared_side_by_side(page: Any) -> None:
    choose(page, "first joke")
    page.click(".compare")
    expect(page.locator("#comparing")).to_contain_text("first joke")
    page.locator(".item", has_text="second joke").first.click()
    expect(page.locator("#comparison-part .sides h3")).to_have_text(["first joke", "second joke"])
    changed = page.locator(".diff-input .pair.changed mark")
    expect(changed).to_have_text(["bears", "llamas"])


def test_a_model_is_asked_again_with_another_prompt(
    page: Any, provider: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-key-of-today")
    choose(page, "first joke", "ChatOpenAI")
    page.click(".ask-again")
    expect(page.locator(".replay")).to_contain_text(provider.openai_url)
    page.locator(".replay textarea").last.fill("A joke about owls")
    page.click(".replay button.main")
    expect(page.locator(".part.output .message.ai")).to_contain_text("You said: A joke about owls")
    expect(page.locator(".part.messages .message.system")).to_contain_text("Be brief.")
    assert provider.requests[-1].headers["authorization"] == "Bearer the-key-of-today"
    page.click("text=Compare with the original")
    expect(page.locator(".diff-input .pair.changed mark")).to_have_text(["bears", "owls"])


def test_a_replay_that_is_refused_says_why(page: Any) -> None:
    choose(page, "first joke", "ChatOpenAI")
    page.click(".ask-again")
    page.fill(".other-model", "nobody:nothing")
    page.click(".replay button.main")
    expect(page.locator(".replay .bad")).to_contain_text("nobody")


def test_a_phone_shows_the_list_then_the_run(browser: Any, served: Served) -> None:
    with opened(browser, served.url, locale="zh-CN", viewport={"width": 390, "height": 844}) as page:
        expect(page.locator("h1 a")).to_have_text("运行记录")
        assert not page.locator("#detail").is_visible()
        choose(page, "agent", "search")
        assert not page.locator("#runs").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("#tree-part .back")
        expect(page.locator("#runs")).to_be_visible()


def test_colours_and_language_can_be_switched_and_are_kept(page: Any) -> None:
    page.click("#scheme")
    page.click("#language")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-scheme", "dark")
    expect(page.locator("#runs-title")).to_have_text("运行")


def test_ten_thousand_runs_are_listed_in_parts_and_a_tree_of_them_too(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    writer = Writer(str(path))
    empty = dict.fromkeys(("input", "output", "request", "metadata"))
    for number in range(MANY):
        row = {
            "id": f"r{number}",
            "name": f"run {number}",
            "kind": "chain",
            "status": "ok",
            "start": number,
            "end": number,
        }
        parent = f"r{MANY - 1}" if number % 2 else None
        writer.add({**empty, **row, "chunks": 0, "tags": "[]", "parent": parent, "root": parent or row["id"]})
    writer.add({**empty, **row, "parent": None, "root": row["id"], "start": 0, "chunks": 0, "tags": "[]"})
    assert writer.flush(60)
    with serving(make_app(path)) as served, opened(browser, served.url, locale="en-GB") as page:
        expect(names(page)).to_have_count(100)
        page.click("#next")
        expect(names(page)).to_have_count(200)
        page.click("#more-filters summary")
        page.fill("#name", "run 9999")
        expect(names(page)).to_have_text(["run 9999"])
        page.locator(".item").click()
        expect(page.locator(".line")).to_have_count(300)
        page.click("#rest")
        expect(page.locator(".line")).to_have_count(5000)
    file = TraceFile(path)
    assert len(file.list_roots({}, MANY)) == MANY // 2 + 1
    file.close()
