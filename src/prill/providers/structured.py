"""``with_structured_output``: a model that is asked for values of a type, joined with what reads them."""

from __future__ import annotations

from typing import Any

from prill.errors import ConfigError
from prill.language_models.structured import StructuredModel
from prill.output_parsers.structured import RawAndParsed, StructuredParser
from prill.output_parsers.target import Target
from prill.runnables.sequence import RunnableSequence
from prill.tools.function_schema import convert_to_openai_function

_METHODS = ("function_calling", "json_schema", "json_mode")


def structured_output(
    model: Any, schema: Any, method: str, include_raw: bool, strict: bool | None, kwargs: dict[str, Any]
) -> RunnableSequence[Any, Any]:
    """The chain of a model and a parser. See ``BaseChatModel.with_structured_output``."""
    if method not in _METHODS:
        raise ConfigError(f"method={method!r} is none of {', '.join(_METHODS)}")
    if schema is None:
        raise ConfigError("with_structured_output is given a schema: a pydantic class, a TypedDict, a JSON schema …")
    target = Target(schema)
    form = convert_to_openai_function(target.described)
    form.setdefault("parameters", {"type": "object", "properties": {}})
    asked = model._bind_output_schema(form, method, strict, **kwargs)
    parser: StructuredParser[Any] = StructuredParser(
        target, tool=form["name"] if method == "function_calling" else None
    )
    if include_raw:
        return RunnableSequence(asked, RawAndParsed(parser))
    return StructuredModel(asked, parser)
