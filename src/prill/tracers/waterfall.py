"""Runs along time, as a picture: one bar for each step, pale until its first chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from unicodedata import east_asian_width

from prill.tracers.console import seconds
from prill.tracers.tree import TracedRun

COLOURS = {
    "chain": "#8b95a7",
    "prompt": "#2bb3c0",
    "chat_model": "#a46be8",
    "llm": "#a46be8",
    "parser": "#4f8df0",
    "tool": "#e0a12f",
    "retriever": "#3fae6a",
}
"""By kind of step; any other kind has the colour of ``chain``."""

_WIDE = 1.75  # a Chinese, Japanese or Korean letter is as wide as the font is high, others a little over half of that


def letters(text: str) -> float:
    """How many narrow letters would take the room of ``text``."""
    if text.isascii():
        return len(text)
    return sum(_WIDE if east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str, longest: float) -> str:
    """``text``, or its beginning and ``…``, in the room of ``longest`` narrow letters."""
    if letters(text) <= longest:
        return text
    while letters(text) > longest - 1:
        text = text[:-1]
    return text + "…"


_ROW = 26
_BAR = 12
_INDENT = 14
_CHART = 560
_LABEL_ROOM = 170
_MARGIN = 24
_LETTER = 6.9  # the width of a letter at 12px; names are given more room than they need
_LONGEST_NAME = 38
_DEEPEST = 12
_FAILED = "#e5534b"

_STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a; }
.name { fill: #24292f; } .root { font-weight: 600; } .title { font-size: 15px; font-weight: 600; fill: #24292f; }
.small { font-size: 11px; } .failed { fill: #cf222e; }
.card { fill: #ffffff; stroke: #d8dee4; } .grid { stroke: #eaeef2; } .stripe { fill: #f6f8fa; }
.mark { stroke: #24292f; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; } .name, .title { fill: #e6edf3; } .failed { fill: #ff7b72; }
.card { fill: #151b23; stroke: #3d444d; } .grid { stroke: #262c36; } .stripe { fill: #1b222c; }
.mark { stroke: #f0f6fc; }
}
""".strip()


def draw_waterfall(roots: Sequence[TracedRun], *, title: str | None = None) -> str:
    """SVG text that shows ``roots`` and all within them, from the start of the first on."""
    rows = [row for root in roots for row in root.walk()]
    origin = min((run.started for _, run in rows), default=0.0)
    total = max((run.started + run.duration - origin for _, run in rows), default=0.0) or 1e-6
    names = max((_indent(depth) + _LETTER * letters(_short(run.name, depth)) for depth, run in rows), default=0.0) + 26
    left = _MARGIN + max(names, 120.0)
    top = _MARGIN + 54
    width = left + _CHART + _LABEL_ROOM + _MARGIN
    height = top + _ROW * len(rows) + 32 + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10"/>',
        _text(_MARGIN, _MARGIN + 14, title or _headline(roots), "title"),
        _text(width - _MARGIN, _MARGIN + 14, _summary(rows, total), "small", "end"),
        *_grid(left, top, len(rows), total),
    ]
    for index, (depth, run) in enumerate(rows):
        parts += _row(depth, run, left, top + index * _ROW, (run.started - origin) / total, run.duration / total, total)
    parts += _legend(rows, top + _ROW * len(rows) + 32)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _headline(roots: Sequence[TracedRun]) -> str:
    return roots[0].name if len(roots) == 1 else f"{len(roots)} runs"


def _summary(rows: Sequence[tuple[int, TracedRun]], total: float) -> str:
    used = [run.usage for _, run in rows if run.usage]
    totals = [seconds(total)] if rows else ["no runs"]
    if used:
        totals.append(f"{sum(each['input_tokens'] for each in used):,} tokens in")
        totals.append(f"{sum(each['output_tokens'] for each in used):,} out")
    return " · ".join(totals)


def _grid(left: float, top: float, rows: int, total: float) -> Iterator[str]:
    for index in range(1, rows, 2):
        yield (
            f'<rect class="stripe" x="{_MARGIN - 8}" y="{top + index * _ROW:.1f}" '
            f'width="{left - _MARGIN + 8 + _CHART + _LABEL_ROOM:.1f}" height="{_ROW}" rx="4"/>'
        )
    step = _tick(total)
    time, bottom = 0.0, top + rows * _ROW
    while time <= total * 1.0001:
        x = left + time / total * _CHART
        yield f'<line class="grid" x1="{x:.1f}" y1="{top - 6:.1f}" x2="{x:.1f}" y2="{bottom:.1f}"/>'
        yield _text(x, top - 12, seconds(time) if time else "0", "small", "middle")
        time += step


