"""Two evaluations side by side: what became better, and what worse."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from prill.errors import ConfigError
from prill.evaluate.result import Evaluation, EvaluationRow, brief, print_table

_LONGEST = 20_000
"""Characters of a value that the page holds."""


@dataclass(frozen=True)
class Pair:
    """A row of both runs; ``None`` where one of them does not have it."""

    before: EvaluationRow | None
    after: EvaluationRow | None

    @property
    def key(self) -> Any:
        """What names the row."""
        found = self.after or self.before
        return found.key if found is not None else None

    @property
    def changes(self) -> dict[str, float]:
        """How much each score changed. A row on which the chain failed counts as 0."""
        if self.before is None or self.after is None:
            return {}
        names = dict.fromkeys([*self.before.scores, *self.after.scores])
        pairs = {name: (_value(self.before, name), _value(self.after, name)) for name in names}
        return {name: new - old for name, (old, new) in pairs.items() if old is not None and new is not None}

    @property
    def change(self) -> float:
        """The sum of the changes."""
        return sum(self.changes.values())


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same rows.

    Args:
        before, after: the evaluations.
        pairs: their rows; those whose scores changed most stand first.
    """

    before: Evaluation
    after: Evaluation
    pairs: list[Pair]

    @property
    def better(self) -> int:
        """The number of rows whose scores grew."""
        return sum(pair.change > 0 for pair in self.pairs)

    @property
    def worse(self) -> int:
        """The number of rows whose scores fell."""
        return sum(pair.change < 0 for pair in self.pairs)

    @property
    def changes(self) -> dict[str, float]:
        """How much the mean of each score changed."""
        old, new = self.before.means, self.after.means
        return {name: new[name] - old[name] for name in new if name in old}

    def __str__(self) -> str:
        names = list(dict.fromkeys([*self.before.means, *self.after.means]))
        old, new = self.before.means, self.after.means
        width = max([len(name) for name in names], default=0)
        lines = [f"  {name:<{width}}  {_mean(old, name)} → {_mean(new, name)}" for name in names]
        head = f"{self.before.name} → {self.after.name}: {self.better} rows better, {self.worse} worse"
        return "\n".join([head, *lines])

    def print(self, most: int = 20) -> None:
        """Print the means, and a table of the rows that changed: with ``rich`` in a terminal, plain where piped."""
        print(self)
        changed = [pair for pair in self.pairs if pair.change][:most]
        if changed:
            lines = [
                [str(pair.key), f"{pair.change:+.2f}", _brief_output(pair.before), _brief_output(pair.after)]
                for pair in changed
            ]
            print_table(["row", "change", "before", "after"], lines)

    def to_html(self, lang: Literal["en", "zh"] = "en") -> str:
        """The comparison as one page, which opens without a network.

        Args:
            lang: the language of its words, ``"en"`` or ``"zh"``.
        """
        if lang not in ("en", "zh"):
            raise ConfigError(f"lang is 'en' or 'zh', not {lang!r}")
        script, style = _load("comparison.js"), _load("comparison.css")
        # https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
        data = to_json(self._facts(), inf_nan_mode="null").decode().replace("<", "\\u003c")
        policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
        title = escape(f"{self.before.name} → {self.after.name}")
        return (
            f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
            f"<title>{title}</title>\n"
            f'<style>{style}</style>\n<div id="page"></div>\n'
            f'<script type="application/json" id="data">{data}</script>\n<script>{script}</script>\n</html>\n'
        )

    def write(self, path: str | os.PathLike[str], lang: Literal["en", "zh"] = "en") -> None:
        """Write the page of ``to_html`` to a file."""
        Path(path).write_text(self.to_html(lang), "utf8")

    def _facts(self) -> dict[str, Any]:
        sides = [
            {
                **{"name": run.name, "rows": len(run.rows), "failed": run.failed, "means": run.means},
                **{"tokens": sum(run.tokens), "cost": run.cost, "seconds": run.latency()},
            }
            for run in (self.before, self.after)
        ]
        return {"runs": sides, "rows": [_row_facts(pair) for pair in self.pairs]}


def compare(before: Evaluation | str | os.PathLike[str], after: Evaluation | str | os.PathLike[str]) -> Comparison:
    """Compare two evaluations, row by row.

        compare("old.json", "new.json").write("changes.html")

    Rows are paired by their keys; rows without one are paired by their position.

    Args:
        before, after: evaluations, or the paths of saved ones.

    Raises:
        ConfigError: a file does not exist or holds something else, or no row is in both.
    """
    old, new = (each if isinstance(each, Evaluation) else Evaluation.load(each) for each in (before, after))
    olds = {_spell(row.key): row for row in old.rows}
    news = {_spell(row.key): row for row in new.rows}
    if olds and news and not olds.keys() & news.keys():
        raise ConfigError("the two evaluations have no row in common: give both the same key, evaluate(…, key='id')")
    pairs = [Pair(olds.get(key), news.get(key)) for key in dict.fromkeys([*news, *olds])]
    return Comparison(old, new, sorted(pairs, key=lambda pair: -abs(pair.change)))


@cache
def _load(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf8")


def _hash(text: str) -> str:
    """A script or style that a page may hold; https://www.w3.org/TR/CSP3/#match-element-to-source-list"""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _spell(key: Any) -> str:
    return key if isinstance(key, str) else to_json(key, fallback=repr).decode()  # a CSV file has texts only


def _value(row: EvaluationRow, name: str) -> float | None:
    if row.failed:
        return 0.0
    score = row.scores.get(name)
    return score.value if score is not None else None


def _mean(means: Mapping[str, float], name: str) -> str:
    return f"{means[name]:.3f}" if name in means else "–"


def _brief_output(row: EvaluationRow | None) -> str:
    if row is None:
        return "–"
    return f"✗ {row.error_type}" if row.failed else brief(row.output)


def _row_facts(pair: Pair) -> dict[str, Any]:
    shown = pair.after or pair.before
    assert shown is not None  # it is of one of the two
    return {
        **{"key": str(pair.key), "input": _cut(shown.input), "expected": _cut(shown.expected)},
        **{"change": pair.change, "changes": pair.changes},
        "sides": [None if row is None else _side(row) for row in (pair.before, pair.after)],
    }


def _side(row: EvaluationRow) -> dict[str, Any]:
    return {
        **{"output": _cut(row.output), "error": f"{row.error_type}: {row.error}"[:_LONGEST] if row.failed else None},
        **{"seconds": row.seconds, "tokens": sum(used["total_tokens"] for used in row.usage.values())},
        "scores": {
            name: {
                "value": score.value,
                "error": score.error,
                "details": {k: _cut(v) for k, v in score.details.items()},
            }
            for name, score in row.scores.items()
        },
    }


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else to_json(value, indent=1, fallback=repr).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,})"
