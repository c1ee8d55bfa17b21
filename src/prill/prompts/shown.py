"""How a variable is shown in a prompt that a person reads."""

from __future__ import annotations


class Shown(str):
    """A variable's name in the place of its value, whatever the format of the value is to be."""

    __slots__ = ()

    @classmethod
    def of(cls, name: str, coloured: bool) -> Shown:
        shown = f"{{{name}}}"
        return cls(f"\033[33;1m\033[1;3m{shown}\033[0m" if coloured else shown)

    def __format__(self, spec: str) -> str:
        return str(self)
