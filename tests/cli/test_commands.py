"""The commands: their options, and how failures are shown."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from prill import __version__
from prill.cli.commands import app
from prill.errors import ConfigError, ModelAuthenticationError
from prill.testing import ReplayServer


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"prill {__version__}\n"


def test_help_names_the_commands() -> None:
    output = CliRunner().invoke(app, ["-h"]).output
    assert "demo" in output
    assert "chat" in output


def test_an_error_is_one_message_without_a_traceback() -> None:
    result = CliRunner().invoke(app, ["demo", "--model", "nonsense:model"])
    assert result.exit_code == 1
    assert result.stderr.startswith("prill: unknown provider 'nonsense'")
    assert "Traceback" not in result.output


def test_a_providers_error_is_told_with_the_step_it_came_from(server: ReplayServer) -> None:
    server.fail(401)
    result = CliRunner().invoke(app, ["demo", "-m", "openai:gpt-4o", "--base-url", server.openai_url])
    assert result.exit_code == 1
    assert result.stderr.startswith("prill: ")
    assert "401" in result.stderr
    assert "step 2 (ChatOpenAI)" in result.stderr
    assert result.stderr.endswith("`prill demo --scripted` needs no provider.\n")


@pytest.mark.parametrize("command", ["demo", "chat"])
def test_debug_lets_the_error_through(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--model", "nonsense:model", "--debug"])
    assert isinstance(result.exception, ConfigError)


def test_debug_shows_a_providers_error_too(server: ReplayServer) -> None:
    server.fail(401)
    result = CliRunner().invoke(app, ["demo", "-m", "openai:gpt-4o", "--base-url", server.openai_url, "--debug"])
    assert isinstance(result.exception, ModelAuthenticationError)


def test_the_module_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "prill", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"prill {__version__}\n"


def test_commands_load_what_they_need_alone() -> None:
    code = """
import sys
sys.argv[1:] = ["--version"]
from prill.cli import main
main()
print({"typer", "rich", "pydantic"} & set(sys.modules))
import prill.cli.commands
print({"rich.console", "pydantic", "aiohttp", "starlette", "prompt_toolkit"} & set(sys.modules))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == f"prill {__version__}\nset()\nset()\n"


def test_without_typer_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None;"  # as if it were not installed
        "from prill.cli import main; main()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr == "The command prill needs typer: pip install 'prill[cli]'\n"
