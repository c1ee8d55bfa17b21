"""A chain on a scripted provider, and a folder to work in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import make_chain

from prill.runnables import Runnable
from prill.testing import ReplayServer


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key that models find, as on a worker, in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    return "sk-secret-of-the-test"


@pytest.fixture
def chain(server: ReplayServer) -> Runnable[Any, Any]:
    return make_chain(server.openai_url)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
