"""Rewrites the imports of LangChain's packages in source files as imports of Prill."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from prill.compat.module_map import MODULES, ROOTS, find_home, sources
from prill.compat.views import missing_module, missing_name

_LONGEST_LINE = 100


class Rewritten(NamedTuple):
    """A source text with its imports rewritten; ``problems`` are those that stay as they are: line and reason."""

    text: str
    problems: list[tuple[int, str]]


def rewrite(text: str) -> Rewritten:
    """Rewrite the imports in the text of a module.

    Each name is imported from the module of Prill that has it. Comments inside a rewritten statement are lost.

    >>> rewrite("from langchain_core.outputs.chat_result import ChatResult\\n").text
    'from prill.outputs import ChatResult\\n'

    Raises ``SyntaxError`` if the text is not Python.
    """
    data, problems = text.encode(), []
    lines = [0]
    for line in data.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for node in sorted(_imports(ast.parse(text)), key=lambda each: (each.lineno, each.col_offset), reverse=True):
        start, end = lines[node.lineno - 1] + node.col_offset, lines[_end(node) - 1] + (node.end_col_offset or 0)
        indent = data[lines[node.lineno - 1] : start]
        alone = not indent.strip() and not data[end : lines[_end(node)]].strip()
        statements, reasons = _translated(node)
        problems += [(node.lineno, reason) for reason in reasons]
        joint = "\n" + indent.decode() if alone else "; "
        data = data[:start] + joint.join(_written(each, alone) for each in statements).encode() + data[end:]
    return Rewritten(data.decode(), problems[::-1])


def rewrite_files(paths: Iterable[Path]) -> Iterator[tuple[Path, Rewritten]]:
    """Rewrite files, and the ``.py`` files of folders, in place; yields those that import one of the packages.

    Files that are not Python in UTF-8 are left as they are, and yielded with that as their problem.
    """
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            try:
                with file.open(encoding="utf-8", newline="") as source:
                    text = source.read()
                done = rewrite(text)
            except (SyntaxError, UnicodeDecodeError) as error:
                yield file, Rewritten("", [(getattr(error, "lineno", None) or 1, f"not Python in UTF-8: {error}")])
                continue
            if done.text != text:
                file.write_text(done.text, encoding="utf-8", newline="")
            if done.text != text or done.problems:
                yield file, done


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""] if not node.level else []
        else:
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if any(module.partition(".")[0] in ROOTS for module in modules):
            assert isinstance(node, ast.Import | ast.ImportFrom)
            yield node


class _Statement(NamedTuple):
    module: str
    """Empty for ``import a, b``."""
    names: list[str]


def _translated(node: ast.Import | ast.ImportFrom) -> tuple[list[_Statement], list[str]]:
    """The statements that stand for one, and the reasons for what stays as it is."""
    found: dict[str, list[str]] = {}
    reasons: list[str] = []
    for alias in node.names:
        as_name = f" as {alias.asname}" if alias.asname else ""
        try:
            if isinstance(node, ast.ImportFrom):
                module, name = _home(node.module or "", alias.name)
                as_name = as_name or (f" as {alias.name}" if name not in (alias.name, "*") else "")
            else:
                module, name = "", _whole(alias.name, needs_alias=not alias.asname)
        except ImportError as error:
            reasons.append(str(error))
            module, name = (node.module or "", alias.name) if isinstance(node, ast.ImportFrom) else ("", alias.name)
        found.setdefault(module, []).append(name + as_name)
    return [_Statement(module, names) for module, names in sorted(found.items())], reasons


def _home(module: str, name: str) -> tuple[str, str]:
    """The module and the name that stand for a name; raises ``ImportError`` if there are none."""
    if module not in MODULES:
        raise missing_module(module)
    if name == "*":
        return _whole(module), "*"
    home = find_home(module, name)
    if home is not None:
        return home
    if f"{module}.{name}" in MODULES:
        package, _, own = _whole(f"{module}.{name}").rpartition(".")
        return package, own
    raise missing_name(module, name)


def _whole(module: str, *, needs_alias: bool = False) -> str:
    """The module that stands for a whole module; raises ``ImportError`` if there is not exactly one."""
    if module.partition(".")[0] not in ROOTS:
        return module
    if module not in MODULES:
        raise missing_module(module)
    first, *others = sources(module)
    if others or first.names is not None:
        raise ImportError(f"the names of {module} are in more than one module; import the names that are used")
    if needs_alias:
        raise ImportError(f"write `import {first.module}`, and {first.module} where {module} is used")
    return first.module


def _written(statement: _Statement, may_wrap: bool) -> str:
    names = ", ".join(statement.names)
    if not statement.module:
        return f"import {names}"
    line = f"from {statement.module} import {names}"
    if len(line) <= _LONGEST_LINE or not may_wrap:
        return line
    return f"from {statement.module} import (\n" + "".join(f"    {name},\n" for name in statement.names) + ")"
