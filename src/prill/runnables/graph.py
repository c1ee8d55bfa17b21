"""The documented place of ``Graph`` and of its parts."""

from prill.runnables.drawing.graph import Graph
from prill.runnables.drawing.nodes import (
    Branch,
    CurveStyle,
    Edge,
    LabelsDict,
    MermaidDrawMethod,
    Node,
    NodeStyles,
    Stringifiable,
    is_uuid,
    node_data_json,
    node_data_str,
)

__all__ = [
    "Branch",
    "CurveStyle",
    "Edge",
    "Graph",
    "LabelsDict",
    "MermaidDrawMethod",
    "Node",
    "NodeStyles",
    "Stringifiable",
    "is_uuid",
    "node_data_json",
    "node_data_str",
]
