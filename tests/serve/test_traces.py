"""The trace viewer shows recorded runs in a browser, and answers nobody but its own page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.browser import chromium, opened
from tests.serve.serving import Served, serving

from prill import init_chat_model, record, tool
from prill.agents import create_agent
from prill.errors import ConfigError
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.serve.traces import TraceViewer
from prill.testing import ReplayServer, Reply


def fail(text: str) -> str:
    raise ValueError("the reason <b>")


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture(scope="module")
def served(provider: ReplayServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("traces") / "runs.db"

    def make_model(spec: str, **settings: Any) -> Any:
        return init_chat_model(spec, base_url=provider.openai_url, api_key="none", **settings)

    record_runs(path, make_model("openai:small"), provider)
    viewer = TraceViewer(str(path), {"small": (1.0, 2.0)}, make_model)
    with serving(viewer) as served:
        yield served
    viewer.close()


def record_runs(path: Path, model: Any, provider: ReplayServer) -> None:
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "Greet {name}.")]) | model

    @tool
    def search(query: str) -> str:
        """Search the archive."""
        return str((chain | (lambda message: message.text)).invoke({"name": query}))

    agent = create_agent(model, [search], name="researcher")
    with record(to=path):
        for name in ("Ann", "Bob"):
            provider.reply("Hello", f" {name}", "!")
            list(chain.stream({"name": name}, {"run_name": f"greet {name}", "tags": ["greeting"]}))
        with pytest.raises(ValueError, match="the reason"):
            RunnableLambda(fail).invoke("x", {"run_name": "failing"})
        first = Reply(tool_calls=[{"name": "search", "args": {"query": "owls"}}])
        provider.queue(first, Reply(["Three", " reports"]), Reply(["There are three reports on owls."]))
        agent.invoke({"messages": [("human", "How many reports on owls?")]})


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def wait_for_count(page: Any, selector: str, count: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(count)


def test_the_list_is_filtered_and_a_run_is_opened(served: Served, browser: Any) -> None:
    with opened(browser, served.url) as page:
        page.locator(".root").nth(3).wait_for()
        page.fill("#by-name", "greet")
        wait_for_count(page, ".root", 2)
        page.select_option("#state", "error")
        page.locator("#list .note").wait_for()
        page.fill("#by-name", "")
        page.click(".root.failed button")
        assert page.locator(".more pre.bad").inner_text() == "ValueError: the reason <b>"


def test_a_tree_shows_times_tokens_cost_and_messages(served: Served, browser: Any) -> None:
    with opened(browser, served.url) as page:
        page.click("text=greet Ann")
        page.locator(".tree .line").nth(2).wait_for()
        note = page.locator("section h2 .note").inner_text()
        assert "tokens in" in note
        assert "cost" in note
        page.locator(".tree .line").nth(2).click()
        shown = page.locator(".more").nth(2).locator(".said").all_inner_texts()
        assert [each.split("\n")[-1] for each in shown] == ["Be brief.", "Greet Ann.", "Hello Ann!"]


def test_two_runs_are_shown_side_by_side_with_what_differs(served: Served, browser: Any) -> None:
    with opened(browser, served.url) as page:
        page.fill("#tag", "greeting")
        wait_for_count(page, ".root", 2)
        for number in (0, 1):
            page.locator(".root input").nth(number).check()
        page.click("#compare")
        wait_for_count(page, "#shown.two section", 2)
        assert page.locator(".line.differs").count() > 2


def test_a_call_is_replayed_with_another_prompt(served: Served, browser: Any, provider: ReplayServer) -> None:
    with opened(browser, served.url) as page:
        page.click("text=greet Bob")
        page.locator(".tree .line").nth(2).click()
        page.click(".replay button")
        page.locator(".replay textarea").nth(1).fill("Say goodbye.")
        provider.reply("Goodbye", " Bob")
        page.click(".replay button.main")
        page.locator(".replay .said").wait_for()
        assert page.locator(".replay .said pre").inner_text() == "Goodbye Bob"
    assert b"Say goodbye." in provider.requests[-1].body


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "locale"), [(1280, "en-US"), (390, "zh-CN")])
def test_it_fits_a_phone_in_both_languages_and_schemes(
    served: Served, browser: Any, tmp_path: Path, width: int, locale: str, scheme: str
) -> None:
    options: Any = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "locale": locale}
    with opened(browser, served.url, **options) as page:
        assert page.locator("#list-title").inner_text() == ("运行" if locale == "zh-CN" else "Runs")
        page.locator(".root button").first.click()
        page.locator(".tree .line").nth(3).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('.bar')].every((bar) => bar.clientHeight > 0)")
        page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)


def test_requests_for_other_hosts_and_from_other_sites_are_refused(served: Served) -> None:
    assert httpx.get(f"{served.url}/api/runs", headers={"host": "evil.example"}).status_code == 400
    token = httpx.get(f"{served.url}/api/session").json()["token"]
    replay, asked = f"{served.url}/api/replay", {"id": "x", "messages": []}
    assert httpx.post(replay, json=asked).status_code == 403
    foreign = {"prill-token": token, "origin": "http://evil.example"}
    assert httpx.post(replay, json=asked, headers=foreign).status_code == 403
    assert httpx.post(replay, json=asked, headers={"prill-token": token}).status_code == 404
    assert httpx.post(replay, content=b"{", headers={"prill-token": token}).status_code == 400
    page = httpx.get(served.url)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert httpx.get(f"{served.url}/..%2fviewer.py").status_code == 404
    assert httpx.get(f"{served.url}/api/runs?since=soon").status_code == 400


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        TraceViewer(os.fspath(tmp_path / "none.db"))
