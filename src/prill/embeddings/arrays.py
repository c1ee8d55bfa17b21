"""Vectors as numpy arrays; numpy is loaded when the first is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.errors import ConfigError, MissingDependencyError


def numpy() -> Any:
    """Return the package numpy. Raises ``MissingDependencyError`` where it is not installed."""
    try:
        import numpy  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise MissingDependencyError("comparing vectors needs numpy: pip install 'prill[retrieval]'") from error
    return numpy


def to_matrix(vectors: Any, size: int | None = None, *, bits: int = 32) -> Any:
    """Return a matrix of floats with a row for each vector, each of ``size`` numbers if that is known.

    Raises ``ConfigError`` where the vectors have other lengths, or numbers that are not finite.
    """
    np = numpy()
    try:
        with np.errstate(over="ignore"):  # what is too large for 32 bits is not finite, as is said below
            rows = np.ascontiguousarray(vectors, dtype=np.float32 if bits == 32 else np.float64)
            is_finite = np.isfinite(rows.astype(np.float32, copy=False)).all()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"the vectors are not lists of numbers of one length: {error}") from error
    if not len(rows):
        return rows.reshape(0, size or 0)
    if rows.ndim != 2:
        raise ConfigError(f"vectors must be lists of numbers; these have the shape {rows.shape}")
    if not rows.shape[1]:
        raise ConfigError("a vector has no numbers")
    if size is not None and rows.shape[1] != size:
        raise ConfigError(
            f"a vector has {rows.shape[1]} numbers, but those in the store have {size}: "
            "texts and questions must be embedded by one model"
        )
    if not is_finite:
        raise ConfigError("a vector has numbers that are not finite (nan or inf)")
    return rows


def unit(rows: Any) -> Any:
    """Return the rows scaled to length 1; a row of zeros stays as it is."""
    np = numpy()
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)


def cosine_similarity(one: Sequence[Any], other: Sequence[Any]) -> Any:
    """Return the cosine of each vector of ``one`` with each of ``other``, as a matrix."""
    return unit(to_matrix(one)) @ unit(to_matrix(other)).T
