"""The options of a bulk run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from typing_extensions import TypedDict

from prill.bulk.cost import Prices, check_prices
from prill.bulk.rows import Choose, Key, check_columns
from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError


class Options(TypedDict, total=False):
    """The options of ``bulk.run``, ``bulk.arun`` and ``bulk.stream``.

    Rows:
        key: the column, or a function of the row, that names it; by default its position. Keys are what a run is
            resumed by.
        input: the column, or a function of the row, that the chain is given; by default the row.
        keep: columns of the row to copy to the output.
        limit: ask the first so many rows only.
        sample: ask so many rows only, chosen by chance, the same in each run.
        dedup: ask equal inputs once, and give all of their rows the answer.
        order: ``"input"`` writes the output in the order of the source, sorted on disk; by default rows are in the
            order in which they were done.

    Where:
        engine: ``"local"`` (an event loop in this process), ``"ray"``, ``"dask"``, ``"openai-batch"``,
            ``"anthropic-batch"``, or an ``Engine``.
        workers: the number of worker processes of Ray or Dask; by default as many as there are.
        max_concurrency: how many rows each worker holds in flight; 100.
        config: the config of each row's run: callbacks, tags, metadata.

    Exactly once:
        checkpoint: the folder of the ledger. By default it is beside the output, and deleted when all is done.
        on_change: what to do if the checkpoint is of another chain: ``"refuse"``, ``"continue"`` or ``"restart"``.
        retry_errors: ask rows again that failed in an earlier run.
        grace: how many seconds Ctrl-C waits for what is in flight; 30.

    Failures:
        attempts: how often a row is asked at most; 5. Models' own ``max_retries`` and ``with_retry`` do not count.
        row_timeout: how many seconds an attempt may take; 600. ``None`` is for ever.
        max_errors: stop after so many failed rows, or below 1 after such a share of them (looked at from 100 rows on).

    Limits and money:
        requests_per_minute, tokens_per_minute: limits over all workers. What a provider says of its limits, and what
            it refuses, is obeyed in any case.
        adaptive: find the provider's limit where none is given; ``True``.
        prices: ``{"gpt-4o-mini": (0.15, 0.60)}``, the price of a million tokens read and written (and a third number:
            read out of the provider's cache).
        budget: stop before more than this was spent, in all runs of the checkpoint together.

    Shown:
        progress: ``True`` shows it in the terminal, a function is called with the ``Report`` so far.
        html: where to write the page of the report at the end.
    """

    key: Key
    input: Choose
    keep: Sequence[str]
    limit: int | None
    sample: int | None
    dedup: bool
    order: Literal["input"] | None
    engine: Any
    workers: int | None
    max_concurrency: int
    config: RunnableConfig | None
    checkpoint: str | os.PathLike[str] | None
    on_change: Literal["refuse", "continue", "restart"]
    retry_errors: bool
    grace: float
    attempts: int
    row_timeout: float | None
    max_errors: float | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    adaptive: bool
    prices: Prices | None
    budget: float | None
    progress: bool | Callable[[Any], object]
    html: str | os.PathLike[str] | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options with their defaults, checked."""

    key: Key = None
    input: Choose = None
    keep: Sequence[str] = ()
    limit: int | None = None
    sample: int | None = None
    dedup: bool = False
    order: Literal["input"] | None = None
    engine: Any = "local"
    workers: int | None = None
    max_concurrency: int = 100
    config: RunnableConfig | None = None
    checkpoint: str | os.PathLike[str] | None = None
    on_change: Literal["refuse", "continue", "restart"] = "refuse"
    retry_errors: bool = False
    grace: float = 30.0
    attempts: int = 5
    row_timeout: float | None = 600.0
    max_errors: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    adaptive: bool = True
    prices: Prices | None = None
    budget: float | None = None
    progress: bool | Callable[[Any], object] = False
    html: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        check_columns(self.key, self.input, self.keep)
        check_prices(self.prices, self.budget)
        for name in ("limit", "sample", "workers", "max_concurrency", "attempts", "requests_per_minute"):
            self._check_count(name)
        self._check_count("tokens_per_minute")
        for name in ("grace", "row_timeout", "max_errors"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                raise ConfigError(f"{name} is a number that is not below 0, not {value!r}")
        if self.order not in (None, "input"):
            raise ConfigError(f"order is 'input' or None, not {self.order!r}")
        if self.on_change not in ("refuse", "continue", "restart"):
            raise ConfigError(f"on_change is 'refuse', 'continue' or 'restart', not {self.on_change!r}")
        if self.limit is not None and self.sample is not None:
            raise ConfigError("give limit (the first rows) or sample (rows chosen by chance), not both")

    def _check_count(self, name: str) -> None:
        value = getattr(self, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ConfigError(f"{name} is a number, 1 or more, not {value!r}")

    def too_many_errors(self, failed: int, ended: int) -> bool:
        """Whether more rows failed than may."""
        if self.max_errors is None:
            return False
        if 0 < self.max_errors < 1:
            return ended >= 100 and failed > self.max_errors * ended
        return failed > self.max_errors


def read_options(options: Options) -> Settings:
    """The settings that options stand for.

    Raises:
        ConfigError: an option is unknown, or has a value that cannot be used.
    """
    known = {field.name for field in fields(Settings)}
    for name in options:
        if name not in known:
            raise ConfigError(f"bulk has no option {name!r}; it takes {', '.join(sorted(known))}")
    return Settings(**options)
