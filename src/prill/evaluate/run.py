"""Running a chain on a data set, and scoring its outputs."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from typing_extensions import TypedDict, Unpack

from prill import bulk
from prill.bulk.cost import Prices, get_cost
from prill.bulk.feed import as_async
from prill.bulk.rows import Record
from prill.bulk.settings import Options
from prill.bulk.sources import open_source
from prill.callbacks.config import RunnableConfig
from prill.errors import BulkError, ConfigError
from prill.evaluate.result import Evaluation, EvaluationRow, sum_usage
from prill.evaluate.scorers import Score, Scorer, name_scorers, read_scores
from prill.io import closing
from prill.io.main_loop import run_in_new_loop
from prill.runnables.base import Runnable, coerce_to_runnable

Column: TypeAlias = str | Callable[[Any], Any]
"""A column, or a function of the row."""


class EvaluateOptions(TypedDict, total=False):
    """The options of ``evaluate`` and ``aevaluate``.

    Args:
        name: what the evaluation is called in tables; by default the chain's name.
        key: the column, or a function of the row, that names it, and by which ``compare`` pairs rows; by default
            ``key`` or ``id`` where there is such a column, else its position.
        input: the column, or a function of the row, that the chain is given; ``"input"``.
        expected: the same for what is expected; ``"expected"``. Rows may be without it.
        limit: ask the first so many rows only.
        max_concurrency: how many rows are in flight at once; 20.
        attempts: how often a row is asked at most, where an error may pass; 5.
        row_timeout: how many seconds an attempt may take; 600.
        requests_per_minute: a limit for the models' calls.
        prices: ``{"gpt-4o-mini": (0.15, 0.60)}``, the price of a million tokens read and written.
        config: the config of each row's run: callbacks, tags, metadata.
        progress: ``True`` shows it in the terminal.
    """

    name: str | None
    key: Column | None
    input: Column
    expected: Column
    limit: int | None
    max_concurrency: int
    attempts: int
    row_timeout: float | None
    requests_per_minute: int | None
    prices: Prices | None
    config: RunnableConfig | None
    progress: bool


Scorers: TypeAlias = Scorer | Sequence[Scorer] | Mapping[str, Scorer]


def evaluate(chain: Any, dataset: Any, scorers: Scorers, **options: Unpack[EvaluateOptions]) -> Evaluation:
    """Run a chain on every row of a data set, and score its outputs.

        result = evaluate(chain, [{"input": "2 + 2", "expected": "4"}], [exact_match])
        result.means["exact_match"]

    An error of the chain is a row of the result, and an error of a scorer a score without a value. An error that every
    row would meet, such as a wrong key, ends the asking: ``stopped`` says so, and the other rows are there as failed.

    Args:
        chain: a Runnable, or what can be a step of one.
        dataset: rows: a list of dicts, any iterable, or the path of a JSON Lines, CSV or Parquet file.
        scorers: functions ``(output, expected, input)``, also ``async``; a dict gives them names. They are given the
            output as it is saved: the text of a message, the dict of a Pydantic object.
        options: see ``EvaluateOptions``.

    Raises:
        ConfigError: a scorer, an option or the data set cannot be used.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    work = _Evaluation(chain, dataset, scorers, options)
    return run_in_new_loop(work.run, lambda: False)


async def aevaluate(chain: Any, dataset: Any, scorers: Scorers, **options: Unpack[EvaluateOptions]) -> Evaluation:
    """Do what ``evaluate`` does in the event loop that runs."""
    return await _Evaluation(chain, dataset, scorers, options).run()


_PASSED_ON = ("max_concurrency", "attempts", "row_timeout", "requests_per_minute", "config", "progress")


