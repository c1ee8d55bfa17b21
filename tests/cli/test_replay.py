"""``prill replay``: a provider for trying programs without a key."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prill.anthropic import ChatAnthropic
from prill.cli.commands import app
from prill.openai import ChatOpenAI

PATIENCE = 60


@contextmanager
def replaying(*arguments: str) -> Iterator[str]:
    """The address of a server that the command started; it is ended as by Ctrl-C."""
    command = [sys.executable, "-m", "prill", "replay", "--port", "0", "--pace", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield found.group()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        process.stdout.close()


def test_a_script_is_served_to_models_of_both_vendors(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('["Hello there!", {"text": "And again."}]')
    with replaying(str(script)) as url:
        openai = ChatOpenAI(base_url=f"{url}/v1", api_key="sk-123456")  # type: ignore[arg-type]  # as users do
        anthropic = ChatAnthropic(model="any", base_url=url, api_key="sk-123456")  # type: ignore[arg-type]  # as above
        assert openai.invoke("Hi").content == "Hello there!"
        assert "".join(str(chunk.text) for chunk in anthropic.stream("Hi")) == "And again."
        openai.close()
        anthropic.close()


def test_without_a_script_questions_are_echoed() -> None:
    with replaying() as url:
        model = ChatOpenAI(base_url=f"{url}/v1", api_key="sk-123456")  # type: ignore[arg-type]  # as users do
        assert model.invoke("What I say").content == "What I say"
        model.close()


def test_a_script_that_cannot_be_used_is_one_message(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "none.json")])
    assert result.exit_code == 1
    assert "none.json cannot be read" in result.output


@pytest.mark.parametrize("name", ["openai:gpt-4o", "anthropic:claude", "groq:llama"])
def test_a_chat_without_a_key_says_so_at_its_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    result = CliRunner().invoke(app, ["chat", "-m", name], input="never read\n")
    assert result.exit_code == 1
    assert f"{name.partition(':')[0].upper()}_API_KEY" in result.output
    assert "never read" not in result.output
