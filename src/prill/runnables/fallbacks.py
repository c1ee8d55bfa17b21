"""Other steps to use when a step fails."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from prill.callbacks.run import Run
from prill.errors import CompositionError
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.recovery import Attempt, MidStream, RetryingRunnable, check_types
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class RunnableWithFallbacks(RetryingRunnable[Input, Output]):
    """Runs ``runnable``, and when it fails the ``fallbacks`` one after the other; made by ``with_fallbacks``.

    Only ``exceptions_to_handle`` lead to the next one; if all fail, the last error is raised, with a note of the
    first. With ``exception_key`` the input is a dict, in which a fallback finds the error of the step before under
    that key. The metadata of the run's end name the step that succeeded: ``answered_by`` and ``fallback``, 0 for
    ``runnable``.
    """

    _equality_fields = ("runnable", "fallbacks", "exceptions_to_handle", "exception_key", "mid_stream", "name")

    runnable: Runnable[Any, Any]
    fallbacks: list[Runnable[Any, Any]]
    exceptions_to_handle: tuple[type[BaseException], ...]
    exception_key: str | None

    def __init__(
        self,
        runnable: Any,
        fallbacks: Sequence[Any],
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
        mid_stream: MidStream = "raise",
    ) -> None:
        super().__init__(mid_stream)
        if isinstance(fallbacks, Runnable) or not fallbacks:
            raise CompositionError(
                f"with_fallbacks takes a list with one Runnable or more, not {fallbacks!r:.80}: "
                "model.with_fallbacks([other_model])"
            )
        own = self.__dict__
        own["runnable"] = coerce_to_runnable(runnable)
        own["fallbacks"] = [coerce_to_runnable(each) for each in fallbacks]
        own["exceptions_to_handle"] = check_types(exceptions_to_handle, "exceptions_to_handle")
        own["exception_key"] = exception_key

    @property
    def runnables(self) -> Iterator[Runnable[Any, Any]]:
        """All steps, in the order in which they are tried."""
        yield self.runnable
        yield from self.fallbacks

    def _may_restart_stream(self) -> bool:
        return self.mid_stream == "restart" or any(each._may_restart_stream() for each in self.runnables)

    def _structure(self) -> Structure:
        others = [Part(each, str(number), "if it fails") for number, each in enumerate(self.fallbacks, 2)]
        return Structure("choice", [Part(self.runnable, "1", "first"), *others])

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return self.runnable.InputType if side == "input" else self.runnable.OutputType

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "the whole input is kept for the next try; the step that answers streams")

    def _generate_attempts(self, input: Any) -> Iterator[Attempt]:
        if self.exception_key is not None and not isinstance(input, Mapping):
            raise CompositionError(
                f"exception_key puts the error into the input, which must be a dict then, not {type(input).__name__}"
            )
        error = yield Attempt(self.runnable, input)
        for fallback in self.fallbacks:
            given = input if self.exception_key is None else {**input, self.exception_key: error}
            error = yield Attempt(fallback, given)

    def _is_worth_another_attempt(self, error: Exception) -> bool:
        return isinstance(error, self.exceptions_to_handle)

    def _report_success(self, run: Run, number: int, attempt: Attempt) -> None:
        if run.observers is not None:
            run.metadata = {**run.metadata, "answered_by": attempt.step.get_name(), "fallback": number - 1}

    def __getattr__(self, name: str) -> Any:
        # A model with fallbacks keeps the methods of a model; the Runnables that they return keep the fallbacks.
        if name.startswith("_") or "fallbacks" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = getattr(self.runnable, name)
        return functools.partial(self._call_method_of_each, name) if callable(found) else found

    def _call_method_of_each(self, name: str, *args: Any, **kwargs: Any) -> Any:
        made = getattr(self.runnable, name)(*args, **kwargs)
        if not isinstance(made, Runnable):
            return made
        others = [getattr(each, name)(*args, **kwargs) for each in self.fallbacks]
        return RunnableWithFallbacks(made, others, self.exceptions_to_handle, self.exception_key, self.mid_stream)

    def __repr__(self) -> str:
        return f"{self.runnable!r}.with_fallbacks({self.fallbacks!r})"
