"""``tests/types`` says the same to pyright as to mypy; ``make lint`` runs mypy on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.helpers import PROJECT, find_pyright, require


def test_pyright_infers_the_types_that_mypy_infers(tmp_path: Path) -> None:
    require("pyright")
    command = find_pyright()
    assert command is not None
    config = {
        "include": [str(PROJECT / "tests" / "types")],
        "extraPaths": [str(PROJECT / "src")],
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
