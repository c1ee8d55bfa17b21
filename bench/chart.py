"""The picture: how many times as fast, as bars on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from bench.measure import Row, figure
from bench.words import ENGLISH, Words

_LABELS = 490
_BARS = 520
_LINE = 22
_TOP = 64
_FIGURE = 48
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def draw(themes: Mapping[str, Sequence[Row]], words: Words = ENGLISH) -> str:
    """An SVG of the rows that compare with something else."""
    shown = {theme: [row for row in rows if is_comparison(row)] for theme, rows in themes.items()}
    shown = {theme: rows for theme, rows in shown.items() if rows}
    highest = max((row.faster for rows in shown.values() for row in rows), default=10)
    decades = max(1.0, math.log10(highest))
    height = _TOP + sum(_LINE * (len(rows) + 1.6) for rows in shown.values()) + 18
    width = _LABELS + _BARS + 90

    def place(times: float) -> float:
        return _LABELS + _BARS * max(0.0, math.log10(times)) / decades

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height:.0f}' width='{width}' "
        f"height='{height:.0f}' {_FONT} font-size='13'>",
        f"<rect width='{width}' height='{height:.0f}' fill='#ffffff'/>",
        f"<text x='16' y='26' font-size='17' font-weight='600' fill='#1f2937'>{words.chart}</text>",
        f"<text x='16' y='45' fill='#6b7280'>{words.legend}</text>",
    ]
    for decade in range(math.floor(decades) + 1):
        x = place(10**decade)
        parts.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{_TOP}' y2='{height - 12:.0f}' stroke='#e5e7eb'/>")
        parts.append(f"<text x='{x:.1f}' y='{_TOP - 6}' fill='#6b7280' text-anchor='middle'>{10**decade:,}×</text>")
    y = float(_TOP)
    for theme, rows in shown.items():
        y += _LINE * 1.1
        parts.append(f"<text x='16' y='{y:.1f}' font-weight='600' fill='#1f2937'>{escape(words.theme(theme))}</text>")
        y += _LINE * 0.3
        for row in rows:
            parts += _bar(row, words.say(row.what), y, place)
            y += _LINE
        y += _LINE * 0.2
    return "\n".join([*parts, "</svg>", ""])


def is_comparison(row: Row) -> bool:
    """Whether a row compares Prill with another library, and not with itself or a limit."""
    return row.peer != "–" and "ours" not in row.peer and "MB" not in row.ours


def _bar(row: Row, what: str, y: float, place: Callable[[float], float]) -> list[str]:
    x = place(row.faster)
    aim = None if row.goal.value is None else place(row.goal.value if row.goal.least else 1 / row.goal.value)
    color = {True: "#0d9488", False: "#dc2626", None: "#94a3b8"}[row.met]
    beside = aim if aim is not None and x < aim < x + _FIGURE else x  # the figure must not cover the stroke
    parts = [
        f"<text x='{_LABELS - 8}' y='{y + 15:.1f}' text-anchor='end' fill='#374151' "
        f"font-size='12'>{escape(_short(what.replace('`', '')))}</text>",
        f"<rect x='{_LABELS}' y='{y + 4:.1f}' width='{max(x - _LABELS, 1):.1f}' height='{_LINE - 8}' rx='2' "
        f"fill='{color}'/>",
        f"<text x='{beside + 6:.1f}' y='{y + 15:.1f}' fill='#1f2937'>{figure(row.faster)}×</text>",
    ]
    if aim is not None:
        parts.append(
            f"<line x1='{aim:.1f}' x2='{aim:.1f}' y1='{y + 2:.1f}' y2='{y + _LINE - 2:.1f}' stroke='#111827' "
            "stroke-width='2'/>"
        )
    return parts


def _short(label: str) -> str:
    return label if len(label) <= 78 else label[:77] + "…"
