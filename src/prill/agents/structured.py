"""Structured answers of agents: the model fills in a form, which is a tool, or the provider keeps its text to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic_core import to_json

from prill.agents.history import Call, make_answer
from prill.errors import ConfigError, OutputParserException
from prill.messages import AIMessage, BaseMessage, HumanMessage
from prill.output_parsers.answer_source import AnswerSource
from prill.output_parsers.output_schema import OutputSchema, PartialAnswer
from prill.output_parsers.structured import StructuredParser
from prill.tools.function_schema import convert_to_openai_function
from prill.transducers.partial_json import NOTHING

T = TypeVar("T")

Errors = bool | str | type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], str]


class StructuredOutputError(OutputParserException):
    """An agent's structured answer is not valid; ``ai_message`` is the model's message."""

    def __init__(self, message: str, ai_message: AIMessage) -> None:
        super().__init__(message, llm_output=str(ai_message.text))
        self.ai_message = ai_message


class StructuredOutputValidationError(StructuredOutputError):
    """The model's form does not fit the schema, or it wrote text instead, as often as it was asked again."""


class MultipleStructuredOutputsError(StructuredOutputError):
    """The model filled in several forms where one is wanted."""


@dataclass
class ToolStrategy(Generic[T]):
    """The answer is a form that the model fills in by calling a tool.

    - ``schema``: a pydantic class, a dataclass, a ``TypedDict``, a JSON schema, or a union of such.
    - ``tool_message_content``: the text that answers the call; by default it shows the value.
    - ``handle_errors``: whether an invalid form is returned to the model, with the errors (``True``), with a text, with
      what a function makes of the error, or only errors of some types; otherwise the error is raised.
    """

    schema: Any
    tool_message_content: str | None = None
    handle_errors: Errors = True


@dataclass
class ProviderStrategy(Generic[T]):
    """The answer is the model's text, which the provider keeps to the schema; ``strict`` where it can."""

    schema: Any
    strict: bool | None = None


@dataclass
class AutoStrategy(Generic[T]):
    """The way that works with every model that calls tools: that of ``ToolStrategy``."""

    schema: Any


ResponseFormat = ToolStrategy[T] | ProviderStrategy[T] | AutoStrategy[T]


@dataclass(frozen=True)
class Form:
    """A schema as a tool that the model is offered."""

    name: str
    described: dict[str, Any]
    target: OutputSchema


@dataclass
class Accepted:
    """What the forms in a message came to: the answers to their calls, and the value, if one was valid."""

    answers: list[BaseMessage] = field(default_factory=list)
    value: Any = None
    done: bool = False


MAX_ATTEMPTS = 3
"""How many times a model is asked for a form before its text is an error."""


