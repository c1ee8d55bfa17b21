"""The schema of the variables of a mustache template."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from prill.runnables.describe.schemas import object_model
from prill.transducers.mustache import Section, parse_mustache

_ANYTHING = ""
"""Stands for the names in a section that has none: its value may be of any type."""


def mustache_schema(template: str, *, known: Collection[str] = ()) -> type[BaseModel]:
    """A pydantic model of the variables of a mustache template, with a model for each section and dotted name.

    ``known`` are variables to leave out.
    """
    tree = _tree(parse_mustache(template).nodes)
    return _model("PromptInput", {name: below for name, below in tree.items() if name not in known})


def _tree(nodes: list[Any]) -> dict[str, Any]:
    """The names as nested dictionaries; a name with an empty one is a text."""
    tree: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, str):
            continue
        branch = tree
        for name in node.path:
            branch = branch.setdefault(name, {})
        if isinstance(node, Section):
            branch.update(_tree(node.nodes) or {_ANYTHING: {}})
    return tree


def _model(name: str, tree: dict[str, Any]) -> type[BaseModel]:
    return object_model(name, {key: (_type(key, below), None) for key, below in tree.items() if key != _ANYTHING})


def _type(name: str, below: dict[str, Any]) -> Any:
    if not below:
        return str
    return Any if below.keys() == {_ANYTHING} else _model(name, below)
