"""Nodes and edges of a graph of steps, and their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypedDict
from uuid import UUID

from pydantic import BaseModel

from prill.runnables.base import Runnable


class Stringifiable(Protocol):
    """What has a text form."""

    def __str__(self) -> str: ...


class LabelsDict(TypedDict):
    """Other texts for nodes (by id) and edges (by their text) in a picture."""

    nodes: dict[str, str]
    edges: dict[str, str]


def is_uuid(value: str) -> bool:
    """Whether a text is a UUID."""
    try:
        UUID(value)
    except ValueError:
        return False
    return True


class Edge(NamedTuple):
    """From one node to another; ``conditional`` where it is one of several ways, ``data`` says when."""

    source: str
    target: str
    data: Any = None
    conditional: bool = False

    def copy(self, *, source: str | None = None, target: str | None = None) -> Edge:
        """The same edge between other nodes."""
        return self._replace(source=source or self.source, target=target or self.target)


class Node(NamedTuple):
    """A step (``data`` is a Runnable), or what goes in or comes out (``data`` is a pydantic model)."""

    id: str
    name: str
    data: Any
    metadata: dict[str, Any] | None = None

    def copy(self, *, id: str | None = None, name: str | None = None) -> Node:
        """The same node by another id or name."""
        return self._replace(id=id or self.id, name=name or self.name)


class Branch(NamedTuple):
    """A way that a function chooses; ``ends`` are the nodes by what it returns."""

    condition: Callable[..., str]
    ends: dict[str, str] | None


class CurveStyle(Enum):
    """How Mermaid bends edges."""

    BASIS = "basis"
    BUMP_X = "bumpX"
    BUMP_Y = "bumpY"
    CARDINAL = "cardinal"
    CATMULL_ROM = "catmullRom"
    LINEAR = "linear"
    MONOTONE_X = "monotoneX"
    MONOTONE_Y = "monotoneY"
    NATURAL = "natural"
    STEP = "step"
    STEP_AFTER = "stepAfter"
    STEP_BEFORE = "stepBefore"


@dataclass
class NodeStyles:
    """The styles of nodes in Mermaid's language: of most, of the first, of the last."""

    default: str = "fill:#f2f0ff,line-height:1.2"
    first: str = "fill-opacity:0"
    last: str = "fill:#bfb6fc"


class MermaidDrawMethod(Enum):
    """What draws a Mermaid picture: ``LOCAL`` is Prill itself; the others need a browser or a network."""

    LOCAL = "local"
    PYPPETEER = "pyppeteer"
    API = "api"


def node_data_str(id: str, data: Any) -> str:
    """The text that a node shows: the name of its step or model, without ``Runnable`` before it."""
    if not is_uuid(id) or data is None:
        return id
    plain = data.__name__ if inspect.isclass(data) else str(data)
    name = data.get_name() if isinstance(data, Runnable) else plain
    return name.removeprefix("Runnable") or name


def node_data_json(node: Node, *, with_schemas: bool = False) -> dict[str, Any]:
    """A node as JSON data."""
    shown = _data_json(node, with_schemas)
    return {**shown, "metadata": node.metadata} if node.metadata else shown


def _data_json(node: Node, with_schemas: bool) -> dict[str, Any]:
    if node.data is None:
        return {}
    if isinstance(node.data, Runnable):
        kind = type(node.data)
        return {
            "type": "runnable",
            "data": {"id": [*kind.__module__.split("."), kind.__name__], "name": node_data_str(node.id, node.data)},
        }
    if not (inspect.isclass(node.data) and issubclass(node.data, BaseModel)):
        return {"type": "unknown", "data": node_data_str(node.id, node.data)}
    if with_schemas:
        return {"type": "schema", "data": node.data.model_json_schema()}
    return {"type": "schema", "data": node_data_str(node.id, node.data)}


def is_schema(node: Node) -> bool:
    """Whether a node is what goes in or comes out, not a step."""
    return node.data is not None and not isinstance(node.data, Runnable)
