"""Text models: a prompt in, text out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, ClassVar

from prill.callbacks.run import Run, inside
from prill.errors import ConfigError, EmptyResponseError
from prill.io import closing, drive
from prill.language_models.base import BaseLanguageModel, LanguageModelInput, config_from
from prill.language_models.chat_models import combine_llm_outputs
from prill.language_models.guarded import TextGuard
from prill.language_models.told import streams_inside, told
from prill.messages import convert_to_messages, get_buffer_string
from prill.outputs import Generation, GenerationChunk, LLMResult, merge_generation_chunks
from prill.prompt_values import PromptValue
from prill.runnables.config import start_asyncio_run, start_run
from prill.runnables.engine.streams import ADD, EMPTY, Combine, Stream, collect, each_inside


class BaseLLM(BaseLanguageModel[str]):
    """A model that continues a text with text.

    Your own is a subclass with ``_generate`` (prompts → ``LLMResult``) and ``_llm_type``; with ``_stream``, which
    yields ``GenerationChunk``, it streams; ``_agenerate`` and ``_astream`` are their asyncio forms. Where one text is
    all it gives, subclass ``LLM``. An attribute ``streaming`` that is true makes ``invoke`` stream too.
    """

    _kind: ClassVar[str] = "llm"
    _combine: ClassVar[Combine] = ADD

    @property
    def OutputType(self) -> Any:
        return str

    # What subclasses write. Those that are not written are None here, so that the bodies can tell.

    @abstractmethod
    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue each prompt."""

    _agenerate: ClassVar[Any] = None
    _stream: ClassVar[Any] = None
    _astream: ClassVar[Any] = None

    # The bodies. Prill's own models override _answer and _chunks.

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        """Continue each prompt."""
        if streams_inside(self, run, kwargs):
            return LLMResult(generations=[[await self._by_streaming(prompt, run, kwargs)] for prompt in prompts])
        with inside(run):
            if run.io.blocking:
                return self._generate(prompts, run_manager=run.manager, **kwargs)
            if self._agenerate is not None:
                result: LLMResult = await self._agenerate(prompts, run_manager=run.manager, **kwargs)
                return result
            return await run.io.call(partial(self._generate, prompts, run_manager=run.plain_manager, **kwargs))

    def _chunks(self, prompt: str, run: Run, **kwargs: Any) -> AsyncIterator[GenerationChunk] | None:
        """Continue a prompt piece by piece; ``None`` from a model that cannot."""
        if not run.io.blocking and self._astream is not None:
            return each_inside(run, self._astream(prompt, run_manager=run.manager, **kwargs))
        if self._stream is None:
            return None
        return each_inside(run, run.io.pull(partial(self._stream, prompt, run_manager=run.plain_manager, **kwargs)))

    async def _by_streaming(self, prompt: str, run: Run, kwargs: dict[str, Any]) -> Generation:
        """Continue a prompt in one piece, of a stream whose chunks are told to observers."""
        stream = self._chunks(prompt, run, **kwargs)
        chunks = [chunk async for chunk in told(run, stream, lambda chunk: chunk.text)] if stream is not None else []
        if not chunks:
            raise EmptyResponseError(f"{self.get_name()} ended its stream without a chunk")
        whole = merge_generation_chunks(chunks)
        return Generation(text=whole.text, generation_info=whole.generation_info)

    async def _work(self, input: Any, run: Run, *, results_: list[Any] | None = None, **kwargs: Any) -> Any:
        answer = self._guarded_answer if self._is_guarded() else self._answer
        result = await answer([as_text(input)], run, **{"stop": None, **kwargs})
        if not result.generations or not result.generations[0]:
            raise EmptyResponseError(f"{self.get_name()} answered without a text")
        if results_ is not None:
            results_.append(result)
        if run.observers is not None:
            run.state["result"] = result
        return result.generations[0][0].text

    async def _guarded_answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        guard = TextGuard(self, prompts[0], run, kwargs)
        if (known := await guard.recall()) is not None:
            return LLMResult(generations=[known])
        async with guard.asking() as answer:
            result = await self._answer(prompts, run, **kwargs)
            answer.generations = result.generations[0] if result.generations else ()
            answer.usage = (result.llm_output or {}).get("token_usage")
        await guard.keep(answer.generations)
        return result

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        chunks = self._chunks(as_text(input), run, **{"stop": None, **kwargs})
        if chunks is None:
            yield await self._work(input, run, **kwargs)
            return
        if self._is_guarded():
            chunks = TextGuard(self, as_text(input), run, {"stop": None, **kwargs}).chunks(chunks)
        watched = run.observers is not None
        async with closing(chunks):
            async for chunk in chunks:
                if watched:
                    run.state.setdefault("chunks", []).append(chunk)
                yield chunk.text
                input = None
        if input is not None:
            raise EmptyResponseError(f"{self.get_name()} ended its stream without a chunk")

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        return (
            type(self)._chunks is not BaseLLM._chunks
            or self._stream is not None
            or (not run.io.blocking and self._astream is not None)
        )

    def _observed_input(self, input: Any) -> Any:
        return {"prompts": [as_text(input)]}

    # generate

    async def _results(self, inputs: Sequence[Any], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        sinks: list[list[LLMResult]] = [[] for _ in inputs]
        pairs = zip(inputs, sinks, strict=True)
        await run.io.gather(
            [partial(self._step, input, run, results_=sink, **kwargs) for input, sink in pairs],
            run.limit,
        )
        results = [sink[0] for sink in sinks]
        output = combine_llm_outputs([result.llm_output for result in results]) or None
        return LLMResult(generations=[result.generations[0] for result in results], llm_output=output)

    def generate(
        self, prompts: Sequence[str], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue several prompts at once; the result keeps what the provider told about each."""
        _require_texts(prompts)
        run = start_run(config_from(callbacks, kwargs))
        return drive(self._results(prompts, run, {"stop": stop, **kwargs}))

    async def agenerate(
        self, prompts: Sequence[str], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue several prompts at once; the result keeps what the provider told about each."""
        _require_texts(prompts)
        run = start_asyncio_run(config_from(callbacks, kwargs))
        return await self._results(prompts, run, {"stop": stop, **kwargs})

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_model_type": "llm"}


class LLM(BaseLLM):
    """A text model that is one function: a subclass writes ``_call`` (prompt → text) and ``_llm_type``.

    ``_acall`` is its asyncio form, without which an asyncio run calls ``_call`` in a worker thread.
    """

    @abstractmethod
    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        """Continue a prompt."""

    _acall: ClassVar[Any] = None

    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        texts = [self._call(prompt, stop=stop, run_manager=run_manager, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        if run.io.blocking or self._acall is None or streams_inside(self, run, kwargs):
            return await super()._answer(prompts, run, **kwargs)
        with inside(run):
            texts = [await self._acall(prompt, run_manager=run.manager, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])


def as_text(input: LanguageModelInput) -> str:
    """The text that a model is asked with: a text, the lines of messages, a prompt's value."""
    if isinstance(input, str):
        return input
    if isinstance(input, PromptValue):
        return input.to_string()
    if isinstance(input, Sequence):
        return get_buffer_string(convert_to_messages(input))
    raise ConfigError(
        f"a text model is given text, a list of messages, or a prompt's value; not {type(input).__name__} "
        f"({input!r:.80})"
    )


def _require_texts(prompts: Any) -> None:
    if isinstance(prompts, str) or not isinstance(prompts, Sequence):
        raise ConfigError(f"generate is given a list of texts, not {type(prompts).__name__}: llm.generate(['…'])")
