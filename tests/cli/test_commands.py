"""The commands: their options, and how failures are shown."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from runlet import __version__
from runlet.cli.commands import app
from runlet.errors import ConfigError, ModelAuthenticationError
from runlet.testing import ReplayServer


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"runlet {__version__}\n"


def test_help_names_the_commands() -> None:
    output = CliRunner().invoke(app, ["-h"]).output
    assert "demo" in output
    assert "chat" in output


def test_an_error_is_one_message_without_a_traceback() -> None:
    result = CliRunner().invoke(app, ["demo", "--model", "nonsense:model"])
    assert result.exit_code == 1
    assert result.stderr.startswith("runlet: unknown provider 'nonsense'")
    assert "Traceback" not in result.output


def test_a_providers_error_is_told_with_the_step_it_came_from(server: ReplayServer) -> None:
    server.fail(401)
    result = CliRunner().invoke(app, ["demo", "-m", "openai:gpt-4o", "--base-url", server.openai_url])
    assert result.exit_code == 1
    assert result.stderr.startswith("runlet: ")
    assert "401" in result.stderr
    assert "step 2 (ChatOpenAI)" in result.stderr
    assert result.stderr.endswith("`runlet demo --scripted` needs no provider.\n")


@pytest.mark.parametrize("command", ["demo", "chat"])
def test_debug_lets_the_error_through(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--model", "nonsense:model", "--debug"])
    assert isinstance(result.exception, ConfigError)


def test_debug_shows_a_providers_error_too(server: ReplayServer) -> None:
    server.fail(401)
    result = CliRunner().invoke(app, ["demo", "-m", "openai:gpt-4o", "--base-url", server.openai_url, "--debug"])
    assert isinstance(result.exception, ModelAuthenticationError)


def test_the_module_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "runlet", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"runlet {__version__}\n"


def test_without_typer_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None;"  # as if it were not installed
        "from runlet.cli.app import main; main()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr == "The command runlet needs typer: pip install 'runlet[cli]'\n"
