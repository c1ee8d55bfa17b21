"""Where a module of another package has its names in Prill: the tables' lines, read.

A line is a list of modules, ``"prill.callbacks.base prill.callbacks:BaseCallbackManager,Theirs=Ours"``. A module
alone gives all its public names, one with a colon the named ones. The first that has a name gives it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import NamedTuple

from prill.compat.agents import AGENTS
from prill.compat.classic import CLASSIC, COMMUNITY, LOADERS, TEXT_SPLITTERS
from prill.compat.core import CORE
from prill.compat.core_inner import INNER
from prill.compat.vendors import ANTHROPIC, AWS, GOOGLE, LANGSERVE, OPENAI
from prill.version import __version__

MODULES: dict[str, str] = {
    **CORE,
    **OPENAI,
    **ANTHROPIC,
    **AWS,
    **GOOGLE,
    **LANGSERVE,
    **CLASSIC,
    **AGENTS,
    **COMMUNITY,
    **LOADERS,
    **TEXT_SPLITTERS,
}
"""Each module that there is, and where its names are."""

ROOTS = frozenset(name for name in MODULES if "." not in name)
PACKAGES = frozenset(name.rpartition(".")[0] for name in [*MODULES, *INNER])


class Source(NamedTuple):
    """A module of Prill; ``names`` are those that are taken of it, and what they are called there."""

    module: str
    names: dict[str, str] | None


@cache
def sources(module: str, *, inner: bool = False) -> tuple[Source, ...]:
    """Where ``module`` has its names; with ``inner`` also those that packages built on the core import."""
    line = f"{INNER.get(module, '')} {MODULES.get(module, '')}" if inner else MODULES[module]
    return tuple(_source(one) for one in line.split())


def _source(text: str) -> Source:
    module, colon, listed = text.partition(":")
    if not colon:
        return Source(module, None)
    pairs = (one.partition("=") for one in listed.split(","))
    return Source(module, {theirs: ours or theirs for theirs, _, ours in pairs})


def has_module(name: str, *, inner: bool = False) -> bool:
    """Whether there is a module of this name."""
    return name in MODULES or (inner and name in INNER)


def find_home(module: str, name: str, *, inner: bool = False) -> tuple[str, str] | None:
    """The module of Prill that has the ``name`` of ``module``, and what it is called there."""
    for source, names in sources(module, inner=inner):
        if names is None:
            if not name.startswith("__") and name in public_names(source):
                return source, name
        elif name in names:
            return source, names[name]
    return None


def names_in(module: str, *, inner: bool = False) -> dict[str, tuple[str, str]]:
    """Every name of ``module``, with its home; sorted."""
    found: dict[str, tuple[str, str]] = {}
    for source, names in reversed(sources(module, inner=inner)):
        taken = names if names is not None else {name: name for name in public_names(source)}
        found |= {theirs: (source, ours) for theirs, ours in taken.items()}
    return dict(sorted(found.items()))


def public_names(module: str) -> list[str]:
    """The public names of a module of Prill; the tables list the names of modules without ``__all__``."""
    return import_module(module).__all__  # type: ignore[no-any-return]  # a module is untyped here


def _version_beside(documented: str) -> str:
    """``1.7.0+prill.0.1.0``: to programs that compare versions it is 1.7.0 (PEP 440, a local version)."""
    return f"{documented}+prill.{__version__.replace('+', '.')}"


CORE_VERSION = _version_beside("1.8.3")
OPENAI_VERSION = _version_beside("1.7.0")
ANTHROPIC_VERSION = _version_beside("1.7.0")
AWS_VERSION = _version_beside("1.0.0")
GOOGLE_VERSION = _version_beside("4.0.0")
CLASSIC_VERSION = _version_beside("0.3.0")
COMMUNITY_VERSION = _version_beside("0.3.0")
TEXT_SPLITTERS_VERSION = _version_beside("1.0.0")
"""``__version__`` under the other packages' names: the version whose documented names there are, and ours."""

CORE_PUBLIC_VERSION = CORE_VERSION.partition("+")[0]

VERSIONS = {
    name: version.partition("+")[0]
    for name, version in {
        "langchain_core": CORE_VERSION,
        "langchain_openai": OPENAI_VERSION,
        "langchain_anthropic": ANTHROPIC_VERSION,
        "langchain": CLASSIC_VERSION,
        "langchain_community": COMMUNITY_VERSION,
        "langchain_text_splitters": TEXT_SPLITTERS_VERSION,
    }.items()
}
"""What ``importlib.metadata.version`` answers for the distribution of each package that leads here.

Without Prill's own part: packages split it at its dots, and take the parts for numbers.
"""
