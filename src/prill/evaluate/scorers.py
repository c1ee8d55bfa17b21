"""Scorers: functions that compare an output with what was expected."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic_core import from_json, to_json

from prill.embeddings.base import Embeddings
from prill.errors import ConfigError

ScoreValue: TypeAlias = bool | float | Mapping[str, Any]
Scorer: TypeAlias = Callable[[Any, Any, Any], ScoreValue | Awaitable[ScoreValue]]
"""A function ``(output, expected, input)``, also ``async``: a number from 0 to 1, a bool, or a dict.

In a dict ``score`` is the value, every other number is a score of its own (``name.key``), and the rest are details.
"""


@dataclass(frozen=True)
class Score:
    """What a scorer said of one output.

    Args:
        value: the number; ``None`` where the scorer failed.
        details: what the scorer said besides, such as a judge's ``reason``.
        error: why there is no number.
    """

    value: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def exact_match(output: Any, expected: Any, input: Any) -> bool:
    """Whether the output is what was expected; of texts, spaces at both ends do not count.

    >>> exact_match("Paris ", "Paris", "The capital of France?")
    True
    """
    if isinstance(output, str) or isinstance(expected, str):  # a CSV file has texts only
        return _as_text(output) == _as_text(expected)
    return bool(output == expected)


def json_diff(output: Any, expected: Any, input: Any) -> dict[str, Any]:
    """Compare JSON field by field: the score is the share of the fields that are equal, over both sides.

    Texts are parsed. Each top-level field is a score of its own; ``different`` names the deep fields that differ.

    >>> json_diff({"city": "Rome", "days": 3}, '{"city": "Rome", "days": 2}', None)
    {'score': 0.5, 'city': True, 'days': False, 'different': {'days': {'expected': 2, 'output': 3}}}
    """
    wanted, found = dict(_fields(_parse(expected))), dict(_fields(_parse(output)))
    names = list(dict.fromkeys([*wanted, *found]))
    wrong = [name for name in names if name not in wanted or name not in found or wanted[name] != found[name]]
    tops = {_top(name) for name in wrong}
    reserved = ("score", "different")
    fields = {top: top not in tops for top in dict.fromkeys(map(_top, names)) if top and top not in reserved}
    different = {name: {"expected": wanted.get(name), "output": found.get(name)} for name in wrong}
    return {"score": 1 - len(wrong) / len(names) if names else 1.0, **fields, "different": different}


def embedding_similarity(embeddings: Embeddings) -> Scorer:
    """A scorer: how near the output is to what was expected, as the cosine of their vectors (0 where it is below).

    Args:
        embeddings: what makes the vectors, such as ``LocalEmbeddings``.
    """

    async def embedding_similarity(output: Any, expected: Any, input: Any) -> float:
        first, second = await embeddings.aembed_documents([_as_text(output), _as_text(expected)])
        length = math.hypot(*first) * math.hypot(*second)
        return min(1.0, max(0.0, sum(x * y for x, y in zip(first, second, strict=True)) / length)) if length else 0.0

    return embedding_similarity


def read_scores(name: str, given: Any) -> dict[str, Score]:
    """The scores that a scorer's return value stands for, by their names.

    Raises:
        ConfigError: it is not a number, a bool or a dict of these.
    """
    if not isinstance(given, Mapping):
        return {name: Score(_number(name, given))}
    numbers = {key: value for key, value in given.items() if key != "score" and _is_number(value)}
    details = {str(key): _plain(value) for key, value in given.items() if key != "score" and key not in numbers}
    if "score" not in given and not numbers:
        raise ConfigError(f"the scorer {name} returned a dict without a number: give it the key 'score'")
    own = {name: Score(_number(name, given["score"]), details)} if "score" in given else {}
    return own | {f"{name}.{key}": Score(float(value)) for key, value in numbers.items()}


def name_scorers(scorers: Any) -> dict[str, Scorer]:
    """The scorers by their names.

    Raises:
        ConfigError: one is not a function, or two have one name.
    """
    if isinstance(scorers, Mapping):
        named = [(str(name), scorer) for name, scorer in scorers.items()]
    else:
        listed: Sequence[Any] = scorers if isinstance(scorers, list | tuple) else [scorers]
        named = [(getattr(scorer, "__name__", type(scorer).__name__), scorer) for scorer in listed]
    for name, scorer in named:
        if not callable(scorer):
            raise ConfigError(f"a scorer is a function (output, expected, input), not {scorer!r:.60}")
        if [other for other, _ in named].count(name) > 1:
            raise ConfigError(f"two scorers are named {name!r}: give a dict, {{'a name': scorer}}")
    return dict(named)


def _number(name: str, given: Any) -> float:
    if not _is_number(given):
        raise ConfigError(f"the scorer {name} returned {given!r:.60}: return a number, a bool, or a dict with 'score'")
    return float(given)


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) and math.isfinite(value)


def _plain(value: Any) -> Any:
    """Details go to a file: what JSON does not have is shown as text."""
    return from_json(to_json(value, fallback=repr, inf_nan_mode="null"))


def _as_text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else to_json(value, fallback=repr).decode()


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        return value


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside JSON that hold no others, by their paths: ``address.city``, ``stops[0]``."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{number}]")
    else:
        yield path, value


def _top(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]
