"""Builds the graph of a Runnable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import RootModel, create_model

from prill.callbacks.config import RunnableConfig
from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableBinding
from prill.runnables.drawing.graph import Graph
from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough
from prill.runnables.structure import Part


def build_graph(step: Runnable[Any, Any], config: RunnableConfig | None = None) -> Graph:
    """Build the graph of ``step``: its input, its steps, its output."""
    structure = step._structure_for_graph(config)
    match structure.kind:
        case "sequence":
            return _build_sequence([part.step for part in structure.parts], config)
        case "wrapper":
            return _build_wrapped_graph(step, structure.parts[0].step, config)
        case "parallel" if structure.keeps_input:
            return _build_parallel(step, [*structure.parts, Part(RunnablePassthrough[Any]())], config)
        case "parallel" | "choice":
            return _build_parallel(step, structure.parts, config)
    return _build_single(step, config)


def _build_single(step: Runnable[Any, Any], config: RunnableConfig | None) -> Graph:
    graph = Graph()
    first = graph.add_node(_get_schema_or_any(step, step.get_input_schema, "Input", config))
    own = graph.add_node(step)
    last = graph.add_node(_get_schema_or_any(step, step.get_output_schema, "Output", config))
    graph.add_edge(first, own)
    graph.add_edge(own, last)
    return graph


def _get_schema_or_any(step: Runnable[Any, Any], get: Any, suffix: str, config: RunnableConfig | None) -> Any:
    """Return a schema; of a step that raises ``TypeError`` for its types, one that takes anything."""
    try:
        return get(config)
    except TypeError:
        return create_model(step.get_name(suffix), __base__=RootModel[Any])


def _build_wrapped_graph(step: Runnable[Any, Any], inner: Runnable[Any, Any], config: RunnableConfig | None) -> Graph:
    graph: Graph = inner.get_graph(config)
    metadata = step.config.get("metadata") if isinstance(step, RunnableBinding) else None
    if metadata:
        for key, node in graph.nodes.items():
            if node.data is inner:
                graph.nodes[key] = node._replace(metadata={**(node.metadata or {}), **metadata})
    return graph


def _build_sequence(steps: list[Runnable[Any, Any]], config: RunnableConfig | None) -> Graph:
    graph = Graph()
    last = None
    for index, step in enumerate(steps):
        inner: Graph = step.get_graph(config)
        if index:
            inner.trim_first_node()
        if index < len(steps) - 1:
            inner.trim_last_node()
        start, end = graph.extend(inner)
        if last is not None and start is not None:
            graph.add_edge(last, start)
        last = end
    return graph


def _build_parallel(step: Runnable[Any, Any], parts: Sequence[Part], config: RunnableConfig | None) -> Graph:
    """Parallel paths from the input to the output; a labelled path is taken only if its condition is true."""
    graph = Graph()
    framed = step.mapper if isinstance(step, RunnableAssign) else step
    first = graph.add_node(framed.get_input_schema(config))
    last = graph.add_node(framed.get_output_schema(config))
    for part in parts:
        inner: Graph = part.step.get_graph(config)
        inner.trim_first_node()
        inner.trim_last_node()
        start, end = graph.extend(inner)
        if start is not None and end is not None:
            graph.add_edge(first, start, part.condition, part.condition is not None)
            graph.add_edge(end, last)
    return graph
