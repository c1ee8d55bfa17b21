"""How a Runnable becomes a graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import RootModel, create_model

from prill.callbacks.config import Config
from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableBinding
from prill.runnables.branch import RunnableBranch
from prill.runnables.children import children_of
from prill.runnables.configurable import RunnableConfigurableAlternatives
from prill.runnables.each import RunnableEach
from prill.runnables.fallbacks import RunnableWithFallbacks
from prill.runnables.function import RunnableLambda
from prill.runnables.graph import Graph
from prill.runnables.parallel import RunnableParallel
from prill.runnables.parts import part
from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough
from prill.runnables.router import RouterRunnable
from prill.runnables.schemas import prepared
from prill.runnables.sequence import RunnableSequence
from prill.runnables.types import inner_of

Way = tuple[str | None, Runnable[Any, Any]]
"""A step that may be gone through, and when, if not always."""


@part("graph_of")
def graph_of(step: Runnable[Any, Any], config: Config | None = None) -> Graph:
    """The graph of ``step``: what goes in, the steps, what comes out."""
    match step:
        case RunnableSequence():
            return _in_line(step.steps, config)
        case RunnableParallel():
            return _side_by_side(step, [(None, each) for each in step.steps__.values()], config)
        case RunnableAssign():
            ways: list[Way] = [(None, each) for each in step.mapper.steps__.values()]
            return _side_by_side(step.mapper, [*ways, (None, RunnablePassthrough[Any]())], config)
        case RunnableConfigurableAlternatives() if not config:
            return _side_by_side(step, [(key, step.chosen(key)) for key in step.keys], config)
        case RunnableBranch():
            named = [(condition.get_name(), each) for condition, each in step.branches]
            return _side_by_side(step, [*_told(named), ("else", step.default)], config)
        case RouterRunnable():
            return _side_by_side(step, list(step.runnables.items()), config)
        case RunnableWithFallbacks():
            others: list[Way] = [("if it fails", each) for each in step.fallbacks]
            return _side_by_side(step, [("first", step.runnable), *others], config)
        case RunnableLambda() if used := children_of(step):
            return _side_by_side(step, [("may run", each) for _, each in used], config)
    return _wrapped(step, config) or _alone(step, config)


def _told(ways: Iterable[tuple[str, Runnable[Any, Any]]]) -> list[Way]:
    return [
        (f"if {name}" if name != "RunnableLambda" else f"condition {at}", each)
        for at, (name, each) in enumerate(ways, 1)
    ]


def _alone(step: Runnable[Any, Any], config: Config | None, metadata: dict[str, Any] | None = None) -> Graph:
    graph = Graph()
    first = graph.add_node(_schema(step, step.get_input_schema, "Input", config))
    own = graph.add_node(step, metadata=metadata)
    last = graph.add_node(_schema(step, step.get_output_schema, "Output", config))
    graph.add_edge(first, own)
    graph.add_edge(own, last)
    return graph


def _schema(step: Runnable[Any, Any], get: Any, suffix: str, config: Config | None) -> Any:
    """Return a schema; of a step that raises ``TypeError`` for its types, one that takes anything."""
    try:
        return get(config)
    except TypeError:
        name = step.get_name(suffix)
        return create_model(name, __base__=RootModel[Any])


def _wrapped(step: Runnable[Any, Any], config: Config | None) -> Graph | None:
    inner = prepared(step, config) or (step.bound if isinstance(step, RunnableEach) else inner_of(step))
    if inner is None:
        return None
    graph: Graph = inner.get_graph(config)
    metadata = step.config.get("metadata") if isinstance(step, RunnableBinding) else None
    if metadata:
        for key, node in graph.nodes.items():
            if node.data is inner:
                graph.nodes[key] = node._replace(metadata={**(node.metadata or {}), **metadata})
    return graph


def _in_line(steps: list[Runnable[Any, Any]], config: Config | None) -> Graph:
    graph = Graph()
    last = None
    for index, step in enumerate(steps):
        inner: Graph = step.get_graph(config)
        if index:
            inner.trim_first_node()
        if index < len(steps) - 1:
            inner.trim_last_node()
        begin, end = graph.extend(inner)
        if last is not None and begin is not None:
            graph.add_edge(last, begin)
        last = end
    return graph


def _side_by_side(step: Runnable[Any, Any], ways: list[Way], config: Config | None) -> Graph:
    """Several ways from what goes in to what comes out; those with a label are gone only if it holds."""
    graph = Graph()
    first = graph.add_node(step.get_input_schema(config))
    last = graph.add_node(step.get_output_schema(config))
    for label, way in ways:
        inner: Graph = way.get_graph(config)
        inner.trim_first_node()
        inner.trim_last_node()
        begin, end = graph.extend(inner)
        if begin is not None and end is not None:
            graph.add_edge(first, begin, label, label is not None)
            graph.add_edge(end, last)
    return graph
