"""A graph as an SVG picture. See https://www.w3.org/TR/SVG2/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from prill.runnables.drawing.layout import Layout, Placed, Point, Route, lay_out
from prill.runnables.drawing.nodes import Edge, Node, is_schema
from prill.tracers.waterfall import COLOURS, letters

_LETTER_WIDTH = 7.4
_MARGIN_PIXELS = 16.0
_SCHEMA_COLOR = "#c4c4cf"

_SVG_HEADER = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0.5,0.5 L7.5,4 L0.5,7.5 z" fill="#8c8c99"/></marker></defs>'
)


def draw_svg(nodes: Mapping[str, Node], edges: Sequence[Edge], background: str = "white") -> str:
    """The picture as SVG text; steps have the colours that they have in ``Trace.waterfall``."""
    layout = lay_out(nodes, edges, _measure_node, (28.0, 38.0))
    width, height = layout.width + 2 * _MARGIN_PIXELS, layout.height + 2 * _MARGIN_PIXELS
    body = [*_draw_edges(layout), *(_draw_box(placed) for placed in layout.nodes.values())]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-_MARGIN_PIXELS:.0f} {-_MARGIN_PIXELS:.0f} {width:.0f} {height:.0f}" '
            'font-family="system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif" font-size="13">',
            _SVG_HEADER,
            f'<rect x="{-_MARGIN_PIXELS:.0f}" y="{-_MARGIN_PIXELS:.0f}" width="100%" height="100%" '
            f'fill="{escape(background)}"/>',
            *body,
            "</svg>",
        ]
    )


def _measure_node(node: Node) -> tuple[float, float]:
    lines = _get_label_lines(node)
    return max(letters(line) for line in lines) * _LETTER_WIDTH + 28, 22.0 + 16 * len(lines)


def _get_label_lines(node: Node) -> list[str]:
    return [node.name, *(f"{key} = {value}" for key, value in (node.metadata or {}).items())]


def _draw_box(placed: Placed) -> str:
    schema = is_schema(placed.node)
    colour = _SCHEMA_COLOR if schema else COLOURS.get(getattr(placed.node.data, "_kind", ""), COLOURS["chain"])
    radius = placed.height / 2 if schema else 8
    x, y = placed.x - placed.width / 2, placed.y - placed.height / 2
    look = 'fill="none" stroke-dasharray="4 3"' if schema else f'fill="{colour}" fill-opacity="0.14"'
    box = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{placed.width:.1f}" height="{placed.height:.1f}" rx="{radius:.0f}" '
        f'{look} stroke="{colour}"/>'
    )
    lines = _get_label_lines(placed.node)
    first = placed.y - 8 * (len(lines) - 1) + 4.5
    texts = [_draw_text(line, placed.x, first + 16 * row, soft=schema or row > 0) for row, line in enumerate(lines)]
    return "\n".join([box, *texts])


def _draw_text(line: str, x: float, y: float, *, soft: bool = False, size: int | None = None) -> str:
    about = f' font-size="{size}"' if size else ""
    colour = "#70707c" if soft else "#22222a"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{colour}"{about}>{escape(line)}</text>'


def _draw_edges(layout: Layout) -> list[str]:
    return [_draw_edge(route, layout) for route in layout.routes]


def _draw_edge(route: Route, layout: Layout) -> str:
    source, target = layout.nodes[route.edge.source], layout.nodes[route.edge.target]
    down = source.y <= target.y
    start = (source.x, source.y + (source.height / 2 if down else -source.height / 2))
    end = (target.x, target.y + (-target.height / 2 if down else target.height / 2))
    points = [start, *route.points[1:-1], end]
    dashes = ' stroke-dasharray="5 4"' if route.edge.conditional else ""
    path = f'<path d="{_draw_curve(points)}" fill="none" stroke="#8c8c99"{dashes} marker-end="url(#arrow)"/>'
    return path if route.edge.data is None else path + _draw_label(str(route.edge.data), points)


def _draw_curve(points: list[Point]) -> str:
    parts = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2
        parts.append(f"C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{y2:.1f}")
    return " ".join(parts)


def _draw_label(text: str, points: list[Point]) -> str:
    (x1, y1), (x2, y2) = points[-2], points[-1]
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    width = letters(text) * 6.4 + 6
    back = f'<rect x="{x - width / 2:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="15" rx="3" fill="#ffffff"/>'
    return back + _draw_text(text, x, y + 3.5, soft=True, size=11)
