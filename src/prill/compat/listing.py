"""What leads where."""

from __future__ import annotations

from prill.compat.module_map import MODULES, names_in, sources
from prill.compat.views import missing_module


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
