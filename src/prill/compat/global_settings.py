"""Settings that programs read and write as attributes of a module: ``langchain.debug = True``."""

from __future__ import annotations

from typing import Any, NamedTuple


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
