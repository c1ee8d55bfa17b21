"""Runs blocks of Python as a notebook does: one namespace, inside a running loop, the last value shown."""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from prill import compat
from prill.testing import ReplayServer

_SHOWN = "__shown__"


@contextmanager
def environment(server: ReplayServer) -> Iterator[None]:
    """Keys that are none, and the addresses of a server here: all that the models of the documents are told."""
    variables = {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": server.openai_url,
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": server.anthropic_url,
    }
    with patch.dict(os.environ, variables):
        yield


@contextmanager
def instead_of_langchain() -> Iterator[None]:
    """Imports of LangChain's packages lead to Prill; what other tests have imported of them is put aside meanwhile."""
    roots = {module.partition(".")[0] for module in compat.mapping()}
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in roots}
    try:
        with compat.installed():
            yield
    finally:
        sys.modules.update(aside)


class Notebook:
    """The blocks of one document share its names, as the cells of a notebook do."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.names.clear()
        self._runner.close()

    def run(self, source: str, title: str = "a block") -> tuple[str, ...]:
        """What it prints: the standard output, and the value of its last expression, each if there is one.

        Blocking code runs inside the loop as well, as in a notebook.
        """
        code = compile(_showing(source), title, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        written = io.StringIO()
        with redirect_stdout(written):
            self._runner.run(self._body(code))
        value = self.names.pop(_SHOWN, None)
        return tuple(filter(None, (written.getvalue(), "" if value is None else repr(value))))

    async def _body(self, code: Any) -> None:
        waiting = eval(code, self.names)
        if inspect.isawaitable(waiting):
            await waiting


def _showing(source: str) -> ast.Module:
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        kept = ast.Assign([ast.Name(_SHOWN, ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(kept, last))
    return tree
