"""What an evaluation found."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from prill.errors import ConfigError
from prill.evaluate.scorers import Score
from prill.messages.usage import UsageMetadata, add_usage

_FORM = 1


@dataclass
class EvaluationRow:
    """One row of the data set, and what became of it.

    Args:
        key: what names the row; by default its position.
        input: what the chain was given.
        expected: what was expected.
        output: the output as JSON holds it: a message is its text, a Pydantic object a dict.
        error: why there is no output; ``error_type`` is the name of the error's type.
        seconds: how long it took, with all attempts.
        usage: the tokens that the chain took, by model.
        scores: what the scorers said, by their names.
    """

    key: Any
    input: Any = None
    expected: Any = None
    output: Any = None
    error: str | None = None
    error_type: str | None = None
    seconds: float = 0.0
    usage: Mapping[str, UsageMetadata] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the chain failed."""
        return self.error is not None


@dataclass
class Evaluation:
    """The rows of an evaluation in the order of the data set, and their figures.

    Args:
        name: what it is called in tables.
        rows: the rows.
        scorers: the names of the scorers.
        cost: the price of the chain's tokens; ``None`` where it is not known.
        scoring_usage: the tokens that scorers took, by model; ``scoring_cost`` is their price.
        stopped: why rows were not asked: an error that every row would have met, such as a wrong key.
    """

    name: str
    rows: list[EvaluationRow]
    scorers: list[str] = field(default_factory=list)
    cost: float | None = None
    scoring_usage: Mapping[str, UsageMetadata] = field(default_factory=dict)
    scoring_cost: float | None = None
    stopped: str | None = None

    @property
    def failed(self) -> int:
        """How many rows the chain failed on."""
        return sum(row.failed for row in self.rows)

    @property
    def score_names(self) -> list[str]:
        """The names of all scores, also those that scorers made of fields."""
        found = dict.fromkeys(name for row in self.rows for name in row.scores)
        return list(dict.fromkeys([*(name for name in self.scorers if name in found), *found]))

    @property
    def means(self) -> dict[str, float]:
        """The mean of each score. A row on which the chain failed counts as 0; one whose scorer failed is left out."""
        return {name: mean for name in self.score_names if (mean := self._mean(name)) is not None}

    def _mean(self, name: str) -> float | None:
        scores = [row.scores.get(name) for row in self.rows if not row.failed]
        values = [score.value for score in scores if score is not None and score.value is not None]
        count = len(values) + self.failed
        return sum(values) / count if values else None

    @property
    def usage(self) -> dict[str, UsageMetadata]:
        """The tokens that the chain took, by model."""
        return sum_usage(row.usage for row in self.rows)

    @property
    def tokens(self) -> tuple[int, int]:
        """The tokens read and written by the chain's models."""
        total = reduce(add_usage, self.usage.values(), None)
        return (total["input_tokens"], total["output_tokens"]) if total else (0, 0)

    def latency(self, share: float = 0.5) -> float | None:
        """The seconds within which such a share of the rows had an output; ``None`` where no row had."""
        took = sorted(row.seconds for row in self.rows if not row.failed)
        return took[min(len(took) - 1, int(share * len(took)))] if took else None

    def to_dataset(self) -> list[dict[str, Any]]:
        """Rows for another evaluation, in which this one's outputs are what is expected."""
        return [{"key": row.key, "input": row.input, "expected": row.output} for row in self.rows if not row.failed]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to a JSON file, which ``load`` and ``compare`` read."""
        Path(path).write_bytes(to_json({"prill_evaluation": _FORM, **asdict(self)}, indent=1, fallback=repr))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read what ``save`` wrote.

        Raises:
            ConfigError: the file does not exist, or holds something else.
        """
        try:
            data = from_json(Path(path).read_bytes())
            if data.pop("prill_evaluation") != _FORM:
                raise ConfigError(f"{os.fspath(path)!r} was written by another version of Prill")
            rows = [_read_row(row) for row in data.pop("rows")]
            return cls(rows=rows, **data)
        except OSError as error:
            raise ConfigError(f"{os.fspath(path)!r} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{os.fspath(path)!r} is not a saved evaluation: {error}") from error

    def summary(self) -> list[tuple[str, str]]:
        """The figures, as names and texts."""
        read, written = self.tokens
        half, most = self.latency(), self.latency(0.95)
        lines = [("rows", str(len(self.rows))), ("failed", str(self.failed))]
        lines += [(name, f"{mean:.3f}") for name, mean in self.means.items()]
        if half is not None and most is not None:
            lines.append(("seconds", f"{half:.2f} (half of the rows), {most:.2f} (95 % of them)"))
        lines.append(("tokens", f"{read} read, {written} written"))
        if self.cost is not None:
            lines.append(("cost", f"{self.cost:.4f}"))
        if self.scoring_usage:
            total = sum(used["total_tokens"] for used in self.scoring_usage.values())
            price = "" if self.scoring_cost is None else f", cost {self.scoring_cost:.4f}"
            lines.append(("scoring", f"{total} tokens{price}"))
        return [*lines, *([("stopped", self.stopped)] if self.stopped else [])]

    def __str__(self) -> str:
        lines = self.summary()
        width = max(len(name) for name, _ in lines)
        failures = [f"{row.key}: {row.error_type}: {_first_line(row.error)}" for row in self.rows if row.failed]
        more = [f"… and {len(failures) - 5} more failed rows"] if len(failures) > 5 else []
        return "\n".join([self.name, *(f"  {name:<{width}}  {text}" for name, text in lines), *failures[:5], *more])

    def print(self, most: int = 20) -> None:
        """Print the figures and the rows with the lowest scores: with ``rich`` in a terminal, plain where piped.

        Args:
            most: how many rows to print.
        """
        print(self)
        head, lines = self.table(most)
        print_table(head, lines)

    def table(self, most: int = 20) -> tuple[list[str], list[list[str]]]:
        """The rows with the lowest scores as a table: its head, and its lines."""
        names = self.score_names
        ranked = sorted(self.rows, key=_rank)[:most]
        head = ["row", "input", "expected", "output", *names, "seconds"]
        return head, [
            [
                str(row.key),
                *map(brief, (row.input, row.expected)),
                f"✗ {row.error_type}" if row.failed else brief(row.output),
            ]
            + [_shown(row, name) for name in names]
            + [f"{row.seconds:.2f}"]
            for row in ranked
        ]


