"""What is published: one wheel, and one source distribution from which the same wheel is built."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from tests.dist import build, find_interpreters, is_version
from tests.helpers import PROJECT

from prill import __version__


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], Message]:
    """The names in the wheel and in the source distribution, and the wheel's metadata."""
    wheel, source = build(Path(sys.executable), tmp_path_factory.mktemp("dist"))
    assert wheel.name == f"prill-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as opened:
        packed = opened.namelist()
        metadata = email.message_from_bytes(opened.read(f"prill-{__version__}.dist-info/METADATA"))
    with tarfile.open(source) as unpacked:
        names = [name.partition("/")[2] for name in unpacked.getnames()]
    return packed, names, metadata


def test_the_wheel_has_the_package_its_marker_of_types_and_its_licence(
    archives: tuple[list[str], list[str], Message],
) -> None:
    packed, _, _ = archives
    sources = {str(path.relative_to(PROJECT / "src")) for path in (PROJECT / "src" / "prill").rglob("*.py")}
    assert sources <= set(packed)
    assert {"prill/py.typed", f"prill-{__version__}.dist-info/licenses/LICENSE"} <= set(packed)
    assert {name.partition("/")[0] for name in packed} == {"prill", f"prill-{__version__}.dist-info"}
    assert [name for name in packed if "__pycache__" in name] == []


def test_the_source_distribution_has_what_building_testing_and_reading_take(
    archives: tuple[list[str], list[str], Message],
) -> None:
    _, names, _ = archives
    tops = {name.partition("/")[0] for name in names}
    wanted = {"src", "tests", "docs", "examples", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "Makefile"}
    assert wanted <= tops
    more = {"bench", "constraints.txt", "mkdocs.yml", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "PKG-INFO"}
    assert tops <= wanted | more | {".gitignore"}
    assert [name for name in names if "__pycache__" in name or "node_modules" in name] == []


def test_the_metadata_says_what_the_package_is(archives: tuple[list[str], list[str], Message]) -> None:
    _, _, metadata = archives
    assert (metadata["Name"], metadata["Version"]) == ("prill", __version__)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert {"cli", "testing", "pdf", "bm25"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_pythons_of_this_machine_are_found() -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert is_version(sys.executable, running)
    for version, interpreter in find_interpreters().items():
        assert is_version(str(interpreter), version)


def test_the_workflow_calls_targets_that_exist() -> None:
    workflow = (PROJECT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    called = set(re.findall(r"run: make (\S+)", workflow))
    assert called == {"test", "dist"}
    assert [target for target in called if f"\n{target}:" not in makefile] == []


@pytest.mark.parametrize("target", ["demo", "serve-demo"])
def test_demonstrations_do_without_the_tools_of_tests(target: str) -> None:
    command = ["make", "--dry-run", "--always-make", "-C", str(PROJECT), target]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ".venv-demo/bin/prill demo" in shown
    assert "[cli,testing]" in shown
    assert "dev" not in re.findall(r"\[([a-z,]+)\]", shown)
