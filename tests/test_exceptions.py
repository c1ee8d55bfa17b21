"""The errors' documented names."""

from __future__ import annotations

import prill.errors
from prill import exceptions


def test_the_documented_base_catches_every_error_of_prill() -> None:
    assert exceptions.LangChainException is prill.errors.PrillError


def test_documented_names_are_the_errors_themselves_so_that_either_is_caught() -> None:
    ours = {"LangChainException", "TracerException"}
    for name in set(exceptions.__all__) - ours:
        assert getattr(exceptions, name) is getattr(prill.errors, name)
    assert issubclass(exceptions.TracerException, prill.errors.PrillError)


def test_names_are_sorted() -> None:
    assert exceptions.__all__ == sorted(exceptions.__all__)
