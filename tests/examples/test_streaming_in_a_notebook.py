"""The notebook: its cells run as in Jupyter, inside of a running event loop, and print what is kept below them."""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import json
from contextlib import redirect_stdout
from pprint import pformat
from types import CodeType
from typing import Any

from examples.without_a_key import answer, keys
from tests.examples.conftest import EXAMPLES

LAST = "value of the last line"


def compiled(source: str) -> CodeType:
    """The code of a cell, which keeps the value of its last line, if that is an expression, under the name ``LAST``."""
    tree = ast.parse(source)
    if isinstance(tree.body[-1], ast.Expr):
        expression = tree.body[-1]
        target = ast.Name(LAST, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([target], expression.value), expression)
        ast.fix_missing_locations(tree)
    return compile(tree, "a cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def run(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """What a cell prints, and its value."""
    names[LAST] = None
    printed = io.StringIO()
    with redirect_stdout(printed):
        waiting = eval(compiled(source), names)
        if inspect.isawaitable(waiting):
            await waiting
    return printed.getvalue(), names[LAST]


def shown(value: Any) -> dict[str, str]:
    """The forms of a value from which a notebook chooses."""
    if hasattr(value, "_repr_mimebundle_"):
        return value._repr_mimebundle_()
    return {"text/plain": pformat(value)}


async def run_all(cells: list[Any]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        printed, value = await run("".join(cell["source"]), names)
        kept = {output["output_type"]: output for output in cell["outputs"]}
        assert printed == "".join(kept.get("stream", {}).get("text", ""))
        if value is None:
            assert "execute_result" not in kept
            continue
        forms, data = shown(value), kept["execute_result"]["data"]
        assert forms.keys() == data.keys()
        assert forms["text/plain"] == "".join(data["text/plain"])


def test_the_cells_print_and_show_what_is_kept_with_them(server, monkeypatch):
    for name, value in keys(server).items():
        monkeypatch.setenv(name, value)
    server.replies(answer)
    notebook = json.loads((EXAMPLES / "streaming_in_a_notebook.ipynb").read_text(encoding="utf-8"))
    asyncio.run(run_all([cell for cell in notebook["cells"] if cell["cell_type"] == "code"]))
