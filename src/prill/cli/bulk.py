"""``prill bulk``: a chain of a module over a file."""

from __future__ import annotations

from typing import Any

from prill import bulk
from prill.bulk.report import Report
from prill.cli.loading import load_object
from prill.errors import ConfigError

_PRICE = "give --price MODEL=READ,WRITTEN for a million tokens, such as gpt-4o-mini=0.15,0.60"


def run_bulk(chain: str, source: str, output: str | None, options: dict[str, Any]) -> Report:
    """Run a bulk run with the options that were given.

    Raises:
        ConfigError: the chain is not there, or an option cannot be used.
        BulkError: the run was stopped.
    """
    options["prices"] = read_prices(options.pop("price"))
    given = {name: value for name, value in options.items() if value is not None}
    return bulk.run(load_object(chain), source, output, **given)


def read_prices(given: list[str] | None) -> dict[str, tuple[float, ...]] | None:
    """The prices that ``model=read,written`` names."""
    prices = {}
    for text in given or ():
        model, _, numbers = text.rpartition("=")
        try:
            prices[model] = tuple(float(number) for number in numbers.split(","))
        except ValueError:
            raise ConfigError(f"{text!r} is not a price: {_PRICE}") from None
        if not model:
            raise ConfigError(f"{text!r} is not a price: {_PRICE}")
    return prices or None
