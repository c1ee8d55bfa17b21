"""Both versions of the package ``mcp`` work the same, each in its environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import MCP_2, MCP_SERVER, PROJECT, is_demanded, is_met, require, requires

SCENARIO = Path(__file__).with_name("scenario.py")
SECOND = Path(__file__).with_name("second.txt")


def play(python: str | Path, server: Any) -> str:
    """Run the scenario with a Python and its packages; returns the version that it was run with."""
    command = [str(python), "-W", "error", str(SCENARIO), server.url, f"{MCP_SERVER} stdio"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def make_environment() -> None:
    """Install the second version, whole or not at all: another process may do the same."""
    uv = [sys.executable, "-m", "uv"]
    with tempfile.TemporaryDirectory(dir=PROJECT) as folder:
        made = Path(folder) / "made"
        subprocess.run([*uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, made], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", made / "bin" / "python", "--requirement", SECOND]
        subprocess.run(install, check=True)
        home = MCP_2.parents[1]
        shutil.rmtree(home, ignore_errors=True)
        made.rename(home)


@requires("mcp", "mcp-server-everything", "/proc")
def test_the_first_version_works(http_server: Any) -> None:
    assert play(sys.executable, http_server).startswith("1.")


@requires("mcp-server-everything", "/proc")
def test_the_second_version_works(http_server: Any) -> None:
    if not is_met("mcp-2") and is_demanded("mcp-2"):
        make_environment()
    require("mcp-2")
    version = play(MCP_2, http_server)
    assert version.startswith("2.")
    assert f"mcp=={version}\n" in SECOND.read_text("utf8")  # else: the environment is an old one, make clean
