"""``Serializable``: classes of your own that can be written and read again."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from prill.load.dump import Secret, get_written_fields, not_implemented
from prill.transducers.own_fields import dump_own_fields


class Serializable(BaseModel):
    """A pydantic model that ``dumpd`` writes, and that ``load`` reads if the class is in ``allowed_objects``.

        >>> class Place(Serializable):
        ...     city: str
        ...
        ...     @classmethod
        ...     def is_lc_serializable(cls) -> bool:
        ...         return True
        >>> loads(dumps(Place(city="Oslo")), allowed_objects=[Place])
        Place(city='Oslo')

    A class is not written unless ``is_lc_serializable`` is true, because its fields may be secret.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return dump_own_fields(cls, source, handler)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether objects of this class are written."""
        return False

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The id without the name of the class: by default the parts of its module's name."""
        return cls.__module__.split(".")

    @classmethod
    def lc_id(cls) -> list[str]:
        """The id of the class in stored objects."""
        return [*cls.get_lc_namespace(), cls.__name__]

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The fields that are secret, and the names under which ``load`` is given them: never written themselves."""
        return {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """Attributes that are written besides the fields."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """This object as it is written, but for the objects that are in it."""
        if not self.is_lc_serializable():
            return self.to_json_not_implemented()
        secrets = {
            field: Secret(name) for field, name in self.lc_secrets.items() if getattr(self, field, None) is not None
        }
        given = {name: value for name, value in get_written_fields(self).items() if name not in self.lc_secrets}
        return {
            "lc": 1,
            "type": "constructor",
            "id": self.lc_id(),
            "kwargs": {**given, **self.lc_attributes, **secrets},
        }

    def to_json_not_implemented(self) -> dict[str, Any]:
        """The description that replaces an object that is not written."""
        return not_implemented(self)
