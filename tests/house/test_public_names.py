"""The names that users import: ``public_names.txt`` lists them, module by module."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from tests.helpers import read_public_names

import prill

ROOT = Path(prill.__file__).parent
LISTED = read_public_names()
PACKAGES = [
    "prill." + path.parent.name
    for path in sorted(ROOT.glob("*/__init__.py"))
    if hasattr(import_module("prill." + path.parent.name), "__all__")
]


def as_ruff_sorts(name):
    """Constants, then classes, then the rest."""
    return 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2, name


@pytest.mark.parametrize("module", LISTED)
def test_listed_names_can_be_imported(module):
    found = import_module(module)
    assert [name for name in LISTED[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_whole_and_listed(package):
    found = import_module(package)
    names = list(found.__all__)
    assert names == sorted(set(names), key=as_ruff_sorts)
    assert set(names) <= set(dir(found)) | {name for name in names if hasattr(found, name)}
    assert sorted(set(names) - set(LISTED.get(package, []))) == [], "not in tests/house/public_names.txt"


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_imports_for_users_is_in_all(package):
    tree = ast.parse(Path(import_module(package).__file__).read_text("utf8"))
    shown = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prill.")
        if node.module != "prill.lazy"
        for alias in node.names
    }
    assert {name for name in shown if not name.startswith("_")} <= set(import_module(package).__all__)
