"""``prill evaluate``: a chain of a module, scored on a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from prill.chat_models import init_chat_model
from prill.cli.bulk import read_prices
from prill.cli.loading import load_object
from prill.errors import ConfigError
from prill.evaluate import compare, evaluate, exact_match, json_diff, judge
from prill.evaluate.scorers import Scorer

_NAMED: dict[str, Scorer] = {
    "exact": exact_match,
    "exact_match": exact_match,
    "json": json_diff,
    "json_diff": json_diff,
}


def run_evaluation(
    chain: str,
    dataset: str,
    scorers: Sequence[str],
    options: dict[str, Any],
    *,
    save: str | None,
    before: str | None,
    html: str | None,
    lang: Literal["en", "zh"],
) -> None:
    """Evaluate, print, and write the files that were asked for.

    Raises:
        ConfigError: the chain, a scorer or a file cannot be used.
    """
    if html is not None and before is None:
        raise ConfigError("--html shows the comparison with another run: name that run's file with --compare")
    options["prices"] = read_prices(options.pop("price"))
    given = {name: value for name, value in options.items() if value is not None}
    result = evaluate(load_object(chain), dataset, [find_scorer(name) for name in scorers or ["exact"]], **given)
    result.print()
    if save is not None:
        result.save(save)
    if before is not None:
        comparison = compare(before, result)
        comparison.print()
        if html is not None:
            comparison.write(html, lang)


def find_scorer(name: str) -> Scorer:
    """The scorer that a command names: ``exact``, ``json``, ``judge=MODEL``, or ``module:name`` of a function.

    Raises:
        ConfigError: there is none of this name.
    """
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith("judge="):
        return judge(init_chat_model(name.removeprefix("judge=")))
    if ":" not in name:
        raise ConfigError(f"unknown scorer {name!r}: give exact, json, judge=MODEL, or module:name of a function")
    scorer: Scorer = load_object(name)
    return scorer
