"""The chat on `useChat` in Chromium; what the page loads from esm.sh comes from the packages that tests install."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from examples.chat_in_the_browser import PAGE
from examples.without_a_key import answer
from tests.helpers import PROJECT, require
from tests.serve.browser import chromium

from prill.testing import Faults, Reply

NODE = PROJECT / "tests" / "node"
ENTRY = """\
import * as React from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai6";
import htm from "htm";
const { createElement, useEffect, useState } = React;
export { createElement, useEffect, useState, createRoot, useChat, DefaultChatTransport };
export default htm;
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that the page imports, as one module."""
    require("node packages")
    program = NODE / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--platform=browser", '--define:process.env.NODE_ENV="production"']
    made = subprocess.run(
        [program, *options, "--log-level=error"],
        input=ENTRY,
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return made.stdout


@pytest.fixture
def address(examples: Any) -> Iterator[str]:
    with examples.serving("chat_in_the_browser", "examples/texts") as address:
        yield f"http://{address}"


@pytest.fixture
def page(address: str, bundle: str) -> Iterator[Any]:
    with chromium() as browser:
        page = browser.new_page()
        page.route(
            re.compile(r"https://esm\.sh/"),
            lambda route: route.fulfill(
                content_type="text/javascript",
                headers={"access-control-allow-origin": "*"},
                body=f'export * from "{address}/bundle.js"; export {{ default }} from "{address}/bundle.js";',
            ),
        )
        page.route(
            re.compile(r"/bundle\.js$"),
            lambda route: route.fulfill(
                content_type="text/javascript", headers={"access-control-allow-origin": "*"}, body=bundle
            ),
        )
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        yield page
        assert faults == []


def ask(page: Any, text: str) -> None:
    page.locator("input").fill(text)
    page.locator("input").press("Enter")


def see(page: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#chat")).to_contain_text(text, timeout=60_000)


def test_the_agent_answers_with_its_tools_and_the_history_outlives_the_page(page, server):
    server.replies(answer)
    ask(page, "How do bees tell each other the way?")
    see(page, 'search {"text":"dance"} → bees.md:5: A bee that has found flowers')
    see(page, "By dancing: the angle is the way, the time is how far.")
    see(page, "Ask")
    page.reload()
    see(page, "By dancing: the angle is the way")
    ask(page, "Thank you")
    see(page, "Thank youThank you")
    roles = [message["role"] for message in server.requests[-1].json["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_a_page_that_is_loaded_again_shows_the_turn_once_and_stop_ends_it(page, server):
    server.queue(Reply(["Blue ", "light"], faults=Faults(stall_at=3)))
    ask(page, "Why is the sky blue?")
    see(page, "Blue light")
    page.reload()
    see(page, "Blue light")
    assert page.locator("article").all_inner_texts() == ["Why is the sky blue?", "Blue light"]
    assert (server.open_streams, server.closed_early) == (1, 0)
    page.get_by_role("button", name="Stop").click()
    assert server.wait_closed(60)
    assert server.closed_early == 1


def test_the_page_loads_from_one_place_only():
    assert set(re.findall(r"https://([^/\"]+)", PAGE)) == {"esm.sh"}
