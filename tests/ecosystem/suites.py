"""Running a package's unit tests, with the real core or with Prill under its name."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from environment import HOME, PYTHON, sources
from packages import Package

_OPTIONS = (
    "-q", "-o", "addopts=", "-o", "asyncio_mode=auto", "-W", "ignore", "-p", "no:cacheprovider",
    "-p", "no:langsmith_plugin", "-p", "no:codspeed", "--benchmark-disable", "--disable-socket", "--allow-unix-socket",
    "--allow-hosts=127.0.0.1,localhost,::1", "--timeout=60", "--continue-on-collection-errors", "--tb=short",
)  # fmt: skip

_ENVIRONMENT = {
    "LANGSMITH_TRACING": "false",
    "NO_DOCKER": "true",
    "PYTHONHASHSEED": "0",  # names of tests may depend on the order of a set
    "TIKTOKEN_CACHE_DIR": str(HOME / "tiktoken"),
}


class Outcome(NamedTuple):
    """What a suite did: the tests that passed, those that failed with their reasons, and the seconds that it took."""

    passed: frozenset[str]
    failed: dict[str, str]
    seconds: float


def run_suite(package: Package, core: str, *, limit: float = 1500) -> Outcome:
    """Run the tests of a package with a ``core``: ``"native"`` or ``"prill"``.

    The whole output is kept as ``results/<package>-<core>.txt`` in the environment's folder.
    """
    results = HOME / "results" / f"{package.name}-{core}.xml"
    results.parent.mkdir(exist_ok=True)
    results.unlink(missing_ok=True)
    # Not with the plugin: a filter of warnings in a package's settings may import the core before any plugin.
    start = ("-m", "prill.compat", "--core", "-m", "pytest") if core == "prill" else ("-m", "pytest")
    chosen = ["-k", " and ".join(f"not {name}" for name in package.hanging)] if package.hanging else []
    command = [str(PYTHON), *start, *_OPTIONS, f"--junitxml={results}", *chosen, *package.tests]
    started = time.monotonic()
    with results.with_suffix(".txt").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=sources(package.name),
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
    return _read(results, time.monotonic() - started)


def read_suite(package: Package, core: str) -> Outcome | None:
    """What the last run of a suite did; ``None`` if there was none."""
    results = HOME / "results" / f"{package.name}-{core}.xml"
    return _read(results, None) if results.exists() else None


def _read(results: Path, seconds: float | None) -> Outcome:
    if not results.exists():
        return Outcome(frozenset(), {"(the whole suite)": "it did not end"}, seconds or 0.0)
    root = ET.parse(results).getroot()
    passed, failed = set(), {}
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
        if problem is not None:
            failed[name] = (problem.get("message") or problem.text or "").strip()
        elif case.find("skipped") is None:
            passed.add(name)
    took = sum(float(suite.get("time") or 0) for suite in root.iter("testsuite"))
    return Outcome(frozenset(passed - set(failed)), failed, seconds if seconds is not None else took)


if __name__ == "__main__":
    from packages import PACKAGES

    core, *names = sys.argv[1:]
    for each in PACKAGES:
        if not names or each.name in names:
            outcome = run_suite(each, core)
            print(
                f"{each.name:42}{len(outcome.passed):6} passed {len(outcome.failed):5} failed {outcome.seconds:7.0f} s"
            )
            sys.stdout.flush()
