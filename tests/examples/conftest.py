"""The examples as a user runs them: the folder they are in, a provider, and the environment that leads to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from examples.without_a_key import keys
from tests.terminals import Terminal, on_terminal

from prill.testing import ReplayServer

EXAMPLES = Path(__file__).parents[2] / "examples"


def documented(name: str) -> str:
    """What the README shows as printed by an example."""
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {name}\..*?^```text\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


_RUN = re.compile(r"([│├└─ ]*[✓✗■] \S+) +\d.*")


def comparable(printed: str) -> list[str]:
    """The lines of what was printed, without times and what is as long as they are."""
    lines = [re.sub(r"\d:\d\d:\d\d", "0:00:00", line.rstrip()) for line in printed.rstrip().splitlines()]
    return [re.sub(r"^step .*", "step", _RUN.sub(r"\1", line)) for line in lines]


class Examples:
    """A copy of the folder ``examples`` in ``place``, whose programs talk to ``server``. They run in ``place``."""

    def __init__(self, place: Path, server: ReplayServer) -> None:
        self.place = place
        self.environment = {**keys(server), "COLUMNS": "100", "PYTHONWARNINGS": "error"}

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, f"examples/{name}.py", *arguments]

    def run(
        self, name: str, *arguments: str, typed: str = "", failing: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; ``failing`` says whether it should end as one that has failed."""
        ran = subprocess.run(
            self.command(name, *arguments),
            cwd=self.place,
            env={**os.environ, **self.environment},
            input=typed,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )
        assert ran.returncode == int(failing), ran.stderr
        assert "Warning" not in ran.stderr
        assert "Traceback" not in ran.stderr
        return ran

    @contextmanager
    def serving(self, name: str, *arguments: str) -> Iterator[str]:
        """Run a program that serves, until the ``with`` block ends; the host and port that it listens at."""
        command = self.command(name, *arguments, "--port", "0")
        environment = {**os.environ, **self.environment}
        with subprocess.Popen(
            command, cwd=self.place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            try:
                shown = []
                for line in process.stderr:
                    shown.append(line)
                    if found := re.search(r"running on http://([\d.:]+)", line):
                        yield found[1]
                        break
                else:
                    pytest.fail("".join(shown))
            finally:
                process.kill()

    def on_terminal(self, name: str, *arguments: str) -> AbstractContextManager[Terminal]:
        command = self.command(name, *arguments)
        # What draws does not draw on a "dumb" terminal.
        return on_terminal(command, more={**self.environment, "TERM": "xterm", "NO_COLOR": "1"}, place=self.place)


@pytest.fixture
def examples(tmp_path: Path, server: ReplayServer) -> Examples:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", ".index"))
    return Examples(tmp_path, server)
