"""Packages whose names are loaded when they are first used, so that importing a package costs almost nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, table: Mapping[str, str], *, also: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the ``__getattr__``, the ``__dir__`` and the ``__all__`` of ``package``.

    ``dir`` of a package that has the ``__all__`` lists these names only: no helpers, and no modules that happen to be
    loaded.

    Args:
        package: its ``__name__``.
        table: the names by the module that defines them, ``{"base": "Runnable coerce_to_runnable"}``. A module is
            relative to ``package`` unless it starts with the root package's name; ``"Run=TracedRun"`` is the name
            ``Run`` for what is called ``TracedRun`` there.
        also: more names for ``__all__``.
    """
    root = package.partition(".")[0] + "."
    homes: dict[str, tuple[str, str]] = {}
    for module, names in table.items():
        home = module if module.startswith(root) else f"{package}.{module}"
        for pair in names.split():
            name, _, own = pair.partition("=")
            homes[name] = home, own or name

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, own = homes[name]
        found = import_module(module)
        hidden = module.removeprefix(f"{package}.")
        if homes.get(hidden, ("",))[0] == module:  # the import has put the module where its own name belongs
            setattr(sys.modules[package], hidden, getattr(found, homes[hidden][1]))
        value = getattr(found, own)
        setattr(sys.modules[package], name, value)  # the next time it is found without this function
        return value

    def list_names() -> list[str]:
        found = vars(sys.modules[package])
        return sorted(found.get("__all__") or {*found, *homes})  # a module without an ``__all__`` has names of its own

    public = sorted([*homes, *also], key=_sort_key)
    return load, list_names, public


def _sort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2, name
