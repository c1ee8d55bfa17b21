"""Checks of arguments, and of packages that may be missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import ParamSpec, TypeVar

from pydantic import BaseModel

from prill.errors import ConfigError, MissingDependencyError

__all__ = ["get_pydantic_field_names", "guard_import", "xor_args"]

P = ParamSpec("P")
R = TypeVar("R")


def get_pydantic_field_names(pydantic_cls: type[BaseModel]) -> set[str]:
    """The names under which the fields of a model may be given: their names and their aliases."""
    fields = pydantic_cls.model_fields
    return {*fields, *(field.alias for field in fields.values() if field.alias is not None)}


def xor_args(*arg_groups: tuple[str, ...]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called only with exactly one argument of each group; ``None`` counts as not given.

        >>> @xor_args(("text", "file"))
        ... def read(*, text=None, file=None): ...

    Arguments count that are given by name. The function raises ``ConfigError``, a ``ValueError``, otherwise.
    """

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for group in arg_groups:
                given = [name for name in group if kwargs.get(name) is not None]
                if len(given) != 1:
                    raise ConfigError(
                        f"{getattr(function, '__name__', 'this')} needs exactly one of {', '.join(group)}; "
                        f"it was given {', '.join(given) or 'none'}"
                    )
            return function(*args, **kwargs)

        return call

    return guard


def guard_import(module_name: str, *, pip_name: str | None = None, package: str | None = None) -> ModuleType:
    """Import a module that may not be there.

    ``package`` is what a relative name (``".sub"``) is relative to. Raises ``MissingDependencyError``, an
    ``ImportError``, which says what to install: ``pip_name``, or the package of the module.
    """
    try:
        return import_module(module_name, package)
    except ModuleNotFoundError as error:
        wanted = pip_name or (package or module_name).partition(".")[0].replace("_", "-")
        if error.name is not None and not f"{package or module_name}.".startswith(f"{error.name}."):
            raise  # something that the module itself imports
        raise MissingDependencyError(f"{module_name} is not installed: pip install {wanted}") from error
