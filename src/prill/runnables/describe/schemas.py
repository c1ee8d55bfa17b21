"""Makes pydantic models of the input and the output of a Runnable, for JSON schemas and validation."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from prill.callbacks.config import RunnableConfig
from prill.runnables.base import Runnable
from prill.runnables.branch import RunnableBranch
from prill.runnables.configurable import DynamicRunnable
from prill.runnables.describe.key_reads import keys_read
from prill.runnables.describe.typed_dicts import usable
from prill.runnables.describe.types import Side
from prill.runnables.each import RunnableEach
from prill.runnables.fallbacks import RunnableWithFallbacks
from prill.runnables.function import RunnableLambda
from prill.runnables.history import RunnableWithMessageHistory
from prill.runnables.parallel import RunnableParallel
from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from prill.runnables.sequence import RunnableSequence

_T = TypeVar("_T")

Fields = dict[str, Any]
"""What ``create_model`` takes: a type and a default (``...`` for none) by name."""


def make_schema(step: Runnable[Any, Any], side: Side, config: RunnableConfig | None = None) -> type[BaseModel]:
    """The model of the input or of the output of ``step``."""
    wrapped = _get_wrapped_runnable(step, config)
    if wrapped is not None and getattr(step, f"custom_{side}_type", None) is None:
        return _get_public_model(wrapped, side, config)
    name = step.get_name(side)
    fields: Fields | None = None
    if side == "input":
        fields = _get_input_fields(step, config)
    elif isinstance(step, RunnableParallel | RunnableAssign | RunnableSequence | RunnablePick):
        return _make_output_schema(step, name, config)
    if fields is not None:
        if isinstance(step, RunnableSequence) and isinstance(step.first, RunnableAssign):
            name = step.first.mapper.get_name(side)
        return object_model(name, fields)
    if isinstance(step, RunnableSequence) and side == "input":
        return _get_public_model(_find_first_reader(step), side, config)
    if isinstance(step, RunnableEach):
        return value_model(name, list[_get_public_model(step.bound, side, config)])  # type: ignore[misc]  # made at run time
    return value_model(name, step.InputType if side == "input" else step.OutputType)


def _get_wrapped_runnable(step: Runnable[Any, Any], config: RunnableConfig | None) -> Runnable[Any, Any] | None:
    """The Runnable whose input and output ``step`` has: of a binding, a retry, a configurable step …"""
    if isinstance(step, DynamicRunnable):
        return step._select_runnable(config or {})
    if isinstance(step, RunnableWithFallbacks):
        return step.runnable
    structure = step._structure()
    return structure.parts[0].step if structure.kind == "wrapper" else None


def _get_public_model(step: Runnable[Any, Any], side: Side, config: RunnableConfig | None) -> type[BaseModel]:
    """The public method, which a user's class may have defined."""
    return step.get_input_schema(config) if side == "input" else step.get_output_schema(config)


# Inputs


def _get_input_fields(step: Runnable[Any, Any], config: RunnableConfig | None) -> Fields | None:
    """The keys that the input has as far as they are known, ``None`` if it is not a dict or unknown."""
    match step:
        case RunnableLambda():
            return _find_keys_read(step)
        case RunnableParallel():
            return merged(
                get_dict_fields(_get_public_model(branch, "input", config)) for branch in step.steps__.values()
            )
        case RunnableAssign():
            return get_dict_fields(_get_public_model(step.mapper, "input", config))
        case RunnableSequence():
            return _get_sequence_input_fields(step.steps, config)
        case RunnableWithMessageHistory():
            return step._get_input_fields()
        case RunnableBranch():
            parts = [each for pair in step.branches for each in pair] + [step.default]
            return merged(get_dict_fields(_get_public_model(each, "input", config)) for each in parts)
    return None


def _find_keys_read(step: RunnableLambda[Any, Any]) -> Fields | None:
    function = step.func or step.afunc
    if function is None or step.InputType not in (Any, dict, dict[str, Any], inspect.Parameter.empty):
        return None
    keys = keys_read(function)
    if keys is None:
        return None
    return {key: (Any, ...) if keys[key] else (Any, None) for key in sorted(keys)}


def _get_sequence_input_fields(steps: list[Runnable[Any, Any]], config: RunnableConfig | None) -> Fields | None:
    """What the first step reads; if it hands a dict on with keys added, also what the next reads of the rest."""
    first, *rest = steps
    if not isinstance(first, RunnableAssign) or not rest:
        return None
    needed = get_dict_fields(_get_public_model(first, "input", config))
    later = _get_sequence_input_fields(rest, config) or get_dict_fields(_get_public_model(rest[0], "input", config))
    added = first.mapper.steps__
    return merged([needed, {key: field for key, field in (later or {}).items() if key not in added}])


