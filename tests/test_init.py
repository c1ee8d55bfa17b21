"""The names at the top: sorted, all there, and loaded only when they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import prill

_TREE = ast.parse(Path(prill.__file__).read_text(encoding="utf-8"))


def _names_for_checkers() -> dict[str, str]:
    """Each name that a type checker is shown, and the module it is imported from."""
    block = next(
        node
        for node in _TREE.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def _said_by_new_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_public_names_are_sorted_and_there_once() -> None:
    assert prill.__all__ == sorted(set(prill.__all__))


@pytest.mark.parametrize("name", prill.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(prill, name) is not None
    assert name in dir(prill)


def test_type_checkers_are_shown_the_names_that_run_time_has() -> None:
    shown = _names_for_checkers()
    assert set(shown) | {"__version__"} == set(prill.__all__)
    for name, module in shown.items():
        assert getattr(prill, name) is getattr(__import__(module, fromlist=[name]), name)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'prill' has no attribute 'Runable'"):
        prill.Runable  # type: ignore[attr-defined]  # that is the test
    assert not hasattr(prill, "__wrapped__")


def test_import_star_brings_the_public_names() -> None:
    code = "from prill import *; print(sorted(name for name in globals() if name in ('chain', 'Runnable', 'ast')))"
    assert _said_by_new_python(code) == "['Runnable', 'chain']"


def test_importing_prill_imports_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import prill;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    assert _said_by_new_python(code) == "['prill']"


def test_dir_lists_the_public_names_alone() -> None:
    code = "import prill, prill.cli, prill.serve, prill.lazy; print(dir(prill) == sorted(prill.__all__))"
    assert _said_by_new_python(code) == "True"
