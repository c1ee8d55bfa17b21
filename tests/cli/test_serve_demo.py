"""``prill demo --serve``: pages to try three chains, without a key."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.helpers import requires
from tests.serve.browser import chromium, opened
from tests.serve.chains import ask, events

from prill.cli.demo_replies import ENGLISH


@pytest.fixture(scope="module")
def pages() -> Iterator[list[str]]:
    """The addresses that the command prints."""
    command = [sys.executable, "-m", "prill", "demo", "--serve", "--scripted", "--port", "0", "--pace", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline().strip() for _ in range(4)]
        try:
            yield lines[:3]
        finally:
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
    assert "Traceback" not in said


def output(page: str, input: object) -> object:
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/\w+)/playground/", page)
    assert found is not None
    answer = ask(int(found[1]), f"{found[2]}/stream_events", {"input": input})
    return [data["data"] for name, data in events(answer.text) if name == "data"][-1]["output"]


def test_each_page_has_a_chain_that_answers_whatever_is_asked(pages):
    joke, countries, chat = pages
    assert output(joke, {"topic": "owls"}) == "".join(ENGLISH.joke)
    assert "countries" in output(countries, {"question": "countries and their populations"})
    said = output(chat, {"messages": [{"type": "human", "content": "four"}]})
    assert said["messages"][-1]["content"].strip() == "That has 4 letters ."


@requires("chromium")
def test_a_page_streams(pages):
    with chromium() as browser, opened(browser, pages[0], locale="en-US") as page:
        from playwright.sync_api import expect

        page.locator("#fields textarea").fill("parrots")
        page.locator("#run").click()
        expect(page.locator("#output")).to_contain_text("pet shop")
        expect(page.locator("#tree .step").first).to_contain_text("/joke")