def sum_usage(usages: Any) -> dict[str, UsageMetadata]:
    """The sum of tokens by model."""
    total: dict[str, UsageMetadata] = {}
    for usage in usages:
        for model, used in usage.items():
            total[model] = add_usage(total.get(model), used)
    return total


def print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table, with ``rich`` if this is a terminal and the package is there."""
    if sys.stdout.isatty():
        try:
            console, table = import_module("rich.console"), import_module("rich.table")
            text = import_module("rich.text")
        except ImportError:
            pass
        else:
            drawn = table.Table(*head)
            for line in lines:
                drawn.add_row(*(text.Text(cell) for cell in line))
            console.Console().print(drawn)
            return
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    for line in [head, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def brief(value: Any, longest: int = 32) -> str:
    """A value in one short line."""
    text = value if isinstance(value, str) else to_json(value, fallback=repr).decode()
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _rank(row: EvaluationRow) -> tuple[bool, float]:
    values = [score.value for score in row.scores.values() if score.value is not None]
    return not row.failed, sum(values) / len(values) if values else 0.0


def _shown(row: EvaluationRow, name: str) -> str:
    score = row.scores.get(name)
    return "–" if score is None else "failed" if score.value is None else f"{score.value:.2f}"


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0][:160]


def _read_row(data: dict[str, Any]) -> EvaluationRow:
    scores = {name: Score(**score) for name, score in data.pop("scores").items()}
    return EvaluationRow(**data, scores=scores)
