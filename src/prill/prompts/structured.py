"""Chat prompts with the schema of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, Field

from prill.errors import PromptError
from prill.prompts.chat import ChatPromptTemplate, MessageLikeRepresentation
from prill.prompts.template import PromptTemplateFormat
from prill.runnables.base import Runnable


class StructuredPrompt(ChatPromptTemplate):
    """A chat prompt with a schema: ``prompt | model`` answers with a value of that schema.

    ``prompt | model`` is ``prompt | model.with_structured_output(schema, **structured_output_kwargs)``. The schema is
    a pydantic class or a JSON schema; only a prompt with a JSON schema can be stored by ``dumpd``.

    Raises ``PromptError`` without a schema, and when it is joined to anything but a model.
    """

    schema_: dict[str, Any] | type[BaseModel] = Field(alias="schema")
    structured_output_kwargs: dict[str, Any] = Field(default_factory=dict)

    def __init__(
        self,
        messages: Sequence[MessageLikeRepresentation],
        schema_: dict[str, Any] | type[BaseModel] | None = None,
        *,
        structured_output_kwargs: dict[str, Any] | None = None,
        template_format: PromptTemplateFormat = "f-string",
        **kwargs: Any,
    ) -> None:
        schema = schema_ or kwargs.pop("schema", None)
        if not schema:
            raise PromptError("a StructuredPrompt needs the schema of the answer: a pydantic class or a JSON schema")
        own = {name: kwargs.pop(name) for name in set(kwargs) - ChatPromptTemplate.model_fields.keys()}
        super().__init__(
            messages,
            template_format=template_format,
            schema=schema,
            structured_output_kwargs={**own, **(structured_output_kwargs or {})},
            **kwargs,
        )

    @classmethod
    def from_messages_and_schema(
        cls, messages: Sequence[MessageLikeRepresentation], schema: dict[str, Any] | type[BaseModel], **kwargs: Any
    ) -> Self:
        """Make a prompt of messages and the schema of the answer; see the class."""
        return cls(messages, schema, **kwargs)

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[dict[str, Any], Any]:
        """Join this to a model, which answers in the schema, and to the steps after it.

        Raises ``PromptError`` if the first of ``others`` is not a model with ``with_structured_output``.
        """
        model, *steps = others
        if not hasattr(model, "with_structured_output"):
            raise PromptError(
                f"a StructuredPrompt is joined to a model with with_structured_output, not to {type(model).__name__}"
            )
        answering = model.with_structured_output(self.schema_, **self.structured_output_kwargs)
        return super().pipe(answering, *steps, name=name)

    def __or__(self, other: Any) -> Any:
        return self.pipe(other)
