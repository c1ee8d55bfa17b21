"""Objects of the user's programs that commands are given by name: ``module:name``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from prill.errors import ConfigError


def load_object(place: str) -> Any:
    """Return the object that ``place`` names, such as ``my_app.chains:chain``; dots after the colon go into it.

    Modules are found as in a program that is started in the current folder.

    Raises:
        ConfigError: it has another form, or the module has no such name.
        ImportError: the module cannot be imported.
    """
    module, colon, name = place.partition(":")
    if not colon or not module or not name:
        raise ConfigError(f"{place!r} is not of the form module:name, such as my_app.chains:chain")
    if (folder := os.getcwd()) not in sys.path:
        sys.path.insert(0, folder)
    found: Any = import_module(module)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ConfigError(f"{place!r}: {found!r:.80} has no attribute {part!r}") from None
    return found
