"""``langchain_core._api``: marks for names that are deprecated or not settled, and their warnings."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class LangChainDeprecationWarning(DeprecationWarning):
    """A name that will be removed was used."""


class LangChainPendingDeprecationWarning(PendingDeprecationWarning):
    """A name that will be deprecated was used."""


class LangChainBetaWarning(DeprecationWarning):
    """A name that may still change was used."""


_SILENT: ContextVar[frozenset[type[Warning]]] = ContextVar("prill_silent_warnings", default=frozenset())


@contextlib.contextmanager
def _suppress(*kinds: type[Warning]) -> Iterator[None]:
    token = _SILENT.set(_SILENT.get() | set(kinds))
    try:
        yield
    finally:
        _SILENT.reset(token)


def suppress_langchain_deprecation_warning() -> contextlib.AbstractContextManager[None]:
    """No warnings of deprecated names inside a ``with`` block."""
    return _suppress(LangChainDeprecationWarning, LangChainPendingDeprecationWarning)


def suppress_langchain_beta_warning() -> contextlib.AbstractContextManager[None]:
    """No warnings of names that may change inside a ``with`` block."""
    return _suppress(LangChainBetaWarning)


def surface_langchain_deprecation_warnings() -> None:
    """Show these warnings wherever they come from."""
    for kind in (LangChainDeprecationWarning, LangChainPendingDeprecationWarning):
        warnings.filterwarnings("default", category=kind)


def surface_langchain_beta_warnings() -> None:
    """Show these warnings wherever they come from."""
    warnings.filterwarnings("default", category=LangChainBetaWarning)


def _warn(text: str, kind: type[Warning], stacklevel: int) -> None:
    if kind not in _SILENT.get():
        warnings.warn(text, kind, stacklevel=stacklevel + 1)


def warn_deprecated(
    since: str,
    *,
    message: str = "",
    name: str = "",
    alternative: str = "",
    alternative_import: str = "",
    pending: bool = False,
    obj_type: str = "",
    addendum: str = "",
    removal: str = "",
    package: str = "",
    stacklevel: int = 4,
) -> None:
    """Warn that a name is deprecated since a version, and say what to use instead."""
    if pending and removal:
        raise ValueError("a pending deprecation cannot have a scheduled removal: give pending or removal, not both")
    if not message:
        what = f"The {obj_type} `{name}`" if obj_type else f"`{name}`"
        where = f"{package or 'LangChain'} {since}"
        end = f" and will be removed in {removal}" if removal else ""
        message = f"{what} " + (
            "will be deprecated in a future version" if pending else f"was deprecated in {where}{end}"
        )
        message += "." if alternative_import or alternative or addendum else ""
        if alternative_import:
            module, _, own = alternative_import.rpartition(".")
            message += f" Use `from {module} import {own}` instead."
        elif alternative:
            message += f" Use {alternative} instead."
    if addendum:
        message += f" {addendum}"
    kind = LangChainPendingDeprecationWarning if pending else LangChainDeprecationWarning
    _warn(message, kind, stacklevel)


def warn_beta(*, message: str = "", name: str = "", obj_type: str = "", addendum: str = "") -> None:
    """Warn that a name may still change."""
    what = f"{obj_type} `{name}`" if obj_type else f"`{name}`"
    text = message or f"The {what} is in beta. It is actively being worked on, so the API may change."
    _warn(f"{text} {addendum}".rstrip(), LangChainBetaWarning, 4)


def deprecated(since: str, **about: Any) -> Callable[[T], T]:
    """Mark a function, method, property or class as deprecated: its first use warns. See ``warn_deprecated``."""
    if about.get("pending") and about.get("removal"):
        raise ValueError("a pending deprecation cannot have a scheduled removal: give pending or removal, not both")

    def mark(thing: T) -> T:
        known = {"name": _name_for(thing), "obj_type": _kind_for(thing), "package": _package_for(thing)}
        said = {**known, **{key: value for key, value in about.items() if value}}
        if said.get("alternative"):
            said["alternative"] = f"`{about['alternative']}`"
        if isinstance(thing, type):
            said["package"] = "LangChain"
        note = said.get("alternative_import") or said.get("alternative")
        text = f".. deprecated:: {since}" + (f" Use {note} instead." if note else "")
        marked: T = _warning_first(thing, functools.partial(warn_deprecated, since, **said), text)
        return marked

    return mark


def beta(*, message: str = "", name: str = "", obj_type: str = "", addendum: str = "") -> Callable[[T], T]:
    """Mark a function, method, property or class as one that may still change: its first use warns."""

    def mark(thing: T) -> T:
        said = {"name": name or _name_for(thing), "obj_type": obj_type or _kind_for(thing)}
        warn = functools.partial(warn_beta, message=message, addendum=addendum, **said)
        marked: T = _warning_first(thing, warn, f".. beta::\n    {message}".rstrip())
        return marked

    return mark


def _name_for(thing: Any) -> str:
    own = thing.fget if isinstance(thing, property) else thing
    return str(getattr(own, "__qualname__", None) or getattr(own, "__name__", "") or thing)


def _kind_for(thing: Any) -> str:
    if isinstance(thing, type):
        return "class"
    if isinstance(thing, property):
        return "attribute"
    return "method" if "." in _name_for(thing).rpartition("<locals>.")[2] else "function"


def _package_for(thing: Any) -> str:
    own = thing.fget if isinstance(thing, property) else thing
    return str(getattr(own, "__module__", None) or "").partition(".")[0].replace("_", "-")


def _warning_first(thing: Any, warn: Callable[[], None], note: str) -> Any:
    """``thing`` with a warning the first time that it is called, read, or, of a class, that an object is made of it."""
    warn = functools.cache(warn)
    if isinstance(thing, type):
        made = thing.__init__  # type: ignore[misc]  # the class's own

        @functools.wraps(made)
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            if type(self) is thing or type(self).__init__ is init:
                warn()
            made(self, *args, **kwargs)

        thing.__init__ = init  # type: ignore[misc]  # as above
        thing.__doc__ = f"{note}\n\n{inspect.cleandoc(thing.__doc__ or '')}".rstrip()
        return thing
    if isinstance(thing, property):
        read, write, delete = (
            part and _warning_first(part, warn, note) for part in (thing.fget, thing.fset, thing.fdel)
        )
        return property(read, write, delete, thing.__doc__)
    if inspect.iscoroutinefunction(thing):

        @functools.wraps(thing)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            warn()
            return await thing(*args, **kwargs)

        return acall
    if not callable(thing):  # a field of a pydantic model
        return thing

    @functools.wraps(thing)
    def call(*args: Any, **kwargs: Any) -> Any:
        warn()
        return thing(*args, **kwargs)

    call.__doc__ = f"{note}\n\n{inspect.cleandoc(thing.__doc__ or '')}".rstrip()
    return call


def rename_parameter(*, since: str, removal: str, old: str, new: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Let a function take a parameter under its old name too, with a warning."""

    def mark(function: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> T:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got the parameter {new!r} twice, also as {old!r}")
                warn_deprecated(since, removal=removal, message=f"The parameter {old!r} is now called {new!r}.")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return mark


def get_relative_path(file: Path | str, *, relative_to: Path = Path(__file__).parents[2]) -> str:
    """The path of a file inside a package's folder."""
    return str(Path(file).relative_to(relative_to))


def as_import_path(
    file: Path | str, *, suffix: str | None = None, relative_to: Path = Path(__file__).parents[2]
) -> str:
    """The dotted name of a file's module, with ``suffix`` as a last part."""
    path = Path(file)
    relative = get_relative_path(path, relative_to=relative_to)
    name = (relative[: -len(path.suffix)] if path.is_file() and path.suffix else relative).replace("/", ".")
    return f"{name}.{suffix}" if suffix else name


def is_caller_internal(depth: int = 2) -> bool:
    """Whether code of the core calls: never, as there is none of it."""
    return False
