"""Names that ``langchain_classic`` imports: stored prompts, small helpers, and parts that it only names."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from prill.errors import CompatError, ConfigError
from prill.prompts import BasePromptTemplate, FewShotPromptTemplate, PromptTemplate
from prill.prompts.chat import _as_part, _from_role
from prill.prompts.string import get_template_variables
from prill.utils.json_schema import _target, dereference_refs
from prill.vectorstores.utils import cosine_similarity as _cosine_similarity

T = TypeVar("T")
logger = logging.getLogger("prill.compat")

__all__ = ["_cosine_similarity", "dereference_refs"]

PYTHON_TO_JSON_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def load_prompt(path: str | Path, encoding: str | None = "utf-8", **kwargs: Any) -> BasePromptTemplate[Any]:
    """Read a prompt from a JSON or YAML file. See ``load_prompt_from_config``."""
    file = Path(path)
    text = file.read_text(encoding)
    if file.suffix in (".yaml", ".yml"):
        yaml = import_module("yaml")  # pyyaml comes with the packages that store prompts so
        return load_prompt_from_config(yaml.safe_load(text))
    return load_prompt_from_config(json.loads(text))


def load_prompt_from_config(config: dict[str, Any], **kwargs: Any) -> BasePromptTemplate[Any]:
    """Make a prompt of its fields; ``_type`` is ``"prompt"`` or ``"few_shot"``.

    Templates of jinja2 are refused: a file must not bring code.
    """
    fields = {key: value for key, value in config.items() if key not in ("_type", "output_parser", "input_types")}
    kind = config.get("_type", "prompt")
    if fields.get("template_format") == "jinja2":
        raise ConfigError("a stored prompt must not be a template of jinja2: it may hold code")
    if kind == "prompt":
        return PromptTemplate(**fields)
    if kind == "few_shot":
        example = fields.pop("example_prompt", None)
        return FewShotPromptTemplate(example_prompt=load_prompt_from_config(example or {}), **fields)
    raise ConfigError(f"a stored prompt of the type {kind!r} cannot be read: write the prompt in Python")


_load_prompt = _load_few_shot_prompt = load_prompt_from_config
_load_prompt_from_file = load_prompt


def _load_template(*args: Any, **kwargs: Any) -> Any:
    """Raise ``CompatError``: parts of a stored prompt are read with the whole."""
    raise CompatError("parts of a stored prompt cannot be read by themselves: use load_prompt_from_config")


_load_examples = _load_output_parser = _load_template


def _convert_to_message(message: Any, template_format: Any = "f-string") -> Any:
    """A part of a chat prompt."""
    return _as_part(message, template_format)


def _create_template_from_message_type(message_type: str, template: Any, template_format: Any = "f-string") -> Any:
    """A part of a chat prompt, by the role."""
    return _from_role(message_type, template, template_format)


def _get_jinja2_variables_from_template(template: str) -> set[str]:
    return set(get_template_variables(template, "jinja2"))


def _retrieve_ref(path: str, schema: dict[str, Any]) -> Any:
    """What a ``$ref`` leads to."""
    return _target(schema, path)


def _dereference_refs_helper(obj: Any, full_schema: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    return dereference_refs(obj, full_schema=full_schema)


def _batch(size: int, iterable: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most ``size`` items."""
    items = iter(iterable)
    while part := list(islice(items, size)):
        yield part


async def _abatch(size: int, iterable: AsyncIterable[T]) -> AsyncIterator[list[T]]:
    """The same of an asynchronous iterable."""
    part: list[T] = []
    async for item in iterable:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


class NoLock(contextlib.nullcontext[None]):
    """A lock that locks nothing, in plain and in ``async`` code."""


py_anext = anext


def log_error_once(method: str, exception: Exception) -> None:
    """Log a failure."""
    logger.error("failed to %s: %r", method, exception)


class _InnerPart:
    """A part of the core's inside that is named and not used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise CompatError(f"{type(self).__name__} is a part of langchain_core's inside that Prill has not")


class _HashedDocument(_InnerPart):
    """A document with its hash."""


class _FewShotPromptTemplateMixin(_InnerPart):
    """What few-shot prompts have in common."""


class GetLambdaSource(_InnerPart):
    """A visitor of source code."""


class IsFunctionArgDict(_InnerPart):
    """A visitor of source code."""


class IsLocalDict(_InnerPart):
    """A visitor of source code."""


def tee_peer(*args: Any, **kwargs: Any) -> Any:
    """Raise ``CompatError``: use ``Tee``."""
    return _InnerPart()
