"""Inputs of requests, checked against the chain's schema before it runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from pydantic import BaseModel, RootModel, ValidationError

from prill.errors import RequestError
from prill.runnables import Runnable


class CustomUserType(BaseModel):
    """An input type that the chain is given as an object of its class; of other models it is given a dict."""


class InputReader:
    """Reads the inputs of one Runnable."""

    def __init__(self, runnable: Runnable[Any, Any]) -> None:
        self._runnable = runnable

    @cached_property
    def schema(self) -> type[BaseModel]:
        return self._runnable.get_input_schema()

    def read(self, value: Any, place: tuple[str | int, ...]) -> Any:
        """Check an input and return it as the chain takes it.

        Raises:
            RequestError: 422 with the places of what is wrong, from the body on, and without the input itself.
        """
        try:
            model = self.schema.model_validate(value)
        except ValidationError as error:
            raise describe_invalid(error, place) from None
        except RecursionError:
            raise RequestError("the input is nested too deeply", status=422) from None
        return _unpack(model, value)


def read_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model; where its root only refers to a definition, that definition is the root."""
    schema = model.model_json_schema()
    reference = schema.get("$ref", "")
    if not reference.startswith("#/$defs/"):
        return schema
    root: dict[str, Any] = schema["$defs"][reference.removeprefix("#/$defs/")]
    return {**root, "$defs": schema["$defs"]}


def _unpack(model: BaseModel, given: Any) -> Any:
    if isinstance(model, RootModel):
        return model.root
    if isinstance(model, CustomUserType):
        return model
    checked = {name: getattr(model, name) for name in type(model).model_fields if name in model.model_fields_set}
    # Keys that the schema does not name are kept, as in the prototype: a schema may be a guess from a function's code.
    return {**given, **checked} if isinstance(given, dict) else checked


def describe_invalid(error: ValidationError, place: Iterable[str | int]) -> RequestError:
    """The 422 for a validation error of pydantic, without links and without what was sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    detail = [{"type": each["type"], "loc": [*place, *each["loc"]], "msg": each["msg"]} for each in found[:20]]
    first = f"{'.'.join(map(str, detail[0]['loc']))}: {detail[0]['msg']}"
    text = f"the input does not have the form that the chain takes: {first}"
    return RequestError(text, status=422, detail=detail)