class _Evaluation:
    """One evaluation: reads the rows, asks the chain, then the scorers."""

    def __init__(self, chain: Any, dataset: Any, scorers: Any, options: EvaluateOptions) -> None:
        unknown = set(options) - set(EvaluateOptions.__annotations__)
        if unknown:
            raise ConfigError(f"evaluate has no option {min(unknown)!r}")
        self._chain: Runnable[Any, Any] = coerce_to_runnable(chain)
        self._source = open_source(dataset)
        self._scorers = name_scorers(scorers)
        self._options = options
        self._bulk: Options = {"max_concurrency": 20, "key": _get_number, "input": _get_input}
        for name in _PASSED_ON:
            if options.get(name) is not None:
                self._bulk[name] = options[name]  # type: ignore[literal-required]  # one of the names above
        self._stopped: str | None = None

    async def run(self) -> Evaluation:
        rows = [self._make_row(number, record) async for number, record in self._read()]
        await self._ask([row for row in rows if not row.failed])
        scoring = await self._score([row for row in rows if not row.failed])
        prices = self._options.get("prices")
        result = Evaluation(self._options.get("name") or self._chain.get_name(), rows, list(self._scorers))
        result.cost = get_cost(result.usage, prices)
        result.scoring_usage, result.scoring_cost = scoring, get_cost(scoring, prices) if scoring else None
        result.stopped = self._stopped
        return result

    async def _read(self) -> AsyncIterator[tuple[int, Record]]:
        number, limit = 0, self._options.get("limit")
        async with closing(as_async(self._source.read())) as records:
            async for record in records:
                if limit is not None and number >= limit:
                    return
                yield number, record
                number += 1

    def _make_row(self, number: int, record: Record) -> EvaluationRow:
        if record.problem is not None:
            return EvaluationRow(number, error=f"{record.place}: {record.problem}", error_type="ConfigError")
        key = self._options.get("key") or next((name for name in ("key", "id") if _has(record.value, name)), None)
        try:
            expected = self._options.get("expected", "expected")
            return EvaluationRow(
                number if key is None else _pick(record.value, key),
                _pick(record.value, self._options.get("input", "input")),
                _pick(record.value, expected) if callable(expected) or _has(record.value, expected) else None,
            )
        except Exception as error:  # also of the user's functions
            return EvaluationRow(number, error=f"{record.place}: {error}", error_type=type(error).__name__)

    async def _ask(self, rows: Sequence[EvaluationRow]) -> None:
        for row in rows:
            row.error, row.error_type = "the row was not asked", "NotAsked"
        async for number, result in self._run(self._chain, [row.input for row in rows]):
            row = rows[number]
            row.output, row.error, row.error_type = result.output, result.error, result.error_type
            row.seconds, row.usage = result.seconds, result.usage or {}
        for row in rows:
            if row.error_type == "NotAsked" and self._stopped is not None:
                row.error = f"the run was stopped before this row had ended: {self._stopped}"

    async def _score(self, rows: Sequence[EvaluationRow]) -> Any:
        """Let each scorer see each output, and return the tokens that they took."""
        steps = {name: _make_step(name, scorer) for name, scorer in self._scorers.items()}
        cases = [(row, name) for row in rows for name in steps]

        async def score(number: int) -> Any:
            row, name = cases[number]
            return await steps[name].ainvoke(row)

        usages = []
        async for number, result in self._run(coerce_to_runnable(score), range(len(cases))):
            row, name = cases[number]
            if result.error is not None:
                row.scores[name] = Score(error=f"{result.error_type}: {result.error}")
            else:
                row.scores |= {each: Score(**value) for each, value in result.output.items()}
            usages.append(result.usage or {})
        for row in rows:  # scorers end in any order
            order = {name: at for at, name in enumerate(steps)}
            row.scores = dict(sorted(row.scores.items(), key=lambda item: order.get(item[0].split(".")[0], 0)))
        return sum_usage(usages)

    async def _run(self, chain: Runnable[Any, Any], inputs: Sequence[Any]) -> AsyncIterator[tuple[int, bulk.Result]]:
        """Yield what became of each input, with its number; an error that meets all of them is kept for the result."""
        stream = bulk.stream(chain, list(enumerate(inputs)), **self._bulk)
        try:
            async with closing(stream) as results:
                async for pair in results:
                    yield pair
        except BulkError as error:
            self._stopped = self._stopped or str(error)


def _make_step(name: str, scorer: Scorer) -> Runnable[EvaluationRow, Any]:
    """A scorer as a Runnable: one that is not ``async`` works in a thread."""

    def see(row: EvaluationRow) -> Any:
        return scorer(row.output, row.expected, row.input)

    async def finish(given: Any) -> dict[str, Any]:
        value = await given if inspect.isawaitable(given) else given
        return {each: vars(score) for each, score in read_scores(name, value).items()}

    if inspect.iscoroutinefunction(scorer) or inspect.iscoroutinefunction(getattr(scorer, "__call__", None)):  # noqa: B004 - its kind is asked for

        async def score(row: EvaluationRow) -> dict[str, Any]:
            return await finish(see(row))

        return coerce_to_runnable(score)
    return coerce_to_runnable(see) | finish


def _get_number(pair: tuple[int, Any]) -> int:
    return pair[0]


def _get_input(pair: tuple[int, Any]) -> Any:
    return pair[1]


def _has(value: Any, column: Any) -> bool:
    return isinstance(value, Mapping) and column in value


def _pick(value: Any, choose: Column) -> Any:
    if callable(choose):
        return choose(value)
    if not _has(value, choose):
        columns = ", ".join(map(str, value)) if isinstance(value, Mapping) else f"a {type(value).__name__}"
        raise ConfigError(f"there is no column {choose!r}; the row has {columns}"[:300])
    return value[choose]
