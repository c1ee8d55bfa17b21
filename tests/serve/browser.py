"""Debian's Chromium, driven by playwright."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers import require

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
]
PATIENCE = 60_000
"""Milliseconds for which something is waited for, on a busy machine."""


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; the test is skipped where there is none."""
    require("chromium")
    from playwright.sync_api import expect, sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A page in a profile of its own, which fails the test if its scripts fail or its policy is violated."""
    faults: list[str] = []
    context = browser.new_context(**options)
    try:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Security Policy" in line.text else None)
        page.goto(url)
        yield page
    finally:
        context.close()
    assert faults == []


def words_by_language(texts: Path) -> list[set[str]]:
    """The names of the words that a page's ``texts.js`` has, of English and of Chinese."""
    blocks = re.findall(r"  \w\w: \{(.*?)\n  \}", texts.read_text(), re.DOTALL)
    return [set(re.findall(r"(\w+): \"", block)) for block in blocks]
