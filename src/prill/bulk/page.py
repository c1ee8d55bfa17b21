"""The report of a run as a page that opens without a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

from prill.bulk.report import Report, Sample
from prill.errors import BulkError

_WIDTH, _HEIGHT = 860, 200
_LEFT, _BOTTOM, _TOP = 56, 24, 10

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #66707f; --line: #d9dee5; --back: #fff; --card: #f5f7f9;
  --good: #2f6fde; --bad: #d1495b; --slow: #e0a030; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #98a2b0; --line: #39424e; --back: #14181d;
  --card: #1d232a; --good: #6aa0ff; --bad: #ff7a8a; --slow: #f0bd5a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto;
  max-width: 920px; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 32px 0 8px; }
p { margin: 0; color: var(--soft); } .stopped { color: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 10px; margin-top: 18px; }
.figures div { background: var(--card); border-radius: 8px; padding: 10px 14px; }
.figures b { display: block; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: 13px; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 11px; }
.axis { stroke: var(--line); } .done { fill: none; stroke: var(--good); stroke-width: 2; }
.failed { fill: none; stroke: var(--bad); stroke-width: 2; } .refused { fill: none; stroke: var(--slow);
  stroke-width: 2; } .bar { fill: var(--good); }
.key { font-size: 13px; color: var(--soft); } .key i { display: inline-block; width: 14px; height: 3px;
  vertical-align: middle; margin: 0 6px 0 14px; } .key i:first-child { margin-left: 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 6px 10px 6px 0;
  border-bottom: 1px solid var(--line); vertical-align: top; font-size: 14px; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
"""


def write_page(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the page.

    Raises:
        BulkError: it cannot be written.
    """
    try:
        Path(path).write_text(make_page(report), "utf8")
    except OSError as error:
        raise BulkError(f"the page {os.fspath(path)!r} cannot be written: {error}", report=report) from error


def make_page(report: Report) -> str:
    """The page: figures, the curve of the run, how long rows took, errors, tokens by model."""
    stopped = f'<p class="stopped">stopped: {escape(report.stopped)}</p>' if report.stopped else ""
    parts = [
        f"<h1>{report.ended:,} rows in {_spell(report.seconds)}</h1>",
        stopped or "<p>The run has ended in order.</p>",
        _figures(report),
        "<h2>Rows a second</h2>",
        _curves(report.samples),
        "<h2>How long rows took</h2>",
        _histogram(report),
        _errors(report),
        _models(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Bulk run</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{_STYLE}</style>\n{''.join(part + chr(10) for part in parts if part)}</html>\n"
    )


def _figures(report: Report) -> str:
    read, written = report.tokens
    half, most = report.percentile(0.5), report.percentile(0.95)
    figures = [
        (f"{report.done:,}", "done"),
        (f"{report.failed:,}", "failed"),
        (f"{report.not_started:,}", "not started"),
        (f"{report.rows_per_second:,.1f}", "rows a second"),
        (f"{read + written:,}", "tokens"),
        ("unknown" if report.cost is None else f"{report.cost:,.2f}", "cost"),
        (f"{report.rate_limited:,}", "refused for the rate"),
        ("–" if half is None else _spell(half), "half of the rows took at most"),
        ("–" if most is None else _spell(most), "95 % of them"),
    ]
    if report.resumed:
        figures.insert(1, (f"{report.resumed:,}", "of them before this run"))
    cells = "".join(f"<div><b>{value}</b><span>{what}</span></div>" for value, what in figures)
    return f'<div class="figures">{cells}</div>'


def _curves(samples: Sequence[Sample]) -> str:
    if len(samples) < 2:
        return "<p>The run was too short for a curve.</p>"
    end = samples[-1].at or 1.0
    rates = [_rates(samples, name) for name in ("ended", "failed", "rate_limited")]
    top = _round_up(max(value for curve in rates for _, value in curve))
    lines = "".join(
        f'<polyline class="{kind}" points="{_points(curve, end, top)}"/>'
        for kind, curve in zip(("done", "failed", "refused"), rates, strict=True)
        if kind == "done" or any(value for _, value in curve)
    )
    key = (
        '<p class="key"><i style="background:var(--good)"></i>rows ended'
        '<i style="background:var(--bad)"></i>rows failed'
        '<i style="background:var(--slow)"></i>requests refused for the rate</p>'
    )
    return f"{_frame(top, [(0.0, '0 s'), (0.5, _spell(end / 2)), (1.0, _spell(end))], lines)}{key}"


def _rates(samples: Sequence[Sample], name: str) -> list[tuple[float, float]]:
    """A count's growth a second, at each moment."""
    return [
        (after.at, max(0.0, getattr(after, name) - getattr(before, name)) / (after.at - before.at))
        for before, after in pairwise(samples)
        if after.at > before.at
    ]


def _points(curve: Iterable[tuple[float, float]], end: float, top: float) -> str:
    return " ".join(f"{_x(at / end):.1f},{_y(value / top):.1f}" for at, value in curve)


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - 10)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _frame(top: float, below: Iterable[tuple[float, str]], inside: str) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{top * share:,.6g}</text>')
    for share, text in below:
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(f'<text x="{_x(share):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}{inside}</svg>'


def _histogram(report: Report) -> str:
    if not report.latencies:
        return "<p>No row was asked.</p>"
    edges = sorted(report.latencies)
    first, last = edges[0] / 1.25, edges[-1]
    every = [first]
    while every[-1] < last * 0.999:
        every.append(every[-1] * 1.25)
    top = _round_up(max(report.latencies.values()))
    wide = 1 / (len(every) - 1)
    bars = []
    for edge in edges:
        number = min(range(len(every)), key=lambda at: abs(every[at] - edge)) - 1
        x, y = _x(number * wide), _y(report.latencies[edge] / top)
        width = _x(wide) - _x(0) - 1
        bars.append(f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{_y(0) - y:.1f}"/>')
    return _frame(top, [(0.0, _spell(first)), (1.0, _spell(last))], "".join(bars))


def _errors(report: Report) -> str:
    if not report.errors:
        return ""
    groups = sorted(report.errors.values(), key=lambda group: -group.count)
    rows = "".join(
        f'<tr><td class="n">{group.count:,}</td><td>{escape(group.type)}</td><td>{escape(group.place)}</td>'
        f"<td>{escape(group.text[:400])}</td></tr>"
        for group in groups
    )
    head = '<tr><th class="n">rows</th><th>error</th><th>first at</th><th>its text</th></tr>'
    return f"<h2>Errors</h2><table>{head}{rows}</table>"


def _models(report: Report) -> str:
    if not report.usage:
        return ""
    rows = "".join(
        f'<tr><td>{escape(model)}</td><td class="n">{used["input_tokens"]:,}</td>'
        f'<td class="n">{used["output_tokens"]:,}</td></tr>'
        for model, used in report.usage.items()
    )
    head = '<tr><th>model</th><th class="n">tokens read</th><th class="n">written</th></tr>'
    return f"<h2>Models</h2><table>{head}{rows}</table>"


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value * 0.999:
                return step * factor
        step *= 10


def _spell(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
