"""How a Runnable shows itself in a notebook and in a terminal."""

from __future__ import annotations

from typing import Any

from prill.errors import MissingDependencyError
from prill.runnables.base import Runnable
from prill.runnables.parallel import RunnableParallel
from prill.runnables.sequence import RunnableSequence


def notebook_forms(step: Runnable[Any, Any]) -> dict[str, Any]:
    """The forms of which a notebook shows the best that it can."""
    text = {"text/plain": repr(step)}
    try:
        return {"image/svg+xml": step.get_graph().draw_svg(), **text}
    except MissingDependencyError:  # a notebook without the extra shows the text
        return text


def rich_tree(step: Runnable[Any, Any]) -> Any:
    """The parts as a tree for ``rich``."""
    from rich.tree import Tree  # noqa: PLC0415 - rich is there: it is calling

    return _add_to_tree(Tree(_make_line("", step)), step)


def _add_to_tree(tree: Any, step: Runnable[Any, Any]) -> Any:
    for label, child in _list_named_steps(step):
        _add_to_tree(tree.add(_make_line(label, child)), child)
    return tree


def _list_named_steps(step: Runnable[Any, Any]) -> list[tuple[str, Runnable[Any, Any]]]:
    children = step._children()
    if isinstance(step, RunnableSequence):
        return [(f"{number}.", child) for number, (_, child) in enumerate(children, 1)]
    if isinstance(step, RunnableParallel):
        return [(f"{key}:", child) for key, child in step.steps__.items()]
    return [(f"{label}:", child) for label, child in children]


def _make_line(label: str, step: Runnable[Any, Any]) -> Any:
    from rich.text import Text  # noqa: PLC0415 - rich is there: it is calling

    line = Text(f"{label} " if label else "", style="dim")
    line.append(step.get_name(), style="bold")
    return line if step._children() else line.append(f"  {step!r:.100}", style="dim")
