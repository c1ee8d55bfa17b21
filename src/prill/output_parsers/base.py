"""The base classes of all parsers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from prill.callbacks.run import Run, inside
from prill.errors import OutputParserException
from prill.io import get_asyncio_mode
from prill.messages import AnyMessage
from prill.output_parsers.inputs import LanguageModelOutput, as_generation
from prill.outputs import Generation
from prill.prompt_values import PromptValue
from prill.runnables.base import Runnable
from prill.runnables.engine.overrides import Namespaces, nearest
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming

T = TypeVar("T")

_METHODS = ("parse", "parse_result", "aparse", "aparse_result", "_diff")
_OURS = __name__.partition(".")[0] + "."


class BaseLLMOutputParser(ABC, Generic[T]):
    """Makes a value out of a model's generations. Most parsers are subclasses of ``BaseOutputParser``."""

    if not TYPE_CHECKING:

        @classmethod
        def __class_getitem__(cls, parameters: Any) -> Any:
            # As in RunnableSerializable, beside which it stands: the type is for the checker alone.
            return cls

    @abstractmethod
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Make the value out of the candidates for one answer; usually there is one.

        With ``partial`` the text may end anywhere: return what is known already, or ``None``.
        """

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Do the same in asyncio; by default ``parse_result`` in a worker thread."""
        return await get_asyncio_mode().call(self.parse_result, result, partial=partial)


class BaseGenerationOutputParser(BaseLLMOutputParser[T], RunnableSerializable[LanguageModelOutput, T]):
    """A parser that works on generations: define ``parse_result``.

    Its input is a message, a text, or a list of generations. In asyncio, ``ainvoke`` awaits ``aparse_result`` if you
    define it, else calls your ``parse_result`` in a worker thread.
    """

    _kind: ClassVar[str] = "parser"
    _custom: ClassVar[frozenset[str]] = frozenset()
    """Which of the methods are a user's, and so may block and start runs of their own."""

    def _describe_streaming(self) -> Streaming:
        if type(self)._flow is not Runnable._flow:
            return super()._describe_streaming()
        advice = "derive it from BaseTransformOutputParser or BaseCumulativeTransformOutputParser"
        return Streaming("buffers", False, "the parser's parse needs the whole text", advice)

    _hooks: ClassVar[frozenset[str]] = frozenset(_METHODS)
    _awaits_hooks: ClassVar[bool] = False
    """Whether an asyncio run awaits ``aparse_result``: an asyncio method is not older than the plain ones."""

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        methods = {name: next((space[name] for space in spaces if name in space), None) for name in _METHODS}
        custom = frozenset(
            name
            for name, method in methods.items()
            if method is not None and not str(getattr(method, "__module__", "")).startswith(_OURS)
        )
        first = nearest(spaces, "aparse_result", "aparse", "parse_result", "parse")
        return {
            **super()._find_overrides(spaces),
            "_custom": custom,
            "_awaits_hooks": not custom.isdisjoint(("aparse", "aparse_result")) and str(first).startswith("a"),
        }

    @property
    def InputType(self) -> Any:
        return str | AnyMessage

    @property
    def OutputType(self) -> Any:
        from prill.runnables.describe.types import annotated  # noqa: PLC0415 - few programs ask for types

        return annotated(self.parse_result, "output")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        result = input if isinstance(input, list) and input else [as_generation(input)]
        if not self._custom:
            return self.parse_result(result)
        with inside(run):
            if not run.io.blocking and self._awaits_hooks:
                return await self.aparse_result(result)
            return await run.io.call(self.parse_result, result)


class BaseOutputParser(BaseGenerationOutputParser[T]):
    """A parser that works on text: define ``parse``.

    It waits for the whole text; one that works on pieces is a subclass of ``BaseTransformOutputParser``.

        >>> class YesOrNo(BaseOutputParser[bool]):
        ...     def parse(self, text: str) -> bool:
        ...         return text.strip().lower() == "yes"
        >>> YesOrNo().invoke("Yes")
        True
    """

    @property
    def OutputType(self) -> Any:
        from prill.runnables.describe.types import annotated  # noqa: PLC0415 - few programs ask for types

        return annotated(self.parse, "output")

    @abstractmethod
    def parse(self, text: str) -> T:
        """Make the value out of the text; raise ``OutputParserException`` where that cannot be done."""

    async def aparse(self, text: str) -> T:
        """Do the same in asyncio; by default ``parse`` in a worker thread."""
        return await get_asyncio_mode().call(self.parse, text)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Parse the text of the first candidate."""
        return self.parse(first_text(result))

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Do the same in asyncio."""
        if "aparse" in self._custom:
            return await self.aparse(first_text(result))
        return await super().aparse_result(result, partial=partial)

    def parse_with_prompt(self, completion: str, prompt: PromptValue) -> Any:
        """Parse a text, knowing the prompt that led to it; for parsers that ask the model again."""
        return self.parse(completion)

    def get_format_instructions(self) -> str:
        """Return what to write into the prompt, so that the model answers in the form that this parser reads.

        Raises:
            NotImplementedError: this parser has no instructions.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define get_format_instructions")

    @property
    def _type(self) -> str:
        """The name of this kind of parser in ``asdict``."""
        raise NotImplementedError(f"{type(self).__name__} does not define _type")

    def asdict(self, **kwargs: Any) -> dict[str, Any]:
        """Return the fields as a dictionary, with the kind of parser under ``_type`` where it has a name."""
        values = self.model_dump(**kwargs)
        try:
            return {**values, "_type": self._type}
        except NotImplementedError:
            return values


def first_text(result: list[Generation]) -> str:
    """Return the text of the first candidate.

    Raises:
        OutputParserException: there is none.
    """
    if not result:
        raise OutputParserException("no generation to parse", llm_output="")
    return result[0].text
