"""Which names an installed package imports from LangChain's packages, and which of them Prill lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from prill.compat.absent import UNUSABLE
from prill.compat.module_map import ROOTS, find_home, has_module
from prill.errors import CompatError


class Use(NamedTuple):
    """An import of a name: where it is, and when it takes effect.

    ``when`` is ``"import"`` (with the module), ``"optional"`` (inside a ``try``), ``"call"`` (in a function) or
    ``"types"`` (for type checkers alone).
    """

    module: str
    name: str
    file: str
    line: int
    when: str


class Lack(NamedTuple):
    """A use of a name that is not there, or that raises an error when it is used."""

    use: Use
    problem: str


class Scan(NamedTuple):
    """How many different names a package uses, and the uses that Prill has nothing for."""

    names: int
    lacks: list[Lack]


def scan(package: str, roots: frozenset[str] = frozenset({"langchain_core"})) -> Scan:
    """Read the files of an installed package, without importing it, and look up what it imports from ``roots``.

    Args:
        package: the name of a distribution (``"langchain-chroma"``) or of a module (``"langchain_chroma"``).
        roots: the packages whose names are looked up.

    Raises ``CompatError`` if there is no such package.

    >>> scan("langchain-chroma").lacks  # doctest: +SKIP
    []
    """
    uses = [use for path, name in _files(package) for use in _uses(path, name, roots & ROOTS)]
    lacks = [Lack(use, problem) for use in uses if (problem := _problem(use))]
    return Scan(len({(use.module, use.name) for use in uses}), lacks)


def _files(package: str) -> list[tuple[Path, str]]:
    """The source files of a distribution or of a module, and what to call them."""
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        listed = []
    sources = [(Path(str(each.locate())), str(each)) for each in listed if each.suffix == ".py"]
    if not sources:
        spec = find_spec(package.replace("-", "_").partition(".")[0])
        for folder in (spec and spec.submodule_search_locations) or ():
            root = Path(folder)
            sources += [(path, str(path.relative_to(root.parent))) for path in sorted(root.rglob("*.py"))]
    if not sources:
        raise CompatError(f"no package {package!r} is installed here: give the name that pip knows, or its module")
    return sources


def _uses(path: Path, name: str, roots: frozenset[str]) -> Iterator[Use]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError):  # templates of code are files of packages too
        return
    for node, when in _imports(tree, "import"):
        if isinstance(node, ast.ImportFrom):
            pairs = [(node.module or "", alias.name) for alias in node.names] if not node.level else []
        else:
            pairs = [(alias.name, "") for alias in node.names]
        for module, imported in pairs:
            if module.partition(".")[0] in roots:
                yield Use(module, imported, name, node.lineno, when)


def _imports(node: ast.AST, when: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """The imports below a node, with when they take effect."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, when
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(child, "types" if when == "types" else "call")
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(child, "types")
        elif isinstance(child, ast.Try) and when == "import":
            yield from _imports(child, "optional")
        else:
            yield from _imports(child, when)


def _problem(use: Use) -> str:
    """What is wrong with a use; empty if nothing is."""
    full = f"{use.module}.{use.name}" if use.name else use.module
    if not has_module(use.module, inner=True):
        return f"no module {use.module}"
    if full in UNUSABLE:
        return f"{full} raises an error when it is used: {UNUSABLE[full]}"
    if use.name in ("", "*") or has_module(full, inner=True):
        return ""
    return "" if find_home(use.module, use.name, inner=True) is not None else f"no name {full}"
