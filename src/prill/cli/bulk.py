"""``prill bulk``: a chain of a module over a file."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from prill import bulk
from prill.bulk.report import Report
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
    return bulk.run(load_chain(chain), source, output, **given)


def load_chain(name: str) -> Any:
    """The chain that ``module:attribute`` or ``file.py:attribute`` names.

    Raises:
        ConfigError: there is no such module or attribute.
    """
    module, _, attribute = name.rpartition(":")
    if not module:
        raise ConfigError(f"the chain is given as module:name or file.py:name, not {name!r}")
    if module.endswith(".py"):
        path = Path(module).resolve()
        if not path.is_file():
            raise ConfigError(f"there is no file {module!r}")
        sys.path.insert(0, str(path.parent))
        module = path.stem
    else:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0] and error.name != module:
            raise
        raise ConfigError(f"there is no module {module!r} here") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{module} has no {attribute!r}")
        found = getattr(found, part)
    return found


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
