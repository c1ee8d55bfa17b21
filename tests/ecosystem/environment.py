"""The environment of ``make ecosystem``: the packages in fixed versions, and their source distributions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from packages import PACKAGES

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
HOME = PROJECT / ".ecosystem"
PYTHON = HOME / "venv" / "bin" / "python"
LOCK = HERE / "requirements.txt"

_FETCH = (
    "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
    "--no-build-isolation", "--dest",
)  # fmt: skip


def prepare() -> None:
    """Make the environment, unless it is there and made from the same list."""
    made = HOME / "requirements.txt"
    if not made.exists() or made.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(HOME / "venv", ignore_errors=True)
        _run("uv", "venv", "--quiet", "--python", sys.executable, str(HOME / "venv"))
        _run("uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON), "-r", str(LOCK))
        shutil.copy(LOCK, made)
    _run("uv", "pip", "install", "--quiet", "--no-deps", "--python", str(PYTHON), "--editable", str(PROJECT))


def versions() -> dict[str, str]:
    """The versions of the list, by package."""
    return dict(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", LOCK.read_text("utf8"), re.MULTILINE))


def sources(name: str) -> Path:
    """The unpacked source distribution of a package, fetched if it is not there."""
    wanted = f"{name.replace('-', '_')}-{versions()[name]}"
    folder = HOME / "src" / wanted
    if not folder.exists():
        archives = HOME / "sdists"
        if not (archives / f"{wanted}.tar.gz").exists():
            _run(str(PYTHON), *_FETCH, str(archives), f"{name}=={versions()[name]}")
        with tarfile.open(archives / f"{wanted}.tar.gz") as archive:
            archive.extractall(HOME / "src", filter="data")
    return folder


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    prepare()
    for package in PACKAGES:
        print(sources(package.name))
