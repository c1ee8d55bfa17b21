"""Settings that programs read and write as attributes of a module: ``langchain.debug = True``."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Switch(NamedTuple):
    """A setting of ``prill.globals``, by the ends of its functions' names."""

    name: str

    def get(self) -> Any:
        return getattr(import_module("prill.globals"), f"get_{self.name}")()

    def set(self, value: Any) -> None:
        getattr(import_module("prill.globals"), f"set_{self.name}")(value)


SWITCHES = {("langchain", name): Switch(name) for name in ("debug", "verbose", "llm_cache")}
