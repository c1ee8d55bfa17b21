"""``Runnable``: the verbs, and how runnables are put together."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from pydantic import BaseModel

from prill.callbacks.config import RunnableConfig
from prill.callbacks.run import Run
from prill.io import BLOCKING, asyncio_colour, drive, drive_stream
from prill.lazy import lazy_names
from prill.runnables.config import begin, begin_asyncio
from prill.runnables.described import Described
from prill.runnables.engine.batch import Batch
from prill.runnables.engine.cancellation import (
    call_until_cancelled,
    cancelled,
    heeding,
    stream_until_cancelled,
    token_of,
)
from prill.runnables.engine.live_views import watch
from prill.runnables.engine.observing import observe_call, observe_flow
from prill.runnables.engine.overrides import (
    VERBS,
    Namespaces,
    call_override,
    call_without_body,
    flow_override,
    has_body,
    overridden_verbs,
    stream_override,
    update_overrides,
    update_patches,
)
from prill.runnables.engine.restarts import flow_of, may_restart, start_over
from prill.runnables.engine.streams import NOTHING, Single, Snapshots, collect, from_async_iterable, from_iterable, like
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
    _hooks: ClassVar[frozenset[str]] = frozenset()
    """Methods beside the verbs that subclasses may write, and bodies that stand in for them."""
    _waits: ClassVar[bool] = True
    """Whether the body waits for its whole input before it puts anything out."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not issubclass(cls, BaseModel) and not hasattr(cls, "name"):
            cls.name = None  # not set on Runnable itself: in pydantic classes ``name`` is a field, and must not shadow
        update_overrides(cls)
        if "_flow" in cls.__dict__ and "_waits" not in cls.__dict__:
            cls._waits = False

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        """The class's attributes that depend on what it overrides; read when it is made, or a method is patched."""
        return {"_overrides": overridden_verbs(spaces, Runnable), "_has_body": has_body(spaces, Runnable)}

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in VERBS:  # a test patches one object
            update_patches(self)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in VERBS:
            update_patches(self)

    # The bodies: Prill's own parts override these, users override the verbs.

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        """One value in, one value out."""
        return await call_without_body(self, input, run, kwargs)

    async def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        """A stream in, a stream out; here for a step that must wait for its whole input."""
        input = await collect(inputs)
        if input is not NOTHING:
            yield await self._work(input, run, **kwargs)

    # How composites run a step, and how verbs begin.

    def _step(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        """Run this as a step: by the user's own verb if it overrides one, watched if the run is."""
        if self._overrides and ("invoke" if run.io.blocking else "ainvoke") in self._overrides:
            return call_override(self, input, run, kwargs)
        return self._enter(input, run, **kwargs)

    def _step_flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        """Stream this as a step: by the user's own verb if it overrides one, watched if the run is."""
        if self._overrides:
            verb = stream_override(self, run)
            if verb in ("transform", "atransform"):
                if may_restart(inputs):
                    return start_over(lambda attempt: flow_override(self, verb, attempt, run, kwargs), inputs)
                return flow_override(self, verb, inputs, run, kwargs)
            invoke = "invoke" if run.io.blocking else "ainvoke"
            # A subclass that overrides only invoke goes on streaming where its base streams.
            if verb is not None or (invoke in self._overrides and not self._streams(run, kwargs)):
                return self._collect_and_override(verb, inputs, run, kwargs)
        return self._enter_flow(inputs, run, **kwargs)

    async def _collect_and_override(
        self, verb: str | None, inputs: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]
    ) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is NOTHING:
            return
        if verb is None:
            yield await call_override(self, input, run, kwargs)
            return
        async for chunk in flow_override(self, verb, input, run, kwargs):
            yield chunk

    def _enter(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        if not run.plain and (token := token_of(run)) is not None:
            if not token.heeded:
                run = heeding(run, token)
                return call_until_cancelled(self.get_name(), run, partial(self._enter, input, run, **kwargs), token)
            if token.cancelled:
                raise cancelled(self.get_name(), run)
        if run.observers is None or not self._has_body:
            return self._work(input, run, **kwargs)
        return observe_call(self, input, run, kwargs)

    def _enter_flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if not run.plain and (token := token_of(run)) is not None and not token.heeded:
            run = heeding(run, token)
            stream = self._enter_flow(inputs, run, **kwargs)
            return like(stream, stream_until_cancelled(self.get_name(), run, stream, token))
        if run.observers is not None and self._has_body:
            return observe_flow(self, inputs, run, kwargs)
        if isinstance(inputs, Snapshots):
            return flow_of(self, inputs, run, kwargs)
        return self._flow(inputs, run, **kwargs)

    def _streams(self, run: Run, kwargs: dict[str, Any]) -> bool:
        """Whether the body puts out chunks before it has its whole output."""
        return not self._waits and not self._in_one_piece(run, kwargs)

    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        """Tags and metadata that belong to this object, called with ``kwargs``, alone."""
        return None, None

    def _restarts(self) -> bool:
        """Whether a stream of this may begin anew by its own doing; yes, where that cannot be known."""
        return self._kind == "chain"

    def _told(self, input: Any) -> Any:
        """The input as observers are told it."""
        return input

    def _in_one_piece(self, run: Run, kwargs: dict[str, Any]) -> bool:
        """Whether the output, streamed or not, is one value: it leaves when the run has ended."""
        return self._kind in ("prompt", "retriever", "tool")

    # The verbs

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Run on one input and return the output.

        Args:
            input: the input of the first step.
            config: tags, metadata, callbacks, limits … of this run; see ``RunnableConfig``.
            **kwargs: passed to the step (of a sequence: to the first).

        Raises:
            PrillError: as the step does; errors name the step that they come from.

        >>> chain.invoke({"topic": "birds"}, {"tags": ["demo"]})  # doctest: +SKIP
        """
        return drive(self._enter(input, begin(config), **kwargs))  # type: ignore[no-any-return]  # bodies are untyped

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """The asyncio form of ``invoke``."""
        return await self._enter(input, begin_asyncio(config), **kwargs)  # type: ignore[no-any-return]  # as above

    def stream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Generator[Output, None, None]:
        """Run on one input and yield the output in chunks, which add up to the output of ``invoke``.

        Arguments and errors are those of ``invoke``. A step that cannot stream yields one chunk. Leaving the iteration
        (``break``, an exception, ``close``) stops the run and closes its connections.

        >>> for chunk in chain.stream({"topic": "birds"}):  # doctest: +SKIP
        ...     print(chunk, end="")
        """
        return drive_stream(  # type: ignore[return-value]  # whatever drives it, it can be closed
            self._enter_flow(Single(input), begin(config), **kwargs)
        )

    def astream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncGenerator[Output, None]:
        """The asyncio form of ``stream``.

        ``aclose`` (``contextlib.aclosing``), cancelling the task, or dropping the iterator stops the run.
        """
        return self._enter_flow(Single(input), begin_asyncio(config), **kwargs)  # type: ignore[return-value]  # as above

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Generator[Output, None, None]:
        """Run on an input that arrives in chunks, and yield the output in chunks. See ``stream``."""
        return drive_stream(  # type: ignore[return-value]  # as above
            self._enter_flow(from_iterable(input), begin(config), **kwargs)
        )

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncGenerator[Output, None]:
        """The asyncio form of ``transform``."""
        stream: Any = self._enter_flow(from_async_iterable(input), begin_asyncio(config), **kwargs)
        return stream  # type: ignore[no-any-return]  # as above

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
        """Run on many inputs concurrently, in threads, and return the outputs in the order of the inputs.

        Args:
            inputs: a list of inputs.
            config: one config for all, or a list with one for each. ``max_concurrency`` limits the concurrent calls of
                the batch and of all that it starts.
            return_exceptions: return an input's error in its place, instead of raising the first one.
            progress: show a progress bar.
            **kwargs: passed to the step, for each input.

        Raises:
            Exception: the first error, with ``batch_index``, and ``batch_outputs``: the finished outputs by index.

        >>> chain.batch(["a", "b"], {"max_concurrency": 4})  # doctest: +SKIP
        """
        return drive(Batch(self._step, begin, inputs, config, return_exceptions, kwargs, progress).outputs())

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
        """The asyncio form of ``batch``, with a task for each input."""
        return await Batch(self._step, begin_asyncio, inputs, config, return_exceptions, kwargs, progress).outputs()

    def batch_as_completed(
        self,
        inputs: Iterable[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        progress: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Output | Exception]]:
        """Run on many inputs concurrently and yield ``(index, output)`` as each one finishes.

        ``inputs`` may be a generator, which is read as needed. See ``batch`` for the arguments.
        """
        batch = Batch(self._step, begin, inputs, config, return_exceptions, kwargs, progress)
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
        """The asyncio form of ``batch_as_completed``."""
        return Batch(self._step, begin_asyncio, inputs, config, return_exceptions, kwargs, progress).as_completed()

    # Watching

    def astream_events(
        self,
        input: Input,
        config: RunnableConfig | None = None,
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
        return watch(self, input, begin_asyncio, config, asyncio_colour(), make, kwargs)

    def stream_events(
        self,
        input: Input,
        config: RunnableConfig | None = None,
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
        return drive_stream(watch(self, input, begin, config, BLOCKING, make, kwargs))

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
        return watch(self, input, begin_asyncio, config, asyncio_colour(), make, kwargs)

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
        """Return the sequence of this Runnable and ``others``: ``self | other | …``, with an optional name."""
        return PARTS["sequence"](self, *others, name=name)  # type: ignore[no-any-return]  # PARTS is untyped

    def bind(self, **kwargs: Any) -> Runnable[Input, Output]:
        """Return this Runnable with ``kwargs`` that are passed to each call: ``model.bind(stop=["\\n"])``."""
        return PARTS["binding"](self, kwargs=kwargs)  # type: ignore[no-any-return]  # PARTS is untyped

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Runnable[Input, Output]:
        """Return this Runnable with a config that is merged into that of each call.

        Keys are given in a dict or by name. Raises ``ConfigError`` for unknown ``configurable`` fields.

        >>> summarise = model.with_config(tags=["cheap"], run_name="Summary")  # doctest: +SKIP
        """
        return PARTS["binding"](self, config={**(config or {}), **kwargs})  # type: ignore[no-any-return]  # as above

    def with_types(
        self, *, input_type: type[Any] | None = None, output_type: type[Any] | None = None
    ) -> Runnable[Input, Output]:
        """Return this Runnable with other input and output types in its schemas; values are not converted."""
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
        """Return this Runnable with retries: it runs up to ``stop_after_attempt`` times until it succeeds.

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
        """Return this Runnable with ``fallbacks``, tried in order when it fails with one of ``exceptions_to_handle``.

        With ``exception_key`` a fallback finds the error before it in its input, which must be a dict. ``mid_stream``
        says, as in ``with_retry``, what happens to a stream that fails after its first chunk.
        """
        make = PARTS["fallbacks"]
        return make(self, fallbacks, exceptions_to_handle, exception_key, mid_stream)  # type: ignore[no-any-return]

    def with_timeout(
        self, *, first_chunk: float | None = None, between_chunks: float | None = None, total: float | None = None
    ) -> Runnable[Input, Output]:
        """Return this Runnable with time limits in seconds; exceeding one raises ``StreamTimeout``.

        ``first_chunk`` bounds the wait for the first chunk, ``between_chunks`` for each later one, ``total`` the whole
        run; ``invoke`` has one chunk. Only the time that this takes counts, not that of a slow consumer (but for
        ``total``). The error carries ``chunks_received`` and ``partial``.
        """
        return PARTS["timeout"](self, first_chunk, between_chunks, total)  # type: ignore[no-any-return]

    def assign(self, **kwargs: Any) -> Runnable[Any, dict[str, Any]]:
        """Add keys to the output, which must be a dict; each value is a step whose input is that dict."""
        return self | PARTS["passthrough.assign"](kwargs)  # type: ignore[no-any-return]  # PARTS is untyped

    def pick(self, keys: str | list[str]) -> Runnable[Input, Any]:
        """Select one value of the output dict, or with a list of keys a smaller dict."""
        return self | PARTS["passthrough.pick"](keys)  # type: ignore[no-any-return]  # PARTS is untyped

    def map(self) -> Runnable[Sequence[Input], list[Output]]:
        """Return a Runnable that runs this one on each item of a list, concurrently."""
        return PARTS["each"](self)  # type: ignore[no-any-return]  # PARTS is untyped
