"""Examples without a key."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.examples.conftest import comparable, documented


def test_an_example_runs_with_prepared_words(examples):
    without = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "ANTHROPIC"))}
    ran = subprocess.run(
        [sys.executable, "examples/without_a_key.py", "extract_a_table_live"],
        cwd=examples.place,
        env={**without, "COLUMNS": "100"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert comparable(ran.stdout) == comparable(documented("extract_a_table_live"))


def test_a_name_that_is_no_example_gets_the_list(examples):
    ran = examples.run("without_a_key", "poetry", failing=True)
    assert ran.stderr.startswith("Say which: chat_with_history, rag_over_a_folder, ")
