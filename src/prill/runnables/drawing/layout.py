"""Where the nodes of a picture are: layer by layer, from the top down, with few crossings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from prill.errors import MissingDependencyError
from prill.runnables.drawing.nodes import Edge, Node

Point = tuple[float, float]


@dataclass
class Placed:
    """A node's centre and size."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass
class Route:
    """An edge as the points that it goes through, from its source's centre to its target's."""

    edge: Edge
    points: list[Point] = field(default_factory=list)


@dataclass
class Layout:
    """The nodes and edges of a picture in their places; x and y start at 0."""

    nodes: dict[str, Placed]
    routes: list[Route]
    width: float
    height: float


def lay_out(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    size: Callable[[Node], tuple[float, float]],
    gap: tuple[float, float],
) -> Layout:
    """Place the nodes. ``size`` gives width and height of one, ``gap`` what is left free beside and below.

    Raises:
        MissingDependencyError: ``grandalf`` is not installed.
    """
    grandalf = _import_grandalf()
    vertices = {key: grandalf.graphs.Vertex(key) for key in nodes}
    views: dict[str, Any] = {}
    for key, vertex in vertices.items():
        vertex.view = views[key] = grandalf.layouts.VertexViewer(*size(nodes[key]))
    routes = [Route(edge) for edge in edges if edge.source != edge.target]
    drawn = []
    for route in routes:
        line = grandalf.graphs.Edge(vertices[route.edge.source], vertices[route.edge.target])
        line.view = _EdgePoints(route)
        drawn.append(line)
    right = 0.0
    placed: dict[str, Placed] = {}
    for component in grandalf.graphs.Graph(list(vertices.values()), drawn).C:
        _place_nodes(grandalf, component, gap)
        keys = [vertex.data for vertex in component.sV]
        left = min(views[key].xy[0] - views[key].w / 2 for key in keys)
        top = min(views[key].xy[1] - views[key].h / 2 for key in keys)
        shift = (right - left, -top)
        for key in keys:
            x, y = views[key].xy
            placed[key] = Placed(nodes[key], x + shift[0], y + shift[1], views[key].w, views[key].h)
        for route in routes:
            if route.edge.source in keys:
                route.points = [(x + shift[0], y + shift[1]) for x, y in route.points]
        right = max(each.x + each.width / 2 for each in placed.values()) + gap[0]
    for route in routes:
        source, target = placed[route.edge.source], placed[route.edge.target]
        route.points = [(source.x, source.y), *route.points, (target.x, target.y)]
    ordered = {key: placed[key] for key in nodes}
    bottom = max((each.y + each.height / 2 for each in ordered.values()), default=0.0)
    return Layout(ordered, routes, max(right - gap[0], 0.0), bottom)


def _import_grandalf() -> Any:
    try:
        graphs, layouts = import_module("grandalf.graphs"), import_module("grandalf.layouts")
    except ImportError as error:
        raise MissingDependencyError(
            "placing the steps of a picture needs grandalf: pip install 'prill[graph]'"
        ) from error
    return SimpleNamespace(graphs=graphs, layouts=layouts)


class _EdgePoints:
    """Takes the points between which an edge runs, as the layout gives them."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def setpath(self, points: list[Point]) -> None:
        forward = points if points[0][1] <= points[-1][1] else points[::-1]
        self._route.points = [(x, y) for x, y in forward[1:-1]]


def _place_nodes(grandalf: Any, component: Any, gap: tuple[float, float]) -> None:
    layout = grandalf.layouts.SugiyamaLayout(component)
    layout.xspace, layout.yspace = gap
    layout.route_edge = _route_edge_unchanged
    roots = [vertex for vertex in component.sV if not list(vertex.e_in())]
    layout.init_all(roots=roots or [next(iter(component.sV))])
    layout.draw(3)


def _route_edge_unchanged(edge: Any, points: Any) -> None:
    """Points as they are: how an edge is bent is the picture's matter."""
