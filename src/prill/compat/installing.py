"""Letting the names of LangChain's packages lead to Prill, and to the packages themselves again."""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from collections.abc import Iterable, Iterator

from prill.compat.module_map import MODULES, ROOTS, names_in, sources
from prill.compat.views import FINDER, Finder, View, missing_module
from prill.errors import CompatError


def install(packages: Iterable[str] | None = None) -> None:
    """Let the names of LangChain's packages lead to Prill from now on, in the whole process.

    Args:
        packages: those that lead to Prill. With ``["langchain_core"]`` the real ``langchain_openai``, ``langgraph`` …
            run, on Prill's core. By default those that the environment variable ``PRILL_COMPAT`` lists
            (``langchain_core``), or else all that Prill has names of.

    Installing twice is the same as once; packages that are new are added. Raises ``CompatError``, and changes nothing,
    if one of the packages has been imported already: its classes would then meet Prill's.
    """
    listed = os.environ.get("PRILL_COMPAT", "").replace(",", " ").split()
    wanted = _check_packages(packages if packages is not None else listed or ROOTS)
    there = sorted(name for name, module in list(sys.modules.items()) if _is_original(name, module, wanted))
    if there:
        raise CompatError(
            f"{there[0]} has been imported already, from {_origin(there[0])}: classes of two packages would be mixed. "
            "Call prill.compat.install() before anything imports it, or start the program with "
            "`python -m prill.compat`."
        )
    FINDER.roots |= wanted
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)


def _check_packages(packages: Iterable[str]) -> frozenset[str]:
    if isinstance(packages, str):
        raise CompatError(f"packages must be a list of names: write packages=[{packages!r}]")
    wanted = frozenset(packages)
    for name in sorted(wanted - ROOTS):
        close = difflib.get_close_matches(name.replace("-", "_"), ROOTS, 1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise CompatError(f"Prill has no names of a package {name!r}. {hint}There are {', '.join(sorted(ROOTS))}.")
    return wanted


def uninstall() -> None:
    """Let the names lead to the packages themselves again, for imports from now on; what was imported stays."""
    if FINDER in sys.meta_path:
        sys.meta_path.remove(FINDER)
    FINDER.roots = frozenset()
    if Finder.attached:
        from prill.compat.inner.methods import detach  # noqa: PLC0415 - it is loaded

        detach()
        Finder.attached = False
    for name in [name for name, module in sys.modules.items() if isinstance(module, View)]:
        del sys.modules[name]


def is_installed() -> bool:
    """Whether the names lead to Prill."""
    return FINDER in sys.meta_path


@contextlib.contextmanager
def installed(packages: Iterable[str] | None = None) -> Iterator[None]:
    """Installed inside a ``with`` block; afterwards as it was before.

    ``packages`` and errors are as those of ``install``.
    """
    before = FINDER.roots
    install(packages)
    try:
        yield
    finally:
        if before:
            FINDER.roots = before
        else:
            uninstall()


def mapping() -> dict[str, tuple[str, ...]]:
    """Every module that can be imported, and the modules of Prill that have its names.

        >>> mapping()["langchain_openai.llms"]
        ('prill.openai',)

    Only what is in this table is there. ``names`` has the names of one module.
    """
    return {module: tuple(dict.fromkeys(source.module for source in sources(module))) for module in sorted(MODULES)}


def names(module: str) -> dict[str, str]:
    """The names of one module, and what each is in Prill.

        >>> names("langchain_openai.llms")
        {'OpenAI': 'prill.openai.OpenAI'}

    Raises ``NoCounterpartModuleError`` for a module that is not in ``mapping()``.
    """
    if module not in MODULES:
        raise missing_module(module)
    return {name: ".".join(home) for name, home in names_in(module).items()}


def _is_original(name: str, module: object, roots: frozenset[str]) -> bool:
    return name.partition(".")[0] in roots and module is not None and not isinstance(module, View)


def _origin(name: str) -> str:
    return getattr(sys.modules[name], "__file__", None) or "somewhere else"
