"""Runnables whose settings are annotated fields: prompts, models, parsers, tools, retrievers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from prill.runnables.base import Runnable
from prill.runnables.engine.overrides import VERBS, PatchAware, update_patches

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


if TYPE_CHECKING:  # users' classes may have bases such as ABC, whose metaclass a checker takes for a conflict
    from pydantic._internal._model_construction import ModelMetaclass as _ModelMetaclass
else:

    class _ModelMetaclass(PatchAware, type(BaseModel)):
        pass


class RunnableSerializable(BaseModel, Runnable[Input, Output], metaclass=_ModelMetaclass):
    """A Runnable that is a pydantic model: its fields are validated, shown in schemas and copied with it."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,  # when first used; a program uses few of the kinds that it imports
    )

    name: str | None = None

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if name in VERBS or name in self._hooks:  # a test patches one object; to pydantic it is an unknown field
                object.__setattr__(self, name, value)
                update_patches(self)
            else:
                super().__setattr__(name, value)

        def __delattr__(self, name: str) -> None:
            if name in VERBS or name in self._hooks:
                object.__delattr__(self, name)
                update_patches(self)
            else:
                super().__delattr__(name)

        @classmethod
        def __class_getitem__(cls, parameters: Any) -> Any:
            # pydantic would make a class for each pair of types; the types are for the checker alone.
            return cls

    def configurable_fields(self, **kwargs: Any) -> Runnable[Input, Output]:
        """This, with settings that a config may change: ``ConfigurableField`` or one with options, by field name.

        >>> model.configurable_fields(temperature=ConfigurableField(id="temperature"))  # doctest: +SKIP

        ``with_config(configurable={"temperature": 0})`` then sets it. Raises ``ConfigError`` for an unknown setting.
        """
        from prill.runnables.configurable import RunnableConfigurableFields  # noqa: PLC0415 - few programs need it

        return RunnableConfigurableFields(self, kwargs)

    def configurable_alternatives(
        self, which: Any, *, default_key: str = "default", prefix_keys: bool = False, **kwargs: Any
    ) -> Runnable[Input, Output]:
        """This, or one of ``kwargs``, as a config says under ``which.id``; this one's name is ``default_key``.

        An alternative may be a function without parameters, called when it is chosen. With ``prefix_keys`` the
        configurable fields of an alternative are called ``which==name/field``.
        """
        from prill.runnables.configurable import RunnableConfigurableAlternatives  # noqa: PLC0415 - as above

        return RunnableConfigurableAlternatives(self, which, kwargs, default_key, prefix_keys)

    def __repr_args__(self) -> Any:
        """What was given, in the order of the fields; a field with ``repr=False``, which may be secret, is left out."""
        for name, field in type(self).model_fields.items():
            if name in self.model_fields_set and field.repr:
                yield name, getattr(self, name)
