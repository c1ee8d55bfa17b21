"""``Runnable``: how a step is run, how runnables are composed, and what can be asked of one without running it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from pydantic import BaseModel

from prill.callbacks.config import RunnableConfig
from prill.callbacks.run import Run
from prill.errors import CompositionError
from prill.io import closing
from prill.lazy import lazy_names
from prill.runnables.engine.cancellation import (
    call_until_cancelled,
    get_token,
    make_cancelled,
    stream_until_cancelled,
)
from prill.runnables.engine.observing import observe_call, observe_flow
from prill.runnables.engine.overrides import (
    VERBS,
    Namespaces,
    call_override,
    call_without_body,
    collect_and_override,
    flow_override,
    has_body,
    overridden_verbs,
    stream_override,
    update_overrides,
    update_patches,
)
from prill.runnables.engine.signature import is_generator
from prill.runnables.engine.step_streams import adapt_input, open_stream
from prill.runnables.engine.streams import AS_INPUT, EMPTY, Combine, Stream, collect
from prill.runnables.structure import Streaming, Structure
from prill.runnables.verbs import Verbs

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
Other = TypeVar("Other")
T = TypeVar("T")

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    # Names that the documented API has in this module too, or that its methods use; the files that define them import
    # this one.
    __getattr__, __dir__, _ = lazy_names(
        __name__,
        {
            "prill.runnables.binding": "RunnableBinding RunnableBindingBase",
            "prill.runnables.each": "RunnableEach RunnableEachBase",
            "prill.runnables.fallbacks": "RunnableWithFallbacks",
            "prill.runnables.function": "RunnableLambda chain",
            "prill.runnables.generator": "RunnableGenerator",
            "prill.runnables.parallel": "RunnableMap RunnableParallel",
            "prill.runnables.passthrough": "RunnableAssign RunnablePick",
            "prill.runnables.retry": "RunnableRetry",
            "prill.runnables.sequence": "RunnableSequence",
            "prill.runnables.serializable": "RunnableSerializable",
            "prill.runnables.timeout": "RunnableTimeout",
        },
    )


class _LazyClasses:
    """The classes of files that import this one. An attribute is read in a tenth of the time of an import statement."""

    def __getattr__(self, name: str) -> Callable[..., Runnable[Any, Any]]:
        found: Callable[..., Runnable[Any, Any]] = getattr(sys.modules[__name__], name)
        setattr(self, name, found)  # the next time it is found without this method
        return found


_lazy_classes = _LazyClasses()

_BUFFERING_KINDS = frozenset({"chat_model", "llm", "prompt", "retriever", "tool"})
"""Kinds of steps that do not start before their whole input is there."""


class Runnable(Verbs[Input, Output], Generic[Input, Output]):
    """A unit of work that can be invoked, batched and streamed, in blocking code and in asyncio.

    ``a | b | c`` joins runnables into a chain, which is a Runnable itself. Your own is a subclass with ``invoke``
    (and ``ainvoke``, ``stream``, ``transform`` … where it can do better than the default); or simply a function,
    which every chain accepts as a step.
    """

    name: str | None

    _kind: ClassVar[str] = "chain"
    _overrides: ClassVar[frozenset[str]] = frozenset()
    _has_body: ClassVar[bool] = False
    _equality_fields: ClassVar[tuple[str, ...]] = ()
    """The attributes that two equal objects of the class have in common; without any, an object equals only itself."""

    _hooks: ClassVar[frozenset[str]] = frozenset()
    """Methods beside the verbs that subclasses may write, and bodies that stand in for them."""
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
        update_overrides(cls)
        if "_flow" in cls.__dict__ and "_buffers_input" not in cls.__dict__:
            cls._buffers_input = cls._kind in _BUFFERING_KINDS

    def _equality_key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._equality_fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runnable) or not self._equality_fields:
            return NotImplemented
        if not (isinstance(other, type(self)) or isinstance(self, type(other))):
            return NotImplemented
        return self._equality_key() == other._equality_key()

    __hash__ = object.__hash__

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        """The class's attributes that depend on what it overrides; read when it is made, or a method is patched."""
        return {"_overrides": overridden_verbs(spaces, Runnable), "_has_body": has_body(spaces, Runnable)}

    # Constructors of parts that are composed often write into ``__dict__``, which takes a tenth of the time.

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

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        """Chunks in, chunks out; this one is for a step that must wait for its whole input."""
        verb = stream_override(self, run) if self._overrides and not self._has_body else None
        if verb is not None:  # a user's class that streams, and is watched as a whole
            takes_chunks = verb in ("transform", "atransform")
            iterate = flow_override if takes_chunks else collect_and_override
            async with closing(iterate(self, verb, inputs, run, kwargs)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        input = await collect(inputs)
        if input is not EMPTY:
            yield await self._work(input, run, **kwargs)

    # How composites run a step, and how verbs start.

    def _step(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        """Run this as a step: by the user's own verb if it overrides one, watched if the run is."""
        if self._overrides and ("invoke" if run.io.blocking else "ainvoke") in self._overrides:
            return call_override(self, input, run, kwargs)
        return self._invoke_body(input, run, **kwargs)

    def _step_flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        """Stream this as a step: by the user's own verb if it overrides one, observed if the run is."""
        if self._overrides:
            verb = stream_override(self, run)
            if verb in ("transform", "atransform"):
                return adapt_input(partial(flow_override, self, verb, run=run, kwargs=kwargs), AS_INPUT, inputs)
            invoke = "invoke" if run.io.blocking else "ainvoke"
            # A subclass that overrides only invoke goes on streaming where its base streams.
            if verb is not None or (invoke in self._overrides and not self._yields_early(run, kwargs)):
                return Stream(collect_and_override(self, verb, inputs, run, kwargs))
        return self._stream_body(inputs, run, **kwargs)

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        if not run.plain and (token := get_token(run)) is not None:
            if token is not run.watched_token:
                run = run.watching(token)
                return call_until_cancelled(
                    self.get_name(), run, partial(self._invoke_body, input, run, **kwargs), token
                )
            if token.cancelled:
                raise make_cancelled(self.get_name(), run)
        if run.observers is None or not self._has_body:
            return self._work(input, run, **kwargs)
        return observe_call(self, input, run, kwargs)

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        if not run.plain:
            token = get_token(run)
            if token is not None and token is not run.watched_token:
                run = run.watching(token)
                stream = self._stream_body(inputs, run, **kwargs)
                return stream.through(stream_until_cancelled(self.get_name(), run, stream, token))
            if run.observers is not None and self._has_body:
                return observe_flow(self, inputs, run, kwargs)
        return open_stream(self, inputs, run, kwargs)

    def _yields_early(self, run: Run, kwargs: dict[str, Any]) -> bool:
        """Whether the body puts out chunks before it has its whole output."""
        # Models and the like wait for their input and stream their output.
        reads_chunks = not self._buffers_input or self._kind in _BUFFERING_KINDS
        return reads_chunks and self._streams_output(run, kwargs)

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        """Tags and metadata that belong to this object, called with ``kwargs``, alone."""
        return None, None

    def _may_restart_stream(self) -> bool:
        """Whether a stream of this may restart by itself; true if that is unknown."""
        return self._kind == "chain"

    def _get_reported_input(self, input: Any) -> Any:
        """The input as it is reported to observers."""
        return input

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        """Whether the output may come in chunks; otherwise it is one value, which leaves when the run has ended."""
        return self._kind not in ("prompt", "retriever", "tool")

    # Composition. An import inside a method would cost half a microsecond.

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
        return _lazy_classes.RunnableSequence(self, other)

    def __ror__(self, other: Callable[[T], Any] | Mapping[str, Any]) -> Runnable[Any, Output]:
        return _lazy_classes.RunnableSequence(other, self)

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[Input, Any]:
        """Return the sequence of this Runnable and ``others``: ``self | other | …``, with an optional name."""
        return _lazy_classes.RunnableSequence(self, *others, name=name)

    def bind(self, **kwargs: Any) -> Runnable[Input, Output]:
        """Return this Runnable with ``kwargs`` that are passed to each call: ``model.bind(stop=["\\n"])``."""
        return _lazy_classes.RunnableBinding(self, kwargs=kwargs)

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Runnable[Input, Output]:
        """Return this Runnable with a config that is merged into that of each call.

        Keys are given in a dict or by name. Raises ``ConfigError`` for unknown ``configurable`` fields.

        >>> summarise = model.with_config(tags=["cheap"], run_name="Summary")  # doctest: +SKIP
        """
        return _lazy_classes.RunnableBinding(self, config={**(config or {}), **kwargs})

    def with_types(
        self, *, input_type: type[Any] | None = None, output_type: type[Any] | None = None
    ) -> Runnable[Input, Output]:
        """Return this Runnable with other input and output types in its schemas; values are not converted."""
        return _lazy_classes.RunnableBinding(self, input_type=input_type, output_type=output_type)

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
        ``jitter``, in seconds), and at least as long as a provider's ``Retry-After`` says. Permanent errors (a
        wrong key) are not retried, unless ``retry_if_exception_type`` names them. A stream that fails before its
        first chunk is retried unseen; after it, ``mid_stream="raise"`` raises, with the output so far as the error's
        ``partial``, and ``"restart"`` yields a ``StreamRestart`` and starts over.
        """
        return _lazy_classes.RunnableRetry(
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

        With ``exception_key`` a fallback gets the previous error in its input, which must be a dict. ``mid_stream``
        selects, as in ``with_retry``, what happens to a stream that fails after its first chunk.
        """
        return _lazy_classes.RunnableWithFallbacks(self, fallbacks, exceptions_to_handle, exception_key, mid_stream)

    def with_timeout(
        self, *, first_chunk: float | None = None, between_chunks: float | None = None, total: float | None = None
    ) -> Runnable[Input, Output]:
        """Return this Runnable with time limits in seconds; exceeding one raises ``StreamTimeout``.

        ``first_chunk`` bounds the wait for the first chunk, ``between_chunks`` for each later one, ``total`` the whole
        run; ``invoke`` has one chunk. Only the time that this takes counts, not that of a slow consumer (but for
        ``total``). The error carries ``chunks_received`` and ``partial``.
        """
        return _lazy_classes.RunnableTimeout(self, first_chunk, between_chunks, total)

    def assign(self, **kwargs: Any) -> Runnable[Any, dict[str, Any]]:
        """Add keys to the output, which must be a dict; each value is a step whose input is that dict."""
        return self.pipe(_lazy_classes.RunnableAssign(kwargs))

    def pick(self, keys: str | list[str]) -> Runnable[Input, Any]:
        """Select one value of the output dict, or with a list of keys a smaller dict."""
        return self.pipe(_lazy_classes.RunnablePick(keys))

    def map(self) -> Runnable[Sequence[Input], list[Output]]:
        """Return a Runnable that runs this one on each item of a list, concurrently."""
        return _lazy_classes.RunnableEach(self)

    # What a class reports about itself. A composite overrides these; for others the defaults are right.

    def _structure(self) -> Structure:
        """How this is made of other Runnables."""
        return Structure()

    def _structure_for_graph(self, config: RunnableConfig | None) -> Structure:
        """The same as graphs draw it; ``config`` may select parts."""
        return self._structure()

    def _children(self) -> list[tuple[str, Runnable[Any, Any]]]:
        """The Runnables inside this one, each with its name there; by default those in its attributes."""
        from prill.runnables.describe.children import find_children  # noqa: PLC0415 - it imports this file

        return find_children(self)

    def _describe_streaming(self) -> Streaming:
        """How this streams."""
        from prill.runnables.describe.streaming_report import default_streaming  # noqa: PLC0415 - it imports this file

        return default_streaming(self)

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        """The type of the input or the output; ``Any`` where nothing declares it."""
        from prill.runnables.describe.types import get_type  # noqa: PLC0415 - it imports this file

        return get_type(self, side)

    @staticmethod
    def _annotation(
        function: Callable[..., Any] | None, side: Literal["input", "output"], *, yields: bool = False
    ) -> Any:
        """The annotated type of a function's first parameter or of its result; of the items, if it ``yields``."""
        from prill.runnables.describe.types import annotated  # noqa: PLC0415 - it imports this file

        return annotated(function, side, yields=yields)

    # Introspection

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """The name in events, logs and paths: the one given, or the class's."""
        own = name or self.name or type(self).__name__
        if not suffix:
            return own
        return own + suffix.title() if own[0].isupper() else f"{own}_{suffix.lower()}"

    @property
    def InputType(self) -> Any:
        """The type of the input, from annotations and from the parts; ``Any`` if unknown."""
        return self._input_or_output_type("input")

    @property
    def OutputType(self) -> Any:
        """The type of the output, from annotations and from the parts; ``Any`` if unknown."""
        return self._input_or_output_type("output")

    @property
    def input_schema(self) -> type[BaseModel]:
        """The input as a pydantic model."""
        return self.get_input_schema()

    @property
    def output_schema(self) -> type[BaseModel]:
        """The output as a pydantic model."""
        return self.get_output_schema()

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """The input as a pydantic model, a ``RootModel`` if it is not an object. ``config`` may configure parts."""
        from prill.runnables.describe.schemas import make_schema  # noqa: PLC0415 - it imports this file

        return make_schema(self, "input", config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """The output as a pydantic model, a ``RootModel`` if it is not an object. ``config`` may configure parts."""
        from prill.runnables.describe.schemas import make_schema  # noqa: PLC0415 - it imports this file

        return make_schema(self, "output", config)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """The input as a JSON schema."""
        return self.get_input_schema(config).model_json_schema()

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """The output as a JSON schema."""
        return self.get_output_schema(config).model_json_schema()

    @property
    def config_specs(self) -> list[Any]:
        """The ``ConfigurableFieldSpec`` of each key that a config's ``configurable`` may have here."""
        from prill.runnables.describe.config_specs import collect_specs  # noqa: PLC0415 - it imports this file

        return collect_specs(self)

    def config_schema(self, *, include: Sequence[str] | None = None) -> type[BaseModel]:
        """A config as a pydantic model: ``configurable``, and the keys of a config that ``include`` names."""
        from prill.runnables.describe.config_specs import make_config_model  # noqa: PLC0415 - it imports this file

        return make_config_model(self, include)

    def get_config_jsonschema(self, *, include: Sequence[str] | None = None) -> dict[str, Any]:
        """A config as a JSON schema. See ``config_schema``."""
        return self.config_schema(include=include).model_json_schema()

    def _read_attribute(self, name: str, config: Mapping[str, Any]) -> Any:
        """An attribute of this, or of the Runnable that ``config`` selects in its place."""
        return getattr(self, name)

    def _check_configurable(self, configurable: Mapping[str, Any]) -> None:
        """Raise ``ConfigError`` for a key that no part of this has."""
        from prill.runnables.describe.config_check import check_configurable  # noqa: PLC0415 - it imports this file

        check_configurable(self, configurable)

    def get_graph(self, config: RunnableConfig | None = None) -> Any:
        """The steps as a ``Graph``, to draw: ``.draw_mermaid()``, ``.print_ascii()``, ``.draw_svg()`` …"""
        from prill.runnables.drawing.build import build_graph  # noqa: PLC0415 - it imports this file

        return build_graph(self, config)

    def get_prompts(self, config: RunnableConfig | None = None) -> list[Any]:
        """The prompts within, in the order of the steps."""
        from prill.runnables.describe.children import walk  # noqa: PLC0415 - it imports this file

        return [step for step in walk(self) if step._kind == "prompt"]

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, Any] | None = None,
    ) -> Any:
        """Return a ``StructuredTool`` that runs this; its arguments are the keys of the input, or those given here."""
        from prill.tools.from_runnable import make_tool  # noqa: PLC0415 - its room is above this one

        return make_tool(self, args_schema, name, description, arg_types)

    def explain_streaming(self) -> Any:
        """Return a table that shows for each step whether it streams or waits for its whole input, and why.

        >>> print(chain.explain_streaming())  # doctest: +SKIP
        """
        from prill.runnables.describe.streaming_report import explain  # noqa: PLC0415 - it imports this file

        return explain(self)

    def with_listeners(self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None) -> Any:
        """Return this with functions that are called when it starts, ends and fails.

        Each is given the recorded run (``id``, ``name``, ``inputs``, ``outputs``, ``error`` …), and the config if it
        has a second parameter.
        """
        from prill.runnables.listeners import with_listeners  # noqa: PLC0415 - it imports this file

        return with_listeners(self, on_start, on_end, on_error)

    def with_alisteners(self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None) -> Any:
        """The same with async functions; each is awaited before the run continues."""
        from prill.runnables.listeners import with_listeners  # noqa: PLC0415 - it imports this file

        return with_listeners(self, on_start, on_end, on_error)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The forms in which a notebook can show it: a picture if it can be drawn, and the text."""
        from prill.runnables.drawing.notebook import notebook_forms  # noqa: PLC0415 - it imports this file

        return notebook_forms(self)

    def __rich__(self) -> Any:
        """How ``rich`` prints it: a tree of its parts."""
        from prill.runnables.drawing.notebook import rich_tree  # noqa: PLC0415 - it imports this file

        return rich_tree(self)


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """Make a step of a chain out of ``thing``.

    A Runnable is returned as it is, a generator function becomes a ``RunnableGenerator``, any other callable a
    ``RunnableLambda``, a dict of such things a ``RunnableParallel``.

    Raises:
        CompositionError: ``thing`` is none of these.
    """
    if isinstance(thing, Runnable):
        return thing
    if isinstance(thing, Mapping):
        return _lazy_classes.RunnableParallel(thing)
    if is_generator(thing):
        return _lazy_classes.RunnableGenerator(thing)
    if callable(thing) and not (isinstance(thing, type) and issubclass(thing, Runnable)):
        return _lazy_classes.RunnableLambda(thing)
    hint = " It is a class: did you mean an instance of it?" if isinstance(thing, type) else ""
    raise CompositionError(
        f"{thing!r:.80} ({type(thing).__name__}) cannot be a step of a chain. A step is a Runnable, a function, "
        f"a generator function, or a dict of these.{hint}"
    )
