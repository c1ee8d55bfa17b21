"""Parsers that let a model mend what cannot be parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field

from prill.callbacks.run import Run
from prill.errors import ConfigError, OutputParserException
from prill.output_parsers.base import BaseOutputParser
from prill.output_parsers.inputs import as_text
from prill.prompt_values import PromptValue
from prill.runnables.base import Runnable
from prill.runnables.function import RunnableLambda

T = TypeVar("T")


class _MendingParser(BaseOutputParser[T]):
    """Parses with ``parser``; after an ``OutputParserException`` asks ``retry_chain``, ``max_retries`` times."""

    parser: Any
    retry_chain: Any = Field(repr=False)
    max_retries: int = Field(default=1, ge=0)

    @classmethod
    def from_llm(cls, llm: Any, parser: Any, prompt: Any = None, max_retries: int = 1, **kwargs: Any) -> Any:
        """Make one that asks ``llm``; ``prompt`` writes the question, from the variables that the class names."""
        if not isinstance(parser, Runnable):
            raise ConfigError(f"{cls.__name__} needs a parser, not {parser!r:.80}")
        ask = RunnableLambda(cls._question, name="question") if prompt is None else prompt
        return cls(parser=parser, retry_chain=ask | llm, max_retries=max_retries, **kwargs)

    @staticmethod
    def _question(about: Mapping[str, Any]) -> str:
        raise NotImplementedError

    @property
    def OutputType(self) -> Any:
        return self.parser.OutputType

    def get_format_instructions(self) -> str:
        """Return those of the parser within."""
        return str(self.parser.get_format_instructions())

    def _instructions(self) -> str:
        try:
            return self.get_format_instructions()
        except (NotImplementedError, AttributeError):
            return ""

    async def _mended(self, input: Any, run: Run, about: Mapping[str, Any]) -> Any:
        left = self.max_retries
        while True:
            try:
                return await self.parser._step(input, run.child())
            except OutputParserException as error:
                if not left:
                    raise
                left -= 1
                text = error.llm_output if error.llm_output is not None else as_text(input)
                question = {**about, "completion": text, "error": error.message, "input": text}
            input = await self.retry_chain._step(question, run.child())


class OutputFixingParser(_MendingParser[T]):
    """Parses with ``parser``, and where that fails shows a model the text and the error, and parses its answer.

    ``OutputFixingParser.from_llm(model, parser)``. A ``prompt`` that you give is given ``instructions``, ``completion``
    and ``error``. The error of the last attempt is raised.
    """

    @staticmethod
    def _question(about: Mapping[str, Any]) -> str:
        return "\n\n".join(
            [
                "A text has to be in a certain form, and is not. Write it again in that form; change nothing else.",
                *([f"The form:\n{about['instructions']}"] if about["instructions"] else []),
                f"The text:\n{about['completion']}",
                f"What is wrong:\n{about['error']}",
                "Answer with the corrected text and nothing else.",
            ]
        )

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        return await self._mended(input, run, {"instructions": self._instructions()})

    def parse(self, text: str) -> T:
        """Return the same as ``invoke``."""
        return self.invoke(text)

    @property
    def _type(self) -> str:
        return "output_fixing"


class RetryOutputParser(_MendingParser[T]):
    """Parses with ``parser``, and where that fails asks a model the first question again, with its bad answer.

    As a step it is given ``{"completion": text or message, "prompt": prompt value or text}`` (``prompt_value`` is
    understood too). A ``prompt`` that you give is given ``prompt``, ``completion`` and ``error``.
    """

    @staticmethod
    def _question(about: Mapping[str, Any]) -> str:
        return "\n\n".join(
            [
                f"A question was asked:\n{about['prompt']}",
                f"This was the answer:\n{about['completion']}",
                f"It cannot be used:\n{about['error']}",
                "Answer the question again, in the form that it asks for, and with nothing else.",
            ]
        )

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        given = input if isinstance(input, Mapping) else {}
        prompt = given.get("prompt", given.get("prompt_value"))
        if "completion" not in given or prompt is None:
            raise ConfigError(
                "a RetryOutputParser is given a dict with 'completion' and 'prompt', so that it can ask again: "
                "RunnableParallel(completion=chain, prompt=prompt) | parser; or call parse_with_prompt"
            )
        text = prompt.to_string() if isinstance(prompt, PromptValue) else str(prompt)
        return await self._mended(given["completion"], run, {"prompt": text, "instructions": self._instructions()})

    def parse(self, text: str) -> T:
        """Not for this parser: it needs the prompt too."""
        raise NotImplementedError(f"{type(self).__name__} needs the prompt too: use parse_with_prompt, or invoke")

    def parse_with_prompt(self, completion: str, prompt: PromptValue | str) -> T:
        """Parse an answer to ``prompt``."""
        return self.invoke({"completion": completion, "prompt": prompt})  # type: ignore[arg-type]  # a dict, here

    async def aparse_with_prompt(self, completion: str, prompt: PromptValue | str) -> T:
        """Parse an answer to ``prompt``."""
        return await self.ainvoke({"completion": completion, "prompt": prompt})  # type: ignore[arg-type]  # as above

    @property
    def _type(self) -> str:
        return "retry"


RetryWithErrorOutputParser = RetryOutputParser
"""Every retry reports the error."""
