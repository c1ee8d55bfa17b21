"""A graph as text, for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from prill.runnables.drawing.layout import Layout, Placed, Route, lay_out
from prill.runnables.drawing.nodes import Edge, Node, is_schema

_GAP_COLUMNS = 3
_BOX_HEIGHT = 3


def draw_ascii(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> str:
    """The boxes and lines of a picture, as lines of text."""
    if not nodes:
        return ""
    layout = lay_out(nodes, edges, lambda node: (len(node.name) + 4, _BOX_HEIGHT), (3, _GAP_COLUMNS))
    canvas = _Canvas(layout)
    for route in layout.routes:
        canvas.route(route)
    for placed in layout.nodes.values():
        canvas.box(placed)
    return str(canvas)


class _Canvas:
    """A page of characters; layers of boxes are ``_BOX_HEIGHT`` lines high with ``_GAP_COLUMNS`` lines between."""

    def __init__(self, layout: Layout) -> None:
        levels = {round(placed.y, 3) for placed in layout.nodes.values()}
        levels |= {round(y, 3) for route in layout.routes for _, y in route.points}
        self._row_by_level = {level: index for index, level in enumerate(sorted(levels))}
        height = len(levels) * (_BOX_HEIGHT + _GAP_COLUMNS) - _GAP_COLUMNS
        self._rows = [[" "] * (int(layout.width) + 4) for _ in range(height)]

    def _get_top_row(self, y: float) -> int:
        return self._row_by_level[round(y, 3)] * (_BOX_HEIGHT + _GAP_COLUMNS)

    def _put_character(self, column: int, row: int, mark: str) -> None:
        old = self._rows[row][column]
        self._rows[row][column] = mark if old in (" ", mark) else "+"

    def box(self, placed: Placed) -> None:
        text = placed.node.name
        left, top = round(placed.x - placed.width / 2), self._get_top_row(placed.y)
        side, corner = (":", ".") if is_schema(placed.node) else ("|", "+")
        edge = corner + "-" * (len(text) + 2) + corner
        for row, line in enumerate((edge, f"{side} {text} {side}", edge)):
            self._rows[top + row][left : left + len(line)] = line

    def route(self, route: Route) -> None:
        points = route.points
        for index, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
            if y1 > y2:
                (x1, y1), (x2, y2) = (x2, y2), (x1, y1)
            start, end = round(x1), round(x2)
            above, below = self._get_top_row(y1) + _BOX_HEIGHT, self._get_top_row(y2)
            if index:  # through the layer in which the edge only passes
                for row in range(above - _BOX_HEIGHT, above):
                    self._put_character(start, row, "|")
            for row in range(above, below):
                self._put_character(start if row <= above else end, row, "|")
            if start != end:
                self._draw_horizontal(start, end, above + 1)
            if index == len(points) - 2:
                self._rows[below - 1][end] = "v"

    def _draw_horizontal(self, start: int, end: int, row: int) -> None:
        for column in range(min(start, end) + 1, max(start, end)):
            self._put_character(column, row, "-")
        for column in (start, end):
            self._rows[row][column] = "+"

    def __str__(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self._rows)
