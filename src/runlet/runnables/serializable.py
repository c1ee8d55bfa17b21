"""Runnables whose settings are annotated fields: prompts, models, parsers, tools, retrievers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from runlet.runnables.base import Runnable

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class RunnableSerializable(BaseModel, Runnable[Input, Output]):
    """A Runnable that is a pydantic model: its fields are validated, shown in schemas and copied with it."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    name: str | None = None

    if not TYPE_CHECKING:

        @classmethod
        def __class_getitem__(cls, parameters: Any) -> Any:
            # pydantic would make a class for each pair of types; the types are for the checker alone.
            return cls

    def __repr_args__(self) -> Any:
        """What was given, in the order of the fields."""
        for field in type(self).model_fields:
            if field in self.model_fields_set:
                yield field, getattr(self, field)
