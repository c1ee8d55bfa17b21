"""``tests/types`` says the same to pyright as to mypy; ``make lint`` runs mypy on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def find_pyright() -> str | None:
    """The command: ``PRILL_PYRIGHT``, one in ``node_modules``, or one on the path."""
    own = ROOT / "node_modules" / ".bin" / "pyright"
    return os.environ.get("PRILL_PYRIGHT") or (str(own) if own.exists() else shutil.which("pyright"))


def test_pyright_infers_the_types_that_mypy_infers(tmp_path: Path) -> None:
    command = find_pyright()
    if command is None:
        message = "pyright is not installed: npm install pyright, or set PRILL_PYRIGHT to its command"
        if os.environ.get("PRILL_REQUIRE") == "all":
            pytest.fail(message)
        pytest.skip(message)
    config = {
        "include": [str(ROOT / "tests" / "types")],
        "extraPaths": [str(ROOT / "src")],
        "pythonVersion": "3.11",
    }
    path = tmp_path / "pyrightconfig.json"
    path.write_text(json.dumps(config))
    asked = [command, "--project", str(path), "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=False)
    found = [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in json.loads(done.stdout)["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    assert not found, "\n".join(found)
