"""Nothing hangs, whatever threads, signals, forks and consumers do, and in whatever order locks are taken.

Each scenario runs in a process of its own: one that hangs dumps the stacks of all its threads, and fails.
``make test`` runs each for a moment, ``make soak`` for a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers import require

SCENARIO = Path(__file__).with_name("scenarios.py")
SOAK = "PRILL_SOAK" in os.environ
SECONDS = 60.0 if SOAK else 1.5
NAMES = ["batches", "streams", "limits", "hooks", "pools", "loops", "signals", "interrupts", "forks", "locks"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_hangs_and_every_run_ends(name: str) -> None:
    if name in ("forks", "interrupts", "signals"):
        require("fork")
    seed = os.environ.get("PRILL_STRESS_SEED", "1")
    done = subprocess.run(
        [sys.executable, str(SCENARIO), name, str(SECONDS), seed], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{name} with seed {seed}:\n{done.stderr[-20000:]}"