class Structured:
    """The structured answer of an agent.

    Raises:
        ConfigError: a schema cannot be described to a model.
    """

    def __init__(self, response_format: Any) -> None:
        strategy = response_format
        if not isinstance(strategy, ToolStrategy | ProviderStrategy | AutoStrategy):
            strategy = AutoStrategy(strategy)
        if isinstance(strategy, AutoStrategy):
            strategy = ToolStrategy(strategy.schema)
        self.strategy = strategy
        self.forms = {form.name: form for form in map(_make_form, _alternatives(strategy.schema))}
        if isinstance(strategy, ProviderStrategy) and len(self.forms) != 1:
            raise ConfigError("ProviderStrategy takes one schema; a union needs ToolStrategy")

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The forms as tools."""
        if isinstance(self.strategy, ProviderStrategy):
            return []
        return [{"type": "function", "function": form.described} for form in self.forms.values()]

    @property
    def types(self) -> list[type[Any]]:
        """The classes of the values."""
        return [form.target.schema for form in self.forms.values() if isinstance(form.target.schema, type)]

    @property
    def tool_choice(self) -> str | None:
        """What the model is told about the tools."""
        return "any" if self.tools else None

    def settings(self) -> dict[str, Any]:
        """What is bound to the model beside the tools."""
        if not isinstance(self.strategy, ProviderStrategy):
            return {}
        form = next(iter(self.forms.values())).described
        schema = {"name": form["name"], "schema": form.get("parameters", {})}
        if self.strategy.strict is not None:
            schema["strict"] = self.strategy.strict
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def accept(self, message: AIMessage) -> Accepted:
        """Read the forms in a message.

        Raises:
            StructuredOutputError: one is not valid, and the strategy does not return errors to the model.
        """
        calls = [call for call in message.tool_calls if call["name"] in self.forms]
        if len(calls) > 1:
            names = ", ".join(call["name"] for call in calls)
            error = MultipleStructuredOutputsError(
                f"the model filled in several forms ({names}); one is wanted", message
            )
            return Accepted([make_answer(call, self._explain(error)) for call in calls])
        accepted = Accepted()
        for call in calls:
            self._read(call, message, accepted)
        return accepted

    def _read(self, call: Call, message: AIMessage, accepted: Accepted) -> None:
        form = self.forms[call["name"]]
        try:
            value = form.target.whole(call["args"], to_json(call["args"], fallback=repr).decode())
        except OutputParserException as error:
            invalid = StructuredOutputValidationError(error.message, message)
            invalid.__cause__ = error
            accepted.answers.append(make_answer(call, self._explain(invalid)))
            return
        text = getattr(self.strategy, "tool_message_content", None) or f"Returning structured response: {value}"
        accepted.answers.append(make_answer(call, text, "success"))
        accepted.value, accepted.done = value, True

    def _explain(self, error: StructuredOutputError) -> str:
        """What the model is sent about an invalid form."""
        policy: Any = getattr(self.strategy, "handle_errors", True)
        if isinstance(policy, str):
            return policy
        if isinstance(policy, type | tuple):
            policy = isinstance(error, policy)
        elif callable(policy):
            return str(policy(error))
        if not policy:
            raise error
        return f"Error: {error.message}\nPlease fix your mistakes."

    def read_text(self, message: AIMessage) -> Any:
        """The value of a text that the provider kept to the schema.

        Raises:
            StructuredOutputValidationError: it is not valid.
        """
        form = next(iter(self.forms.values()))
        try:
            return StructuredParser(form.target).invoke(message)
        except OutputParserException as error:
            raise StructuredOutputValidationError(error.message, message) from error

    def partials(self) -> PartialForms:
        """What reads the answer while the model writes it."""
        return PartialForms(self)

    @property
    def reads_text(self) -> bool:
        """Whether the text of the last message is the answer."""
        return isinstance(self.strategy, ProviderStrategy)

    def ask_again(self, message: AIMessage, attempts: int) -> HumanMessage:
        """The message that asks for the form again, after ``attempts`` texts.

        Raises:
            StructuredOutputValidationError: the model was asked often enough.
        """
        names = " or ".join(self.forms)
        if attempts >= MAX_ATTEMPTS:
            raise StructuredOutputValidationError(
                f"the model was asked for the form {names} {attempts} times and wrote text instead", message
            )
        return HumanMessage(content=f"Give the answer by calling the tool {names}.")


class PartialForms:
    """A structured answer while it arrives."""

    def __init__(self, structured: Structured) -> None:
        self._parts = [
            (
                AnswerSource(None if structured.reads_text else name, closings=not form.target.is_raw),
                PartialAnswer(form.target),
            )
            for name, form in structured.forms.items()
        ]

    def feed(self, chunk: Any) -> Any:
        """Return what to show of the answer after this chunk; ``NOTHING`` where nothing of it is new."""
        for source, partial in self._parts:
            if (json := source.feed(chunk)) is None:
                continue
            try:
                shown = partial.update(json)
            except OutputParserException:
                continue  # the whole answer is checked at its end, and may be asked for again
            if shown is not NOTHING:
                return shown
        return NOTHING


def _alternatives(schema: Any) -> Sequence[Any]:
    if get_origin(schema) in (Union, UnionType):
        return get_args(schema)
    if isinstance(schema, dict) and isinstance(schema.get("oneOf"), list):
        alternatives: list[Any] = schema["oneOf"]
        return alternatives
    return [schema]


def _make_form(schema: Any) -> Form:
    target = OutputSchema(schema)
    described = convert_to_openai_function(target.described)
    described.setdefault("parameters", {"type": "object", "properties": {}})
    return Form(described["name"], described, target)