def _find_first_reader(step: RunnableSequence[Any, Any]) -> Runnable[Any, Any]:
    return next((each for each in step.steps if not isinstance(each, RunnablePassthrough)), step.first)


# Outputs


def _make_output_schema(step: Runnable[Any, Any], name: str, config: RunnableConfig | None) -> type[BaseModel]:
    if isinstance(step, RunnableSequence):
        return _make_last_output_schema(name, step.steps, config)
    if isinstance(step, RunnableParallel):
        return object_model(name, _make_branch_fields(step, config))
    if isinstance(step, RunnableAssign):
        kept = get_dict_fields(_get_public_model(step, "input", config)) or {}
        return object_model(name, {**kept, **_make_branch_fields(step.mapper, config)})
    return value_model(name, step.OutputType)


def _make_last_output_schema(
    name: str, steps: list[Runnable[Any, Any]], config: RunnableConfig | None
) -> type[BaseModel]:
    """The output of the last step; of one that hands on, that of the steps before, with what it adds or takes."""
    *before, last = steps
    if not before or not isinstance(last, RunnablePassthrough | RunnableAssign | RunnablePick):
        return _get_public_model(last, "output", config)
    given = _make_last_output_schema(name, before, config)
    if isinstance(last, RunnablePassthrough):
        return given
    known = get_dict_fields(given) or {}
    if isinstance(last, RunnableAssign):
        return object_model(name, {**known, **_make_branch_fields(last.mapper, config)})
    if isinstance(last.keys, str):
        return value_model(last.get_name("output"), known[last.keys][0] if last.keys in known else Any)
    return object_model(name, {key: known.get(key, (Any, ...)) for key in last.keys})


def _make_branch_fields(step: RunnableParallel[Any], config: RunnableConfig | None) -> Fields:
    return {
        key: (_unwrap_root(_get_public_model(branch, "output", config)), ...) for key, branch in step.steps__.items()
    }


# Models


def object_model(name: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    """A model of a dict with these keys."""
    safe = {_make_valid_field_name(key): _make_aliased_field(key, *field) for key, field in fields.items()}
    return create_model(name, __base__=_LenientSchemaModel, __doc__="", **safe)


class _LenientJsonSchemaGenerator(GenerateJsonSchema):
    """Describes a class that has no JSON schema as any value."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        return {}


class _LenientSchemaModel(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=(), serialize_by_alias=True)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if len(args) < 3:  # the third is the generator
            kwargs.setdefault("schema_generator", _LenientJsonSchemaGenerator)
        return super().model_json_schema(*args, **kwargs)


class _LenientSchemaRootModel(_LenientSchemaModel, RootModel[_T], Generic[_T]):
    pass


def _make_valid_field_name(key: str) -> str:
    """``key``, or where a model has no room for a field of that name, another."""
    plain = key.isidentifier() and not key.startswith("_") and not hasattr(BaseModel, key)
    return key if plain else "field_" + "".join(each if each.isalnum() else f"_{ord(each):x}_" for each in key)


def _make_aliased_field(key: str, hint: Any, default: Any) -> Any:
    if _make_valid_field_name(key) == key:
        return (usable(hint), default)
    if isinstance(default, FieldInfo):
        title = default.title or key
        return (usable(hint), Field(default.default, alias=key, title=title, description=default.description))
    return (usable(hint), Field(default, alias=key, title=key.replace("_", " ").strip().title()))


def value_model(name: str, hint: Any) -> type[BaseModel]:
    """A model of a value of any type; a type that is a model already is taken as it is."""
    if inspect.isclass(hint) and issubclass(hint, BaseModel) and not typing.get_args(hint):
        return hint
    base: Any = _LenientSchemaRootModel.__class_getitem__(usable(hint))
    made: type[BaseModel] = create_model(name, __base__=base, __doc__="")
    return made


def get_dict_fields(model: type[BaseModel]) -> Fields | None:
    """The fields of a model of a dict, ``None`` for one of another value."""
    if issubclass(model, RootModel):
        return None
    found = model.model_fields.items()
    return {
        field.alias or name: (
            field.annotation,
            ... if field.is_required() else field.get_default(call_default_factory=True),
        )
        for name, field in found
    }


def _unwrap_root(model: type[BaseModel]) -> Any:
    return model.model_fields["root"].annotation if issubclass(model, RootModel) else model


def merged(several: Iterable[Fields | None]) -> Fields | None:
    """The keys of all; a key with two different types has ``Any``, a key that one of them requires is required."""
    total: Fields = {}
    for fields in several:
        for key, (hint, default) in (fields or {}).items():
            if key in total:
                hint, default = _merge_field(total[key], (hint, default))
            total[key] = (hint, default)
    return total or None


def _merge_field(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    known = [hint for hint, _ in (one, other) if hint is not Any]
    hint = known[0] if known and all(each == known[0] for each in known) else Any
    return hint, ... if ... in (one[1], other[1]) else one[1]
