"""The verbs of a Runnable: run it on one input or on many, stream it, watch it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from prill.callbacks.config import RunnableConfig
from prill.callbacks.run import Observer, Run
from prill.io import BLOCKING, drive, drive_stream, get_asyncio_mode
from prill.io.execution_mode import Emit
from prill.runnables.engine.batch import Batch
from prill.runnables.engine.live_views import watch
from prill.runnables.engine.runs import start_asyncio_run, start_run
from prill.runnables.engine.streams import SingleValueStream, Stream, from_async_iterable, from_iterable

if TYPE_CHECKING:  # few programs watch
    from typing_extensions import Unpack

    from prill.tracers.run_log import RunLog, RunLogPatch
    from prill.tracers.schema import StreamEvent
    from prill.tracers.select import RunFilters

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class Verbs(Generic[Input, Output]):
    """The public verbs, in both colours; each drives the step's body, which ``Runnable`` enters."""

    if TYPE_CHECKING:

        def _step(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]: ...
        def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]: ...
        def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]: ...

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Run on one input and return the output.

        Args:
            input: the input.
            config: settings of this run: ``callbacks``, ``tags``, ``metadata``, ``run_name``, ``max_concurrency``,
                ``recursion_limit``, ``configurable``, ``cancel``.
            kwargs: more arguments, which a chain hands to its first step.

        Raises:
            ConfigError: ``config`` has an unknown key or a value of the wrong type.
            AsyncRequiredError: a step exists for asyncio only; use ``ainvoke``.

        >>> from prill.runnables import RunnableLambda
        >>> RunnableLambda(lambda x: x + 1).invoke(1)
        2
        """
        return drive(self._invoke_body(input, start_run(config), **kwargs))  # type: ignore[no-any-return]  # bodies are untyped

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Run on one input in asyncio and return the output. See ``invoke``."""
        return await self._invoke_body(input, start_asyncio_run(config), **kwargs)  # type: ignore[no-any-return]  # as above

    def stream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Generator[Output, None, None]:
        """Run on one input and yield the output in chunks, as far as the steps can stream.

        The chunks add up to the output of ``invoke``. A step that needs its whole input waits for it;
        ``explain_streaming`` shows which do. Leaving the iteration (``break``, an exception, ``close``) stops the run
        and closes what it holds. Arguments and errors are those of ``invoke``.

        >>> from prill.runnables import RunnableGenerator
        >>> list(RunnableGenerator(lambda chunks: (c.upper() for c in chunks)).stream("hi"))  # doctest: +SKIP
        ['HI']
        """
        stream = drive_stream(self._stream_body(SingleValueStream(input), start_run(config), **kwargs).source)
        return stream  # type: ignore[return-value]  # whatever drives it, it can be closed

    def astream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncGenerator[Output, None]:
        """Run on one input in asyncio and yield the output in chunks. See ``stream``.

        ``aclose`` (``contextlib.aclosing``), cancelling the task, or dropping the iterator stops the run.
        """
        stream = self._stream_body(SingleValueStream(input), start_asyncio_run(config), **kwargs).source
        return stream  # type: ignore[return-value]  # whatever makes it, it can be closed

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Generator[Output, None, None]:
        """Run on an input that arrives in chunks, and yield the output in chunks.

        Args:
            input: an iterator of chunks that add up to the input; it is closed with the stream.
            config: as for ``invoke``.

        >>> from prill.output_parsers import StrOutputParser
        >>> list(StrOutputParser().transform(iter(["a", "b"])))
        ['a', 'b']
        """
        stream = drive_stream(self._stream_body(Stream(from_iterable(input)), start_run(config), **kwargs).source)
        return stream  # type: ignore[return-value]  # as in stream

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncGenerator[Output, None]:
        """Run in asyncio on an input that arrives in chunks, and yield the output in chunks. See ``transform``."""
        stream = self._stream_body(Stream(from_async_iterable(input)), start_asyncio_run(config), **kwargs).source
        return stream  # type: ignore[return-value]  # as in astream

    @overload
    def batch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    def batch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    def batch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Run on many inputs at once, in threads, and return the outputs in the order of the inputs.

        Args:
            inputs: the inputs.
            config: one config for all, or a list with one for each input. Its ``max_concurrency`` limits how many
                calls run at the same time, in the batch and in everything that it starts.
            return_exceptions: put the error of an input in its place, instead of raising it.
            progress: show a progress bar.

        Raises:
            Exception: the first error of an input, which ends the batch; it has ``batch_index`` and, for the inputs
                that were done, ``batch_outputs`` by index.

        >>> from prill.runnables import RunnableLambda
        >>> RunnableLambda(lambda x: x + 1).batch([1, 2])
        [2, 3]
        """
        return drive(Batch(self._step, start_run, inputs, config, return_exceptions, kwargs, progress).outputs())

    @overload
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Run on many inputs at once, in tasks, and return the outputs in the order of the inputs. See ``batch``."""
        return await Batch(self._step, start_asyncio_run, inputs, config, return_exceptions, kwargs, progress).outputs()

    def batch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Output | Exception]]:
        """Run on many inputs at once, in threads, and yield ``(index, output)`` as each is done.

        ``inputs`` may be a generator: an input is taken when there is room to run it. Arguments as for ``batch``.
        """
        batch = Batch(self._step, start_run, inputs, config, return_exceptions, kwargs, progress)
        return drive_stream(batch.as_completed())

    def abatch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Output | Exception]]:
        """Run on many inputs at once, in tasks, and yield ``(index, output)`` as each is done. See ``batch``."""
        return Batch(self._step, start_asyncio_run, inputs, config, return_exceptions, kwargs, progress).as_completed()

    # Watching

    def astream_events(
        self,
        input: Input,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        **kwargs: Unpack[RunFilters],
    ) -> AsyncIterator[StreamEvent]:
        """Stream, and yield an event for everything that happens in this Runnable and in every step within.

        Args:
            version: the format of the events.
            kwargs: which runs are shown, and what else the Runnable is called with. A run is shown if it matches one
                of ``include_names``, ``include_types``, ``include_tags``, ``include_paths`` (if any is given), and
                none of ``exclude_names``, ``exclude_types``, ``exclude_tags``. Types are ``chain chat_model llm
                parser prompt retriever tool``; paths are globs over the names from the root down, such as
                ``"*/agent/*"``. ``root_only=True`` shows the outermost run alone. The end or the error of the root is
                always shown.

        An error is the last event, ``on_<type>_error``, and is then raised. A slow consumer slows the run down.
        """
        view, arguments = _make_event_observer(version, input, kwargs)
        return watch(self, input, start_asyncio_run, config, get_asyncio_mode(), view, arguments)

    def stream_events(
        self,
        input: Input,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        **kwargs: Unpack[RunFilters],
    ) -> Iterator[StreamEvent]:
        """Yield the events of ``astream_events`` in blocking code; the run is in a thread beside the consumer."""
        view, arguments = _make_event_observer(version, input, kwargs)
        return drive_stream(watch(self, input, start_run, config, BLOCKING, view, arguments))

    @overload
    def astream_log(
        self, input: Input, config: RunnableConfig | None = None, *, diff: Literal[True] = True, **kwargs: Any
    ) -> AsyncIterator[RunLogPatch]: ...
    @overload
    def astream_log(
        self, input: Input, config: RunnableConfig | None = None, *, diff: Literal[False], **kwargs: Any
    ) -> AsyncIterator[RunLog]: ...
    def astream_log(
        self,
        input: Input,
        config: RunnableConfig | None = None,
        *,
        diff: bool = True,
        with_streamed_output_list: bool = True,
        **kwargs: Any,
    ) -> AsyncIterator[RunLogPatch] | AsyncIterator[RunLog]:
        """Stream, and yield the log of all that happens: as JSON patches, or without ``diff`` as the log so far.

        Patches are added up with ``+``. The filters of ``astream_events`` choose the steps that have an entry. An
        error is reported in the last patch, and is then raised. A slow consumer slows the run down.
        """
        from prill.tracers.log_stream import LogView, log_filters  # noqa: PLC0415 - few programs watch
        from prill.tracers.select import split_filters  # noqa: PLC0415 - as above

        selection, arguments = split_filters(log_filters(kwargs))
        view = partial(LogView, selection=selection, diff=diff, streamed_list=with_streamed_output_list)
        return watch(self, input, start_asyncio_run, config, get_asyncio_mode(), view, arguments)


def _make_event_observer(version: str, input: Any, kwargs: Any) -> tuple[Callable[[Emit], Observer], dict[str, Any]]:
    """The view of ``astream_events``, and the arguments that are not its filters."""
    from prill.tracers.events import event_view  # noqa: PLC0415 - few programs watch
    from prill.tracers.select import split_filters  # noqa: PLC0415 - as above

    selection, arguments = split_filters(kwargs)
    make = event_view(version)
    return lambda put: make(put, selection, input), arguments
