"""Overridden verbs and hooks: a user's subclass, or a test's patch, is called where Prill would call its own body.

Which verbs and hooks a class overrides is computed when the class is made, so that a run reads one attribute. A test
that patches a class (``mock.patch.object(Model, "invoke")``) or an object has it computed again: for the classes of
``PatchAware`` when their attribute is set or deleted, for objects by ``Runnable.__setattr__``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from prill.callbacks.run import Run, inside
from prill.errors import AsyncRequiredError, CompositionError
from prill.io import closing
from prill.runnables.engine.runs import config_for_child
from prill.runnables.engine.streams import EMPTY, SingleValueStream, Stream, collect

VERBS = frozenset(("invoke", "ainvoke", "stream", "astream", "transform", "atransform"))


_PATCHED_METHODS_ATTRIBUTE = "_patched_methods"
"""The attribute of a class that holds the methods that were replaced on it, with what they were."""

Namespaces = Sequence[Mapping[str, Any]]
"""Where the attributes of an object or a class are looked up, the nearest namespace first."""


class PatchAware(type):
    """The metaclass of Prill's own Runnables: an attribute that is replaced on the class counts as an override."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in VERBS or name in cls._hooks:  # type: ignore[attr-defined]  # a Runnable has them
            originals = {name: cls.__dict__.get(name), **cls.__dict__.get(_PATCHED_METHODS_ATTRIBUTE, {})}
            if originals[name] is value:
                del originals[name]
            super().__setattr__(_PATCHED_METHODS_ATTRIBUTE, originals)
            super().__setattr__(name, value)
            update_overrides(cls)
        else:
            super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in VERBS or name in cls._hooks:  # type: ignore[attr-defined]  # as above
            originals = cls.__dict__.get(_PATCHED_METHODS_ATTRIBUTE, {})
            super().__setattr__(
                _PATCHED_METHODS_ATTRIBUTE, {key: value for key, value in originals.items() if key != name}
            )
            update_overrides(cls)


def update_overrides(cls: Any) -> None:
    """Compute what ``cls`` and its subclasses override: it was made, or a verb or a hook of it was replaced."""
    for name, value in cls._find_overrides([kind.__dict__ for kind in cls.__mro__]).items():
        setattr(cls, name, value)
    for subclass in type.__subclasses__(cls):
        update_overrides(subclass)


def update_patches(step: Any) -> None:
    """Compute what one object overrides, after a verb or a hook was replaced on it, or given back."""
    cls, own = type(step), step.__dict__
    found = cls._find_overrides([own, *(kind.__dict__ for kind in cls.__mro__)])
    if own.keys() & (VERBS | cls._hooks):
        own.update(found)
    else:
        for name in found:
            own.pop(name, None)


def overridden_verbs(spaces: Namespaces, base: type) -> frozenset[str]:
    """The verbs that are defined nearer than the body that they would otherwise run, or that were patched.

    A verb of ``base`` that is set again does not count.
    """
    body = min(_get_override_rank(spaces, "_work"), _get_override_rank(spaces, "_flow"))
    ranks = {verb: _get_override_rank(spaces, verb) for verb in VERBS}
    return frozenset(
        verb
        for verb, rank in ranks.items()
        if (rank < body or _is_patched(spaces[rank], verb)) and spaces[rank][verb] is not getattr(base, verb)
    )


def _is_patched(space: Mapping[str, Any], name: str) -> bool:
    return name in space.get(_PATCHED_METHODS_ATTRIBUTE, ())


def has_body(spaces: Namespaces, base: type) -> bool:
    """Whether there is a body beside that of ``base``."""
    nearest_body = min(_get_override_rank(spaces, "_work"), _get_override_rank(spaces, "_flow"))
    return spaces[nearest_body] != base.__dict__


