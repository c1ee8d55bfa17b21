"""Instances of a user's class that have only some of their fields yet."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import types
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined


def make_partial(kind: type, values: dict[str, Any]) -> Any:
    """Return an instance of ``kind`` (a pydantic class or a dataclass) that has ``values`` and no other fields.

    It is not validated, and of a subclass named ``Partial[...]``. Reading a field that has not come raises
    ``AttributeError``; ``model_fields_set`` and the ``repr`` show what has.
    """
    made: Any = object.__new__(_partial_class(kind))
    if issubclass(kind, BaseModel):
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        if not kind.__pydantic_root_model__:  # which has neither
            object.__setattr__(made, "__pydantic_extra__", None)
            object.__setattr__(made, "__pydantic_private__", _get_private(kind))
    else:
        made.__dict__.update(values)
    return made


def is_partial(value: Any) -> bool:
    """Return whether ``value`` is an instance that has only some of its fields yet."""
    return getattr(type(value), "_partial_of", None) is not None


@lru_cache(maxsize=512)
def _partial_class(kind: type) -> Any:
    is_model = issubclass(kind, BaseModel)
    space: dict[str, Any] = {"__module__": kind.__module__, "__reduce__": _reduce}
    if is_model:
        space |= {"__getattr__": _getattr, "__repr_args__": _repr_args}
    else:
        fields = dataclasses.fields(kind)
        space |= {field.name: _Absent(kind, field.name) for field in fields}
        space |= {"__repr__": _repr, "__eq__": _eq, "__hash__": object.__hash__}
    made: Any = types.new_class(f"Partial[{kind.__name__}]", (kind,), {}, lambda names: names.update(space))
    made._partial_of = kind
    if is_model:
        made.__doc__ = kind.__doc__
    return made


def _get_private(kind: type[BaseModel]) -> dict[str, Any] | None:
    """Return the private attributes, as they are in the beginning; ``None`` where there are none."""
    made: dict[str, Any] = {}
    for name, each in kind.__private_attributes__.items():
        factory: Any = each.default_factory
        if factory is not None:
            with contextlib.suppress(TypeError):  # one that wants the fields, which have not come
                made[name] = factory()
        elif each.default is not PydanticUndefined:
            made[name] = copy.deepcopy(each.default)
    return made if kind.__private_attributes__ else None


def _repr_args(self: Any) -> Any:
    # Not what pydantic shows besides: computed fields may need what has not come.
    return list(self.__dict__.items())


def _reduce(self: Any) -> Any:
    return make_partial, (type(self)._partial_of, dict(self.__dict__))


def _getattr(self: Any, name: str) -> Any:
    kind = type(self)
    if name in kind.model_fields:
        raise _absent(kind._partial_of, name, self)
    return super(kind, self).__getattr__(name)


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def _eq(self: Any, other: object) -> bool:
    return type(self) is type(other) and self.__dict__ == other.__dict__


class _Absent:
    """Stands in the class where a default would else be found; what an instance has goes before it."""

    def __init__(self, kind: type, name: str) -> None:
        self._kind = kind
        self._name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        raise _absent(self._kind, self._name, instance)


def _absent(kind: type, name: str, instance: Any) -> AttributeError:
    here = ", ".join(instance.__dict__) or "nothing"
    return AttributeError(
        f"the field {name!r} of this partial {kind.__name__} has not come yet (here: {here}); "
        f"ask with hasattr, or wait for the last value of the stream"
    )
