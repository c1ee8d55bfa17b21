"""Objects of the user's programs that commands are given by name: ``module:name``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from prill.errors import ConfigError


def load_object(place: str) -> Any:
    """Return the object that ``place`` names: ``my_app.chains:chain`` or ``file.py:chain``; more dots go into it.

    Modules are found as in a program that is started in the current folder.

    Raises:
        ConfigError: it has another form, or the module or the name in it does not exist.
    """
    module, _, name = place.rpartition(":")
    if not module or not name:
        raise ConfigError(f"{place!r} is not of the form module:name or file.py:name, such as my_app.chains:chain")
    found = _load_module(module)
    for part in name.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{module} has no {name!r}")
        found = getattr(found, part)
    return found


def _load_module(module: str) -> Any:
    folder = os.getcwd()
    if module.endswith(".py"):
        path = Path(module).resolve()
        if not path.is_file():
            raise ConfigError(f"the file {module!r} does not exist")
        folder, module = str(path.parent), path.stem
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise
        raise ConfigError(f"no module {module!r} here or among the installed packages") from None
