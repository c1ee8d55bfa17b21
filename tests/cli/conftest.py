"""A provider, and an environment without keys."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        *("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    ):
        monkeypatch.delenv(name, raising=False)