def _tick(total: float) -> float:
    """A round step of time that cuts ``total`` into eight at most."""
    size = 10.0**-7
    while True:
        for step in (1, 2, 5):
            if total / (step * size) <= 8:
                return step * size
        size *= 10


def _row(
    depth: int, run: TracedRun, left: float, top: float, start: float, share: float, total: float
) -> Iterator[str]:
    failed = run.status == "error"
    colour = _FAILED if failed else COLOURS.get(run.kind, COLOURS["chain"])
    middle = top + _ROW / 2
    x, width = left + start * _CHART, max(share * _CHART, 2.0)
    y = middle - _BAR / 2
    indent = _MARGIN + _indent(depth)
    yield f'<circle cx="{indent + 4:.1f}" cy="{middle:.1f}" r="3.5" fill="{colour}"/>'
    yield _text(indent + 14, middle + 4, _short(run.name, depth), "name root" if depth == 0 else "name")
    yield f"<g><title>{escape(_make_tooltip(run))}</title>"
    first = run.time_to_first_chunk if run.streamed else None
    if first is None:
        yield _rect(x, y, width, colour, 1.0)
    else:
        waited = min(first / total * _CHART, max(width - 2.0, 0.0))
        yield _rect(x, y, width, colour, 0.3)
        yield _rect(x + waited, y, width - waited, colour, 1.0)
        yield (
            f'<line class="mark" x1="{x + waited:.1f}" y1="{y - 3:.1f}" x2="{x + waited:.1f}" y2="{y + _BAR + 3:.1f}" '
            'stroke-width="1.6"/>'
        )
    yield "</g>"
    yield _text(x + width + 8, middle + 4, _beside(run), "small failed" if failed else "small")


def _rect(x: float, y: float, width: float, colour: str, opacity: float) -> str:
    radius = min(3.0, width / 2)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR}" rx="{radius:.1f}" fill="{colour}" '
        f'fill-opacity="{opacity}"/>'
    )


def _beside(run: TracedRun) -> str:
    """The label to the right of a bar, shortened to the space there."""
    if run.error is not None:
        return f"{seconds(run.duration)} · {run.error.partition(':')[0]}"[:28]
    if run.cancelled:
        return f"{seconds(run.duration)} · left"
    if run.usage:
        return f"{seconds(run.duration)} · {run.usage['output_tokens']:,} tokens"
    return seconds(run.duration)


def _make_tooltip(run: TracedRun) -> str:
    facts = [f"{run.name} ({run.kind}): {run.status}, {seconds(run.duration)}"]
    if run.time_to_first_chunk is not None:
        facts.append(f"first of {run.chunks} chunks after {seconds(run.time_to_first_chunk)}")
    if run.error is not None:
        facts.append(run.error)
    return "\n".join(map(_printable, facts))


def _legend(rows: Sequence[tuple[int, TracedRun]], y: float) -> Iterator[str]:
    x: float = _MARGIN
    kinds = dict.fromkeys("chat_model" if run.kind == "llm" else run.kind for _, run in rows)
    entries = [(kind.replace("chat_model", "model"), COLOURS.get(kind, COLOURS["chain"])) for kind in kinds]
    if any(run.status == "error" for _, run in rows):
        entries.append(("failed", _FAILED))
    for name, colour in entries:
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" rx="2.5" fill="{colour}"/>'
        yield _text(x + 16, y, name, "small")
        x += 34 + _LETTER * len(name)
    if any(run.streamed for _, run in rows):
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="12" height="10" rx="2.5" fill="#8b95a7" fill-opacity="0.3"/>'
        yield f'<line class="mark" x1="{x + 12:.1f}" y1="{y - 12:.1f}" x2="{x + 12:.1f}" y2="{y + 4:.1f}"/>'
        yield _text(x + 20, y, "waiting, then the first chunk", "small")


def _indent(depth: int) -> int:
    return min(depth, _DEEPEST) * _INDENT


def _short(name: str, depth: int) -> str:
    """The name, shortened to the space after its indent."""
    return shortened(name, _LONGEST_NAME - min(depth, _DEEPEST) * 2)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(_printable(text))}</text>'


def _printable(text: str) -> str:
    # Control characters are not allowed in XML, escaped or not.
    return "".join(letter if letter.isprintable() else " " for letter in text)
