"""The modules that are imported under other packages' names: each shows the names of modules of Prill."""

from __future__ import annotations

import difflib
import dis
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, ClassVar, NamedTuple

from prill.compat.absent import ADVICE, advice_on
from prill.compat.module_map import MODULES, PACKAGES, VERSIONS, find_home, has_module, names_in
from prill.errors import NoCounterpartError, NoCounterpartModuleError

CORE_ONLY = frozenset({"langchain_core"})
"""What to install so that packages that are built on the core run on Prill's."""


class GlobalSetting(NamedTuple):
    """A setting of ``prill.globals``, by the ends of its functions' names."""

    name: str

    def get(self) -> Any:
        from prill import globals  # noqa: PLC0415 - compat is installed before anything else is imported

        return getattr(globals, f"get_{self.name}")()

    def set(self, value: Any) -> None:
        from prill import globals  # noqa: PLC0415 - as above

        getattr(globals, f"set_{self.name}")(value)


SETTINGS = {("langchain", name): GlobalSetting(name) for name in ("debug", "verbose", "llm_cache")}
"""Settings that programs read and write as attributes of a module: ``langchain.debug = True``."""


class View(ModuleType):
    """Another package's module, with what Prill has under its names: the same objects, found when they are asked for.

    A name that Prill has not is a ``NoCounterpartError`` to ``from … import``, and an ``AttributeError`` to others.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [each for each in names_in(self.__name__, inner=FINDER.serves_packages) if not each.startswith("__")]
        if (self.__name__, name) in SETTINGS:
            return SETTINGS[self.__name__, name].get()
        home = find_home(self.__name__, name, inner=FINDER.serves_packages)
        if home is not None:
            module, known_as = home
            value = getattr(import_module(module), known_as)
            if not Finder.attached and FINDER.serves_packages and "prill.runnables.base" in sys.modules:
                Finder.attached = True
                from prill.compat.inner.methods import attach  # noqa: PLC0415 - its classes are loaded by now

                attach()
            self.__dict__[name] = value  # the next time it is found without this method
            return value
        if has_module(f"{self.__name__}.{name}", inner=FINDER.serves_packages):
            return import_module(f"{self.__name__}.{name}")
        if not name.startswith("__") and is_from_import(sys._getframe(1)):
            raise missing_name(self.__name__, name)
        raise AttributeError(
            f"module {self.__name__!r}, as Prill has it, has no attribute {name!r}", name=name, obj=self
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if (self.__name__, name) in SETTINGS:
            SETTINGS[self.__name__, name].set(value)
        # The import of a submodule sets it here; but a function of the same name (``load.load``) goes first.
        elif not (isinstance(value, View) and find_home(self.__name__, name, inner=FINDER.serves_packages)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        inside = f"{self.__name__}."
        below = {each.removeprefix(inside) for each in MODULES if each.startswith(inside)}
        return sorted(
            {
                *self.__dict__,
                *names_in(self.__name__, inner=FINDER.serves_packages),
                *(each for each in below if "." not in each),
            }
        )


class Finder:
    """Finds and loads the modules of the packages that Prill stands in for; put in front of ``sys.meta_path``.

    It is a ``Loader`` by what it does: importing ``importlib.abc`` for its name takes longer than all the rest here.
    """

    attached: ClassVar[bool] = False
    """Whether Prill's classes have the methods that packages call on them."""

    roots: frozenset[str] = frozenset()
    """The packages whose names lead to Prill."""

    @property
    def serves_packages(self) -> bool:
        """Whether the core's names alone lead here, and packages that are built on it run on Prill."""
        return self.roots == CORE_ONLY

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        root = name.partition(".")[0]
        if root not in self.roots:
            return None
        if has_module(name, inner=self.serves_packages):
            origin = f"prill.compat ({MODULES.get(name, 'names of its inside')})"
            return ModuleSpec(name, FINDER, origin=origin, is_package=name in PACKAGES)  # type: ignore[arg-type]  # see above
        if is_import(sys._getframe(1)):
            raise missing_module(name)
        return None

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """What ``importlib.metadata.version("langchain-core")`` asks for: the versions whose names there are."""
        root = (context.name or "").replace("-", "_").lower()
        if root in self.roots and root in VERSIONS:
            from prill.compat.inner.helpers import EmulatedDistribution  # noqa: PLC0415 - only who imports this needs it

            yield EmulatedDistribution(root.replace("_", "-"), VERSIONS[root])

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return View(spec.name, f"The names of {spec.name}, as Prill has them. See ``prill.compat``.")

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: names are found when they are asked for."""


FINDER = Finder()


def missing_name(module: str, name: str) -> NoCounterpartError:
    """The error for ``from module import name``."""
    full = f"{module}.{name}"
    inner = FINDER.serves_packages
    known = names_in(module, inner=inner) if has_module(module, inner=inner) else ()
    close = [] if full in ADVICE else difflib.get_close_matches(name, known, 1, cutoff=0.8)
    what = f"did you mean {close[0]!r}?" if close else advice_on(full)
    error = NoCounterpartError(f"cannot import {name!r} from {module!r}: Prill has no counterpart of it; {what}")
    error.name = module
    return error


def missing_module(name: str) -> NoCounterpartModuleError:
    """The error for ``import name``."""
    error = NoCounterpartModuleError(f"no module {name!r}: Prill has no counterpart of it; {advice_on(name)}")
    error.name = name
    return error


# Python's import statements get errors that say what to do. Code that only asks (``hasattr``, ``find_spec``) must get
# the usual answer, so the frame that asks is looked at. In a Python that works otherwise, its shorter errors are seen.

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


def is_from_import(asking: FrameType) -> bool:
    """Whether the frame executes the ``name`` of a ``from module import name``."""
    at = asking.f_lasti
    code = asking.f_code.co_code
    return 0 <= at < len(code) and code[at] == _IMPORT_FROM


def is_import(asking: FrameType | None) -> bool:
    """Whether the frame asks a finder in order to import, not only to look (``importlib.util.find_spec``)."""
    finding = asking.f_back if asking is not None else None
    return (
        finding is not None
        and finding.f_code.co_name == "_find_and_load_unlocked"
        and finding.f_globals.get("__name__") == "importlib._bootstrap"
    )
