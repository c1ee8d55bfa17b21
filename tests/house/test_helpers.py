"""What a test needs of the machine is required in one way: skipped with its reason, or demanded."""

from __future__ import annotations

from typing import Any

import pytest
from tests import helpers
from tests.helpers import NEEDS, Need, is_demanded, label, require, requires, run_apart


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(NEEDS, "a-program", Need(lambda: False, "apt-get install a-program"))
    monkeypatch.setitem(NEEDS, "some-data", Need(lambda: False, "set DATA", installable=False))
    monkeypatch.delenv("PRILL_REQUIRE", raising=False)
    return "a-program"


def test_what_is_absent_skips_the_test_and_says_why(absent: str) -> None:
    with pytest.raises(pytest.skip.Exception, match="needs a-program: apt-get install a-program"):
        require(absent)


@pytest.mark.parametrize("demanded", ["all", "a-program", "tmux, a-program"])
def test_what_is_demanded_fails_the_test(absent: str, demanded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRILL_REQUIRE", demanded)
    with pytest.raises(pytest.fail.Exception, match="PRILL_REQUIRE demands it"):
        require(absent)


def test_data_that_cannot_be_installed_is_demanded_by_its_name_only(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRILL_REQUIRE", "all")
    assert not is_demanded("some-data")
    monkeypatch.setenv("PRILL_REQUIRE", "all,some-data")
    assert is_demanded("some-data")


def test_a_module_that_is_there_is_returned() -> None:
    assert require("numpy").__name__ == "numpy"


def test_an_unknown_need_is_an_error() -> None:
    with pytest.raises(AssertionError, match="a-typo"):
        requires("a-typo")


def test_a_parameter_is_named_without_its_address() -> None:
    thing: Any = object()
    assert label([thing]) == "[<object object>]"


def test_codes_run_apart_know_nothing_of_each_other() -> None:
    codes = {
        "first": "import sys, json; print('json' in sys.modules)",
        "second": "import sys; print('json' in sys.modules)",
    }
    assert run_apart(codes) == {"first": "True", "second": "False"}


def test_a_code_that_fails_says_how() -> None:
    with pytest.raises(AssertionError, match=r"(?s)bad failed.*ZeroDivisionError"):
        run_apart({"bad": "1 / 0"})


def test_every_need_has_a_hint() -> None:
    assert all(need.hint for need in helpers.NEEDS.values())