def are_overridden(spaces: Namespaces, hooks: Iterable[str], body: str) -> bool:
    """Whether one of ``hooks`` is defined nearer than ``body``, the part of Prill's that stands in for them.

    A class with ``_has_built_in_hooks``, which calls the body, does not count.
    """
    spaces = [space for space in spaces if "_has_built_in_hooks" not in space]
    rank = _get_override_rank(spaces, body)
    ranks = {hook: _get_override_rank(spaces, hook, rank) for hook in hooks}
    return any(found < rank or _is_patched(spaces[found], hook) for hook, found in ranks.items())


def nearest(spaces: Namespaces, *names: str) -> str | None:
    """The one of ``names`` that is defined nearest, the first of several; ``None`` if none of them is.

    An attribute that is ``None`` counts as not defined.
    """
    for space in spaces:
        for name in names:
            if space.get(name) is not None:
                return name
    return None


def _get_override_rank(spaces: Namespaces, name: str, default: int = 0) -> int:
    return next((index for index, space in enumerate(spaces) if name in space), default)


async def call_override(step: Any, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Call the overridden ``invoke`` or ``ainvoke`` of the run's colour."""
    with inside(run):
        if run.io.blocking:
            return step.invoke(input, config_for_child(run), **kwargs)
        return await step.ainvoke(input, config_for_child(run), **kwargs)


async def call_without_body(step: Any, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Run a step that has overridden verbs only, by whichever of them fits the colour."""
    verbs, config = step._overrides, config_for_child(run)
    with inside(run):
        if run.io.blocking and "invoke" in verbs:
            return step.invoke(input, config, **kwargs)
        if not run.io.blocking and "ainvoke" in verbs:
            return await step.ainvoke(input, config, **kwargs)
        if not run.io.blocking and "invoke" in verbs:
            return await run.io.call(step.invoke, input, config, **kwargs)
    if (stream := stream_override(step, run)) is not None:
        given = SingleValueStream(input) if stream in ("transform", "atransform") else input
        value = await collect(Stream(flow_override(step, stream, given, run, kwargs)))
        return None if value is EMPTY else value
    raise _make_no_verb_error(step, run)


async def collect_and_override(
    step: Any, verb: str | None, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """Iterate an overridden ``stream`` or ``astream`` on the whole input; without ``verb`` call ``invoke``."""
    input = await collect(inputs)
    if input is EMPTY:
        return
    if verb is None:
        yield await call_override(step, input, run, kwargs)
        return
    async with closing(flow_override(step, verb, input, run, kwargs)) as chunks:
        async for chunk in chunks:
            yield chunk


def stream_override(step: Any, run: Run) -> str | None:
    """The overridden verb that streams in the run's colour, if there is one."""
    verbs = ("transform", "stream") if run.io.blocking else ("atransform", "astream")
    return next((verb for verb in verbs if verb in step._overrides), None)


async def flow_override(
    step: Any, verb: str, inputs: Any, run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    """Iterate an overridden verb; ``inputs`` is a ``Stream`` for ``transform``, else the whole input."""
    if isinstance(inputs, Stream):
        inputs = inputs.source
    config = config_for_child(run)
    if run.io.blocking:
        given = run.io.iterate(inputs) if verb == "transform" else inputs
        stream: AsyncIterator[Any] = run.io.pull(lambda: iter(getattr(step, verb)(given, config, **kwargs)))
    else:
        stream = aiter(getattr(step, verb)(inputs, config, **kwargs))
    # A user's generator need not close the stream that it is given.
    async with closing(inputs if verb in ("transform", "atransform") else None), closing(stream):
        while True:
            try:
                with inside(run):
                    chunk = await stream.__anext__()
            except StopAsyncIteration:
                return
            yield chunk


def _make_no_verb_error(step: Any, run: Run) -> Exception:
    name = type(step).__name__
    if not step._overrides:
        return CompositionError(f"{name} does nothing: a Runnable defines invoke (and ainvoke, stream … where it can)")
    if run.io.blocking:
        return AsyncRequiredError(
            f"{name} has only {', '.join(sorted(step._overrides))}: run the chain with ainvoke, astream or abatch, "
            f"or give {name} an invoke"
        )
    return AsyncRequiredError(f"{name} has only {', '.join(sorted(step._overrides))}: give it an invoke or an ainvoke")
