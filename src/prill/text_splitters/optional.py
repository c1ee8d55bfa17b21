"""Packages that only some splitters and loaders need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from prill.errors import MissingDependencyError


def import_extra(module: str, extra: str, user: str) -> Any:
    """Import an optional package.

    Args:
        module: its module.
        extra: the extra of Prill that installs it.
        user: what needs it, for the error.

    Raises:
        MissingDependencyError: it is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = _PACKAGES.get(module, module)
        raise MissingDependencyError(f"{user} needs the package {package}: pip install 'prill[{extra}]'") from error


_PACKAGES = {"bs4": "beautifulsoup4", "docx": "python-docx"}
"""Packages that are not called as their modules are."""
