"""Text models: a prompt in, text out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from prill.callbacks.config import RunnableConfig
from prill.callbacks.run import Run, inside
from prill.errors import ConfigError, EmptyResponseError
from prill.io import closing, drive
from prill.language_models.base import BaseLanguageModel, LanguageModelInput, config_from
from prill.language_models.batching import answer_together
from prill.language_models.cache_and_limits import TextCall
from prill.language_models.chat_models import combine_llm_outputs
from prill.language_models.stream_notifications import notify_chunks, streams_in_invoke
from prill.messages import convert_to_messages, get_buffer_string
from prill.outputs import Generation, GenerationChunk, LLMResult, merge_generation_chunks
from prill.prompt_values import PromptValue
from prill.runnables.engine.cancellation import get_token
from prill.runnables.engine.runs import start_asyncio_run, start_run
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

    # The hooks that subclasses write. Those that are not written are None here, which the bodies check.

    @abstractmethod
    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue each prompt."""

    if TYPE_CHECKING:

        async def _agenerate(
            self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> LLMResult:
            """The asyncio form of ``_generate``."""
            raise NotImplementedError

        def _stream(
            self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> Iterator[GenerationChunk]:
            """Continue a prompt piece by piece."""
            raise NotImplementedError

        def _astream(
            self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[GenerationChunk]:
            """The asyncio form of ``_stream``."""
            raise NotImplementedError
    else:
        _agenerate: ClassVar[Any] = None
        _stream: ClassVar[Any] = None
        _astream: ClassVar[Any] = None

    # The bodies. These call the hooks; Prill's own models override them, and subclasses of those may write hooks again.

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        """Continue each prompt."""
        return await self._call_hooks(prompts, run, kwargs)

    async def _call_hooks(self, prompts: list[str], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        if streams_in_invoke(self, run, kwargs):
            return LLMResult(generations=[[await self._by_streaming(prompt, run, kwargs)] for prompt in prompts])
        with inside(run):
            if run.io.blocking:
                return self._generate(prompts, run_manager=run.manager, **kwargs)
            if "_agenerate" in self._async_hooks:
                result: LLMResult = await self._agenerate(prompts, run_manager=run.manager, **kwargs)
                return result
            return await run.io.call(partial(self._generate, prompts, run_manager=run.plain_manager, **kwargs))

    def _chunks(self, prompt: str, run: Run, **kwargs: Any) -> AsyncIterator[GenerationChunk] | None:
        """Continue a prompt piece by piece; ``None`` from a model that cannot."""
        if not run.io.blocking and "_astream" in self._async_hooks:
            return each_inside(run, self._astream(prompt, run_manager=run.manager, **kwargs))
        if self._stream is None:
            return None
        return each_inside(run, run.io.pull(partial(self._stream, prompt, run_manager=run.plain_manager, **kwargs)))

    def _stream_chunks(self, prompt: str, run: Run, kwargs: dict[str, Any]) -> AsyncIterator[GenerationChunk] | None:
        """Continue a prompt piece by piece, by the hooks where a subclass wrote them."""
        if self._streams_by_hooks:
            return BaseLLM._chunks(self, prompt, run, **kwargs)
        return self._chunks(prompt, run, **kwargs)

    def _answer_body(self, prompts: list[str], run: Run, kwargs: dict[str, Any]) -> Coroutine[Any, Any, LLMResult]:
        """Continue each prompt, by the hooks where a subclass wrote them."""
        if self._answers_by_hooks:
            return self._call_hooks(prompts, run, kwargs)
        return self._answer(prompts, run, **kwargs)

    async def _by_streaming(self, prompt: str, run: Run, kwargs: dict[str, Any]) -> Generation:
        """Continue a prompt in one piece, made of a stream whose chunks are reported to observers."""
        stream = self._stream_chunks(prompt, run, kwargs)
        chunks = (
            [chunk async for chunk in notify_chunks(run, stream, lambda chunk: chunk.text)]
            if stream is not None
            else []
        )
        if not chunks:
            raise EmptyResponseError(f"{self.get_name()} ended the stream without a chunk")
        whole = merge_generation_chunks(chunks)
        return Generation(text=whole.text, generation_info=whole.generation_info)

    async def _work(self, input: Any, run: Run, *, results_: list[Any] | None = None, **kwargs: Any) -> Any:
        answer = self._answer_with_cache if self._has_cache_or_limiter() else self._answer_body
        result = await answer([as_text(input)], run, {"stop": None, **kwargs})
        if not result.generations or not result.generations[0]:
            raise EmptyResponseError(f"{self.get_name()} returned no text")
        if results_ is not None:
            results_.append(result)
        if run.observers is not None:
            run.state["result"] = result
        return result.generations[0][0].text

    async def _answer_with_cache(self, prompts: list[str], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        call = TextCall(self, prompts[0], run, kwargs)
        if (known := await call.lookup()) is not None:
            return LLMResult(generations=[known])
        async with call.limited() as answer:
            result = await self._answer_body(prompts, run, kwargs)
            answer.generations = result.generations[0] if result.generations else ()
            answer.usage = (result.llm_output or {}).get("token_usage")
        await call.store(answer.generations)
        return result

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        chunks = self._stream_chunks(as_text(input), run, {"stop": None, **kwargs})
        if chunks is None:
            yield await self._work(input, run, **kwargs)
            return
        if self._has_cache_or_limiter():
            chunks = TextCall(self, as_text(input), run, {"stop": None, **kwargs}).chunks(chunks)
        watched = run.observers is not None
        async with closing(chunks):
            async for chunk in chunks:
                if watched:
                    run.state.setdefault("chunks", []).append(chunk)
                yield chunk.text
                input = None
        if input is not None:
            raise EmptyResponseError(f"{self.get_name()} ended the stream without a chunk")

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        return (
            (type(self)._chunks is not BaseLLM._chunks and not self._streams_by_hooks)
            or self._stream is not None
            or (not run.io.blocking and "_astream" in self._async_hooks)
        )

    def _get_reported_input(self, input: Any) -> Any:
        return {"prompts": [as_text(input)]}

    # generate

    def _answers_together(self, runs: Sequence[Run], kwargs: dict[str, Any]) -> bool:
        """Whether several prompts may be answered by one call: nothing is done with each of them."""
        if (
            not self._answers_by_hooks
            or self._overrides
            or self._has_cache_or_limiter()
            or streams_in_invoke(self, runs[0], kwargs)
        ):
            return False
        return len(runs) > 1 and all(run.plain or get_token(run) is None for run in runs)

    async def _batch(self, inputs: Sequence[Any], runs: Sequence[Run], kwargs: dict[str, Any]) -> list[str]:
        """Answer all inputs, as many by one call as ``max_concurrency`` allows."""
        width = min((run.said("max_concurrency") or len(inputs) for run in runs), default=1)
        texts: list[str] = []
        for start in range(0, len(inputs), width):
            prompts = [as_text(input) for input in inputs[start : start + width]]
            results = await answer_together(self, prompts, runs[start : start + width], kwargs)
            texts += [result.generations[0][0].text for result in results]
        return texts

    def batch(
        self,
        inputs: Sequence[LanguageModelInput],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Continue many texts; ``_generate`` is called with as many at once as ``max_concurrency`` allows.

        See ``Runnable.batch`` for the arguments.
        """
        runs = [] if return_exceptions or progress else _runs(self, config, len(inputs), start_run)
        if runs and self._answers_together(runs, kwargs):
            return drive(self._batch(inputs, runs, kwargs))
        return super().batch(inputs, config, return_exceptions=return_exceptions, progress=progress, **kwargs)

    async def abatch(
        self,
        inputs: Sequence[LanguageModelInput],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Continue many texts; ``_agenerate`` is called with as many at once as ``max_concurrency`` allows."""
        runs = [] if return_exceptions or progress else _runs(self, config, len(inputs), start_asyncio_run)
        if runs and self._answers_together(runs, kwargs):
            return await self._batch(inputs, runs, kwargs)
        return await super().abatch(inputs, config, return_exceptions=return_exceptions, progress=progress, **kwargs)

    async def _results(self, inputs: Sequence[Any], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        runs = [self._with_own_callbacks(run.again()) for _ in inputs]
        if runs and self._answers_together(runs, kwargs):
            together = await answer_together(self, [as_text(input) for input in inputs], runs, kwargs)
            return LLMResult(
                generations=[result.generations[0] for result in together], llm_output=together[0].llm_output
            )
        sinks: list[list[LLMResult]] = [[] for _ in inputs]
        pairs = zip(inputs, sinks, strict=True)
        await run.io.gather(
            [partial(self._step, input, run.again(), results_=sink, **kwargs) for input, sink in pairs],
            run.limit,
        )
        results = [sink[0] for sink in sinks]
        output = combine_llm_outputs([result.llm_output for result in results]) or None
        return LLMResult(generations=[result.generations[0] for result in results], llm_output=output)

    def generate(
        self, prompts: Sequence[str], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue several prompts and return the generations of each, with the provider's metadata."""
        _require_texts(prompts)
        run = start_run(config_from(callbacks, kwargs))
        return drive(self._results(prompts, run, {"stop": stop, **kwargs}))

    async def agenerate(
        self, prompts: Sequence[str], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """Continue several prompts and return the generations of each, with the provider's metadata."""
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

    if TYPE_CHECKING:

        async def _acall(
            self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
        ) -> str:
            """The asyncio form of ``_call``."""
            raise NotImplementedError
    else:
        _acall: ClassVar[Any] = None

    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        texts = [self._call(prompt, stop=stop, run_manager=run_manager, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])

    def _answers_together(self, runs: Sequence[Run], kwargs: dict[str, Any]) -> bool:
        # Texts that are answered one by one are better answered side by side.
        return type(self)._generate is not LLM._generate and super()._answers_together(runs, kwargs)

    async def _call_hooks(self, prompts: list[str], run: Run, kwargs: dict[str, Any]) -> LLMResult:
        if run.io.blocking or "_acall" not in self._async_hooks or streams_in_invoke(self, run, kwargs):
            return await super()._call_hooks(prompts, run, kwargs)
        with inside(run):
            texts = [await self._acall(prompt, run_manager=run.manager, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])


def as_text(input: LanguageModelInput) -> str:
    """Convert the input of a text model (text, messages or a prompt value) to text."""
    if isinstance(input, str):
        return input
    if isinstance(input, PromptValue):
        return input.to_string()
    if isinstance(input, Sequence):
        return get_buffer_string(convert_to_messages(input))
    raise ConfigError(
        f"the input of a text model must be text, a list of messages or a prompt value, not {type(input).__name__} "
        f"({input!r:.80})"
    )


def _runs(model: BaseLLM, config: Any, number: int, start: Callable[[Any], Run]) -> list[Run]:
    """A run for each input of a batch; none where the configs do not fit, which the usual way reports."""
    configs = list(config) if isinstance(config, list | tuple) else [config] * number
    if len(configs) != number:
        return []
    return [model._with_own_callbacks(start(each)) for each in configs]


def _require_texts(prompts: Any) -> None:
    if isinstance(prompts, str) or not isinstance(prompts, Sequence):
        raise ConfigError(f"generate takes a list of texts, not {type(prompts).__name__}: llm.generate(['…'])")
