"""The base of all prompts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, Field

from prill.callbacks.config import Config
from prill.callbacks.run import Run
from prill.errors import MissingVariableError, PromptError, PromptInputError
from prill.prompt_values import ChatPromptValueConcrete, PromptValue, StringPromptValue
from prill.prompts.f_string import missing_variables
from prill.runnables.engine.overrides import Namespaces, nearest
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming

FormatOutputType = TypeVar("FormatOutputType")

_RESERVED = "stop"

if TYPE_CHECKING:
    from prill.documents import Document

    class _Base(RunnableSerializable[dict[str, Any], PromptValue], Generic[FormatOutputType]):
        pass

else:
    _Base = RunnableSerializable  # the type of what ``format`` gives is for the checker alone


_ASYNCIO_HOOKS = ("aformat_prompt", "aformat_messages", "aformat")
_PLAIN_HOOKS = ("format_prompt", "format_messages", "format")


class BasePromptTemplate(_Base[FormatOutputType]):
    """Turns a dictionary of variables into a ``PromptValue``, the input of a model.

    ``input_variables`` must be given each time; ``optional_variables`` may be; ``partial_variables`` are values that
    are known already, or functions without arguments that are called each time. A prompt with exactly one variable
    also takes its bare value: ``prompt.invoke("bears")``.

    Your own kind of prompt is a subclass of ``StringPromptTemplate`` with ``format``, or of
    ``BaseChatPromptTemplate`` with ``format_messages``.
    """

    _kind: ClassVar[str] = "prompt"
    _hooks: ClassVar[frozenset[str]] = frozenset((*_ASYNCIO_HOOKS, *_PLAIN_HOOKS))
    _awaits_hooks: ClassVar[bool] = True
    """Whether an asyncio run awaits ``aformat_prompt``: an asyncio method is not older than the plain ones."""

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        first = nearest(spaces, *_ASYNCIO_HOOKS, *_PLAIN_HOOKS)
        return {**super()._find_overrides(spaces), "_awaits_hooks": first in _ASYNCIO_HOOKS}

    input_variables: list[str] = Field(default_factory=list)
    optional_variables: list[str] = Field(default_factory=list)
    input_types: dict[str, Any] = Field(default_factory=dict, exclude=True)
    output_parser: Any = None
    partial_variables: Mapping[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    tags: list[str] | None = None

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self.validate_variable_names()

    def validate_variable_names(self) -> Self:
        """Raise ``PromptError`` for a variable called ``stop``, and for one that is an input and a partial at once."""
        if _RESERVED in self.input_variables or _RESERVED in self.partial_variables:
            raise PromptError(f"a variable cannot be called {_RESERVED!r}: models take an argument of this name")
        if twice := set(self.input_variables) & set(self.partial_variables):
            raise PromptError(f"variables are both in input_variables and partial_variables: {sorted(twice)}")
        return self

    @abstractmethod
    def format(self, /, **kwargs: Any) -> FormatOutputType:
        """The prompt filled in, as its users read it."""

    @abstractmethod
    def format_prompt(self, /, **kwargs: Any) -> PromptValue:
        """The prompt filled in, as models take it."""

    async def aformat(self, /, **kwargs: Any) -> FormatOutputType:
        """The prompt filled in, as its users read it."""
        return self.format(**kwargs)

    async def aformat_prompt(self, /, **kwargs: Any) -> PromptValue:
        """The prompt filled in, as models take it."""
        return self.format_prompt(**kwargs)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> PromptValue:
        values = self._read(input)
        if run.io.blocking or not self._awaits_hooks:
            return self.format_prompt(**values)
        return await self.aformat_prompt(**values)

    def _describe_streaming(self) -> Streaming:
        advice = "put nothing that streams before it"
        return Streaming("buffers", False, "a prompt needs all of its variables", advice)

    @property
    def InputType(self) -> Any:
        return dict[str, Any]

    @property
    def OutputType(self) -> Any:
        return StringPromptValue | ChatPromptValueConcrete

    def get_input_schema(self, config: Config | None = None) -> type[BaseModel]:
        """The variables as a pydantic model; one without a type in ``input_types`` is text."""
        from prill.runnables.describe.schemas import object_model  # noqa: PLC0415 - few programs ask for schemas

        needed = {name: (self.input_types.get(name, str), ...) for name in self.input_variables}
        optional = {name: (self.input_types.get(name, str), _empty(self, name)) for name in self.optional_variables}
        return object_model("PromptInput", {**needed, **optional})

    def _read(self, input: Any) -> Any:
        """The variables that ``input`` gives."""
        if not isinstance(input, dict):
            input = self._named(input)
        for name in self.input_variables:
            if name not in input:
                raise self._missing(input)
        return input

    def _named(self, input: Any) -> dict[str, Any]:
        if isinstance(input, Mapping):
            return dict(input)
        if len(self.input_variables) == 1:
            return {self.input_variables[0]: input}
        names = ", ".join(map(repr, self.input_variables))
        expected = f"a dictionary with {names}" if names else "a dictionary (an empty one: it has no variables)"
        raise PromptInputError(
            f"{self.get_name()} takes {expected}, not {type(input).__name__} ({input!r:.80}). "
            "A bare value is taken only where there is exactly one variable."
        )

    def _missing(self, given: Mapping[str, Any]) -> MissingVariableError:
        missing = [name for name in self.input_variables if name not in given]
        template_format = str(getattr(self, "template_format", getattr(self, "_template_format", "f-string")))
        return missing_variables(self.get_name(), missing, given, template_format)

    def _with_partials(self, given: dict[str, Any]) -> dict[str, Any]:
        """The partial variables, overridden by ``given``."""
        partials = self.partial_variables
        if not partials:
            return given
        return {**{name: value() if callable(value) else value for name, value in partials.items()}, **given}

    def partial(self, **kwargs: Any) -> Self:
        """A copy in which some variables are filled: with values, or with functions that are called each time."""
        return self.model_copy(
            update={
                "input_variables": [name for name in self.input_variables if name not in kwargs],
                "partial_variables": {**self.partial_variables, **kwargs},
            }
        )

    @property
    def _prompt_type(self) -> str:
        """The name of the kind of prompt in ``asdict``."""
        return type(self).__name__

    def asdict(self, **kwargs: Any) -> dict[str, Any]:
        """The fields as plain data, and the kind of prompt as ``_type``; ``kwargs`` are those of ``model_dump``."""
        return {**self.model_dump(**kwargs), "_type": self._prompt_type}

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, self.metadata

    def __repr_args__(self) -> Any:
        fields = type(self).model_fields
        for name, value in super().__repr_args__():
            if name != "input_types" and value not in (None, [], {}) and value != fields[name].default:
                yield name, value


def _document_values(doc: Document, prompt: BasePromptTemplate[str]) -> dict[str, Any]:
    known = {"page_content": doc.page_content, **doc.metadata}
    names = prompt.input_variables
    if missing := [name for name in names if name not in known]:
        raise MissingVariableError(
            f"the prompt needs {', '.join(map(repr, missing))} of each document; this one has: "
            f"{', '.join(map(repr, known))}"
        )
    return {name: known[name] for name in names}


def format_document(doc: Document, prompt: BasePromptTemplate[str]) -> str:
    """Fill a prompt with a document: ``page_content`` and the keys of its metadata are the variables.

    Raises ``MissingVariableError`` if the prompt names something that the document does not have.
    """
    return prompt.format(**_document_values(doc, prompt))


async def aformat_document(doc: Document, prompt: BasePromptTemplate[str]) -> str:
    """Fill a prompt with a document; see ``format_document``."""
    return await prompt.aformat(**_document_values(doc, prompt))


def _empty(prompt: BasePromptTemplate[Any], name: str) -> Any:
    """The value of a variable that is not given: its partial value, or no messages."""
    value = prompt.partial_variables.get(name, [])
    return None if callable(value) else value


class Shown(str):
    """A variable's name in the place of its value, whatever the format of the value is to be."""

    __slots__ = ()

    @classmethod
    def of(cls, name: str, coloured: bool) -> Shown:
        shown = f"{{{name}}}"
        return cls(f"\033[33;1m\033[1;3m{shown}\033[0m" if coloured else shown)

    def __format__(self, spec: str) -> str:
        return str(self)
