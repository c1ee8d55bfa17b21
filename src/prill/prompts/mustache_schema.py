"""The schema of what a mustache template is filled with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, create_model

from prill.transducers.mustache import Section, parse_mustache


def mustache_schema(template: str) -> type[BaseModel]:
    """A pydantic model of the variables of a mustache template, with a model for each section and dotted name."""
    return _model("PromptInput", _tree(parse_mustache(template).nodes))


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
            branch.update(_tree(node.nodes))
    return tree


def _model(name: str, tree: dict[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {key: (_model(key, below) if below else str, None) for key, below in tree.items()}
    return create_model(name, **fields)
