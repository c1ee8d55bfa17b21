"""``Runnable``: the verbs, and how runnables are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from pydantic import BaseModel

from prill.callbacks.config import Config
from prill.callbacks.run import Run
from prill.io import BLOCKING, asyncio_colour, drive, drive_stream
from prill.lazy import lazy_names
from prill.runnables.config import start_asyncio_run, start_run
from prill.runnables.described import Described
from prill.runnables.engine.batch import Batch
from prill.runnables.engine.cancellation import call_until_cancelled, get_token, make_cancelled, stream_until_cancelled
from prill.runnables.engine.live_views import watch
from prill.runnables.engine.observing import observe_call, observe_flow
from prill.runnables.engine.overrides import (
    call_override,
    call_without_body,
    collect_and_override,
    flow_override,
    has_body,
    overridden_verbs,
    stream_override,
)
from prill.runnables.engine.step_streams import adapt_input, open_stream
from prill.runnables.engine.streams import (
    AS_INPUT,
    EMPTY,
    Combine,
    SingleValueStream,
    Stream,
    collect,
    from_async_iterable,
    from_iterable,
)
from prill.runnables.known_as import OF_BASE
from prill.runnables.parts import PARTS

if TYPE_CHECKING:  # few programs watch
    from prill.tracers.run_log import RunLog, RunLogPatch
    from prill.tracers.schema import StreamEvent

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
Other = TypeVar("Other")
T = TypeVar("T")

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, OF_BASE)

_BUFFERING_KINDS = frozenset({"chat_model", "llm", "prompt", "retriever", "tool"})
"""Kinds of steps that do not start before their whole input is there."""


class Runnable(Described, Generic[Input, Output]):
    """A unit of work that can be invoked, batched and streamed, in blocking code and in asyncio.

    ``a | b | c`` joins runnables into a chain, which is a Runnable itself. Your own is a subclass with ``invoke``
    (and ``ainvoke``, ``stream``, ``transform`` … where it can do better than the default); or simply a function,
    which every chain accepts as a step.
    """

    name: str | None

    _kind: ClassVar[str] = "chain"
    _overrides: ClassVar[frozenset[str]] = frozenset()
    _has_body: ClassVar[bool] = False
    _buffers_input: ClassVar[bool] = True
    """Whether the body waits for its whole input before it yields anything."""
    _combine: ClassVar[Combine] = AS_INPUT
    """How the chunks that ``_flow`` yields make its value.

    With ``AS_INPUT``, as its input's do, whatever these are; with any other, ``_flow`` is given pieces that add up.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not issubclass(cls, BaseModel) and not hasattr(cls, "name"):
            cls.name = None  # not set on Runnable itself: in pydantic classes ``name`` is a field, and must not shadow
        cls._overrides = overridden_verbs(cls)
        cls._has_body = has_body(cls, Runnable)
        if "_flow" in cls.__dict__ and "_buffers_input" not in cls.__dict__:
            cls._buffers_input = cls._kind in _BUFFERING_KINDS

    # The bodies: Prill's own parts override these, users override the verbs.

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        """One value in, one value out."""
        return await call_without_body(self, input, run, kwargs)

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        """Chunks in, chunks out; this one is for a step that must wait for its whole input."""
        input = await collect(inputs)
        if input is not EMPTY:
            yield await self._work(input, run, **kwargs)

    # How composites run a step, and how verbs start.

    def _step(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        """Run this as a step: by the user's own verb if it overrides one, watched if the run is."""
        if self._overrides and ("invoke" if run.io.blocking else "ainvoke") in self._overrides:
            return call_override(self, input, run, kwargs)
        return self._enter(input, run, **kwargs)

    def _step_flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        """Stream this as a step: by the user's own verb if it overrides one, observed if the run is."""
        if self._overrides:
            verb = stream_override(self, run)
            if verb in ("transform", "atransform"):
                return adapt_input(partial(flow_override, self, verb, run=run, kwargs=kwargs), AS_INPUT, inputs)
            if verb is not None or ("invoke" if run.io.blocking else "ainvoke") in self._overrides:
                return Stream(collect_and_override(self, verb, inputs, run, kwargs))
        return self._enter_flow(inputs, run, **kwargs)

    def _enter(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        if not run.plain and (token := get_token(run)) is not None:
            if token is not run.watched_token:
                run = run.watching(token)
                return call_until_cancelled(self.get_name(), run, partial(self._enter, input, run, **kwargs), token)
            if token.cancelled:
                raise make_cancelled(self.get_name(), run)
        if run.observers is None or not self._has_body:
            return self._work(input, run, **kwargs)
        return observe_call(self, input, run, kwargs)

    def _enter_flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        if not run.plain:
            token = get_token(run)
            if token is not None and token is not run.watched_token:
                run = run.watching(token)
                stream = self._enter_flow(inputs, run, **kwargs)
                return stream.through(stream_until_cancelled(self.get_name(), run, stream, token))
            if run.observers is not None and self._has_body:
                return observe_flow(self, inputs, run, kwargs)
        return open_stream(self, inputs, run, kwargs)

    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        """Tags and metadata that belong to this object, called with ``kwargs``, alone."""
        return None, None

    def _may_restart(self) -> bool:
        """Whether a stream of this may restart on its own account; true where that cannot be known."""
        return self._kind == "chain"

    def _observed_input(self, input: Any) -> Any:
        """The input as it is reported to observers."""
        return input

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        """Whether the output may come in chunks; otherwise it is one value, which leaves when the run has ended."""
        return self._kind not in ("prompt", "retriever", "tool")

    # The verbs

    def invoke(self, input: Input, config: Config | None = None, **kwargs: Any) -> Output:
        """Run on one input and return the output."""
        return drive(self._enter(input, start_run(config), **kwargs))  # type: ignore[no-any-return]  # bodies are untyped

    async def ainvoke(self, input: Input, config: Config | None = None, **kwargs: Any) -> Output:
        """Run on one input and return the output."""
        return await self._enter(input, start_asyncio_run(config), **kwargs)  # type: ignore[no-any-return]  # as above

    def stream(self, input: Input, config: Config | None = None, **kwargs: Any) -> Iterator[Output]:
        """Run on one input and yield the output piece by piece, as far as the steps can.

        Leaving the iteration (``break``, an exception, ``close``) stops the run and closes what it holds.
        """
        return drive_stream(self._enter_flow(SingleValueStream(input), start_run(config), **kwargs).source)

    def astream(self, input: Input, config: Config | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """Run on one input and yield the output piece by piece, as far as the steps can.

        ``aclose`` (``contextlib.aclosing``), cancelling the task, or dropping the iterator stops the run.
        """
        return self._enter_flow(SingleValueStream(input), start_asyncio_run(config), **kwargs).source

    def transform(self, input: Iterator[Input], config: Config | None = None, **kwargs: Any) -> Iterator[Output]:
        """Run on an input that arrives in pieces and yield the output piece by piece."""
        return drive_stream(self._enter_flow(Stream(from_iterable(input)), start_run(config), **kwargs).source)

    def atransform(
        self, input: AsyncIterator[Input], config: Config | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """Run on an input that arrives in pieces and yield the output piece by piece."""
        return self._enter_flow(Stream(from_async_iterable(input)), start_asyncio_run(config), **kwargs).source

    @overload
    def batch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    def batch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: bool,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    def batch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Run on many inputs at once, in threads, and return the outputs in the order of the inputs.

        ``config`` is one for all or a list with one for each. ``max_concurrency`` bounds how many calls go on at once,
        in the batch and in all that it starts. With ``return_exceptions`` an input's error stands in its place;
        without, the first error ends the batch, with ``batch_index`` and, for the inputs that were done, the
        ``batch_outputs`` by index. ``progress`` shows a bar.
        """
        return drive(Batch(self._step, start_run, inputs, config, return_exceptions, kwargs, progress).outputs())

    @overload
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output]: ...
    @overload
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: bool,
        progress: bool = False,
        **kwargs: Any,
    ) -> list[Output | Exception]: ...
    async def abatch(
        self,
        inputs: Sequence[Input],
        config: Config | Sequence[Config] | None = None,
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
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Output | Exception]]:
        """Run on many inputs at once and yield ``(index, output)`` as each is done.

        ``inputs`` may be a generator: they are taken as they are needed.
        """
        batch = Batch(self._step, start_run, inputs, config, return_exceptions, kwargs, progress)
        return drive_stream(batch.as_completed())

    def abatch_as_completed(
        self,
        inputs: Iterable[Input],
        config: Config | Sequence[Config] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Output | Exception]]:
        """Run on many inputs at once and yield ``(index, output)`` as each is done. See ``batch_as_completed``."""
        return Batch(self._step, start_asyncio_run, inputs, config, return_exceptions, kwargs, progress).as_completed()

    # Watching

    def astream_events(
        self,
        input: Input,
        config: Config | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        include_paths: Sequence[str] | None = None,
        root_only: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[StreamEvent]:
        """Stream, and give an event for everything that happens: in this, and in every step within.

        Of ``include_…`` one must fit a run for it to be shown, of ``exclude_…`` none may; types are ``chain
        chat_model llm parser prompt retriever tool``. ``include_paths`` are globs over the names from the root down
        (``"*/agent/*"``); ``root_only`` shows the outermost run alone. The root's end or error is always shown: an
        error is the last event, ``on_<type>_error``, and is then raised. A slow consumer slows the run down.
        """
        selection = PARTS["views.selection"](
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
            include_paths=include_paths,
            root_only=root_only,
        )
        make = PARTS["views.events"](version, selection, input)
        return watch(self, input, start_asyncio_run, config, asyncio_colour(), make, kwargs)

    def stream_events(
        self,
        input: Input,
        config: Config | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        include_paths: Sequence[str] | None = None,
        root_only: bool = False,
        **kwargs: Any,
    ) -> Iterator[StreamEvent]:
        """The events of ``astream_events``, in blocking code; the run is in a thread beside the consumer."""
        selection = PARTS["views.selection"](
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
            include_paths=include_paths,
            root_only=root_only,
        )
        make = PARTS["views.events"](version, selection, input)
        return drive_stream(watch(self, input, start_run, config, BLOCKING, make, kwargs))

    @overload
    def astream_log(
        self, input: Input, config: Config | None = None, *, diff: Literal[True] = True, **kwargs: Any
    ) -> AsyncIterator[RunLogPatch]: ...
    @overload
    def astream_log(
        self, input: Input, config: Config | None = None, *, diff: Literal[False], **kwargs: Any
    ) -> AsyncIterator[RunLog]: ...
    def astream_log(
        self,
        input: Input,
        config: Config | None = None,
        *,
        diff: bool = True,
        with_streamed_output_list: bool = True,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[RunLogPatch] | AsyncIterator[RunLog]:
        """Stream, and give the log of all that happens: as JSON patches, or without ``diff`` as the log so far.

        Patches are added up with ``+``. ``include_…`` and ``exclude_…`` choose the steps that have an entry. A slow
        consumer slows the run down. An error is told in the last patch, and is then raised.
        """
        selection = PARTS["views.log_selection"](
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
        )
        make = PARTS["views.log"](selection, diff, with_streamed_output_list)
        return watch(self, input, start_asyncio_run, config, asyncio_colour(), make, kwargs)

    # Composition

    @overload
    def __or__(self, other: Runnable[Output, Other]) -> Runnable[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Iterator[Output]], Iterator[Other]]) -> Runnable[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[AsyncIterator[Output]], AsyncIterator[Other]]) -> Runnable[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output], Awaitable[Other]]) -> Runnable[Input, Other]: ...
    @overload
    def __or__(self, other: Callable[[Output], Other]) -> Runnable[Input, Other]: ...
    @overload
    def __or__(self, other: Mapping[str, Any]) -> Runnable[Input, dict[str, Any]]: ...
    def __or__(self, other: Any) -> Any:
        return PARTS["sequence"](self, other)

    def __ror__(self, other: Callable[[T], Any] | Mapping[str, Any]) -> Runnable[Any, Output]:
        return PARTS["sequence"](other, self)  # type: ignore[no-any-return]  # PARTS is untyped

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[Input, Any]:
        """The chain of this and ``others``; the same as ``self | other | …``, with a name."""
        return PARTS["sequence"](self, *others, name=name)  # type: ignore[no-any-return]  # PARTS is untyped

    def bind(self, **kwargs: Any) -> Runnable[Input, Output]:
        """This, called with ``kwargs`` each time: ``model.bind(stop=["\\n"])``."""
        return PARTS["binding"](self, kwargs=kwargs)  # type: ignore[no-any-return]  # PARTS is untyped

    def with_config(self, config: Config | None = None, **kwargs: Any) -> Runnable[Input, Output]:
        """This, run with ``config`` each time: ``model.with_config(tags=["cheap"], run_name="Summary")``."""
        return PARTS["binding"](self, config={**(config or {}), **kwargs})  # type: ignore[no-any-return]  # as above

    def with_types(
        self, *, input_type: type[Any] | None = None, output_type: type[Any] | None = None
    ) -> Runnable[Input, Output]:
        """This, with the types that its schemas show."""
        return PARTS["binding"](self, input_type=input_type, output_type=output_type)  # type: ignore[no-any-return]

    def with_retry(
        self,
        *,
        retry_if_exception_type: tuple[type[BaseException], ...] | Callable[[BaseException], bool] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: Any = None,
        stop_after_attempt: int = 3,
        mid_stream: Literal["raise", "restart"] = "raise",
    ) -> Runnable[Input, Output]:
        """This, run again when it fails, up to ``stop_after_attempt`` times in all.

        Between tries it waits longer and longer (``exponential_jitter_params``: ``initial``, ``max``, ``exp_base``,
        ``jitter``, in seconds), and at least as long as a provider's ``Retry-After`` says. Errors that cannot pass (a
        wrong key) are not tried again, unless ``retry_if_exception_type`` names them. A stream that fails before its
        first chunk is tried again unseen; after it, ``mid_stream="raise"`` raises, with what had come as the error's
        ``partial``, and ``"restart"`` yields a ``StreamRestart`` and starts over.
        """
        return PARTS["retry"](  # type: ignore[no-any-return]  # PARTS is untyped
            self,
            retry_if_exception_type,
            wait_exponential_jitter,
            exponential_jitter_params,
            stop_after_attempt,
            mid_stream,
        )

    def with_fallbacks(
        self,
        fallbacks: Sequence[Runnable[Input, Output]],
        *,
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
        mid_stream: Literal["raise", "restart"] = "raise",
    ) -> Runnable[Input, Output]:
        """This, and when it fails with one of ``exceptions_to_handle`` the fallbacks, one after the other.

        With ``exception_key`` a fallback finds the error before it in its input, which must be a dict. ``mid_stream``
        says, as in ``with_retry``, what happens to a stream that fails after its first chunk.
        """
        make = PARTS["fallbacks"]
        return make(self, fallbacks, exceptions_to_handle, exception_key, mid_stream)  # type: ignore[no-any-return]

    def with_timeout(
        self, *, first_chunk: float | None = None, between_chunks: float | None = None, total: float | None = None
    ) -> Runnable[Input, Output]:
        """This, ended with ``StreamTimeout`` when it takes longer than so many seconds.

        ``first_chunk`` bounds the wait for the first chunk, ``between_chunks`` for each later one, ``total`` the whole
        run; ``invoke`` has one chunk. Only the time that this takes counts, not that of a slow consumer (but for
        ``total``). The error carries ``chunks_received`` and ``partial``.
        """
        return PARTS["timeout"](self, first_chunk, between_chunks, total)  # type: ignore[no-any-return]

    def assign(self, **kwargs: Any) -> Runnable[Any, dict[str, Any]]:
        """The output, which must be a dict, with keys added: each value is a step that is given that dict."""
        return self | PARTS["passthrough.assign"](kwargs)  # type: ignore[no-any-return]  # PARTS is untyped

    def pick(self, keys: str | list[str]) -> Runnable[Input, Any]:
        """One value of the output dict, or a dict of some of its keys."""
        return self | PARTS["passthrough.pick"](keys)  # type: ignore[no-any-return]  # PARTS is untyped

    def map(self) -> Runnable[Sequence[Input], list[Output]]:
        """This, run on each item of a list."""
        return PARTS["each"](self)  # type: ignore[no-any-return]  # PARTS is untyped
