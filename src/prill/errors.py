"""Every error that Prill raises, as one tree.

    PrillError
    ├── CompositionError (TypeError)              a chain was put together wrongly
    │   └── ChunkMergeError (ValueError)          chunks of different messages were merged
    ├── ConfigError (ValueError)                  a config or a constructor got a value it cannot use
    ├── AsyncRequiredError (RuntimeError)         a step needs the other kind of verb (asyncio, or blocking)
    ├── RecursionLimitError (RecursionError)      functions kept returning runnables
    ├── MissingDependencyError (ImportError)      an optional package is not installed
    ├── CompatError (ImportError)                 LangChain's names cannot lead to Prill (``prill.compat``)
    │   └── NoCounterpartError                    … this name cannot: Prill has nothing like it
    │       └── NoCounterpartModuleError (ModuleNotFoundError)
    ├── PromptError (ValueError)                  a template or its variables are wrong
    │   ├── PromptInputError (TypeError)
    │   └── MissingVariableError (KeyError)
    ├── OutputParserException (ValueError)        a model's text is not what the parser needs
    ├── ToolException                             a tool failed in a way that the model may be informed of
    ├── ThreadError                               a thread of an agent could not be read or written
    │   ├── ThreadConflictError                   something else has written to it in the meantime
    │   ├── ThreadNotFoundError (LookupError)     there is no thread with this id
    │   ├── ThreadValueError (ValueError)         a value cannot be stored
    │   ├── ThreadDataError (ValueError)          what is stored is not what Prill writes
    │   └── ThreadStorageError                    the file or the database failed
    ├── LoadError                                 a document could not be loaded (``prill.document_loaders.errors``)
    ├── MCPError                                  a server of the Model Context Protocol, or the way to it, failed
    ├── StreamTimeout (TimeoutError)              a stream did not go on in time
    ├── AgentLimitError                           an agent used up what it was allowed; has its state as ``partial``
    ├── Cancelled                                 a run was stopped from outside
    │   └── Interrupted                           a tool asked for a person's answer, for which its agent pauses
    ├── SerializationError (TypeError)            a value has no form in JSON
    ├── RequestError                              a server refuses a request (``prill.serve``)
    ├── RunExistsError                            a stored run has another producer
    ├── RemoteError                               a chain behind a server failed
    ├── BulkError                                 a bulk run stopped before its end, with all saved; has ``report``
    └── ModelError                                a model's provider, or the way to it, failed
        ├── ModelAPIError                         the provider answered with an error
        │   ├── ModelAuthenticationError (PermissionError)
        │   ├── ModelPermissionDeniedError (PermissionError)
        │   ├── ModelNotFoundError (LookupError)
        │   ├── ModelInvalidRequestError (ValueError)
        │   │   └── ContextOverflowError
        │   ├── ModelRateLimitError               retryable, has ``retry_after``
        │   ├── ModelOverloadedError              retryable
        │   ├── ModelServerError                  retryable
        │   └── StreamErrorEvent                  an ``error`` event inside an HTTP 200
        ├── ModelConnectionError (ConnectionError)    retryable
        │   └── StreamInterrupted                 the stream was cut before its end
        ├── ModelTimeoutError (TimeoutError)      retryable
        ├── MalformedResponseError (ValueError)   the answer is not in the provider's protocol
        ├── EmptyResponseError                    the stream ended without a chunk; retryable
        ├── ContentFilterError                    the provider withheld the answer
        └── ModelRefusalError                     the model declined

Each knows the ``path`` of the step it came from, ``("RunnableSequence", "step 2 (ChatOpenAI)")``, and shows it
in its text. An error that is not Prill's own (a ``ValueError`` in your function) passes through as it is, with
the path as a note (PEP 678).
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any, ClassVar, Self

_NOTE = "in the chain: "
_ARROW = " > "


class PrillError(Exception):
    """The base of every error of Prill."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.path:
            return self.message
        return f"{self.message}\n  {_NOTE}{_ARROW.join(self.path)}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take keyword arguments that ``args`` does not hold: carry the state, skip ``__init__``.
        # ``path`` is named, because ``ImportError`` keeps one of its own outside of the dict.
        return _rebuild, (type(self), self.args, {**self.__dict__, "path": self.path})


def _rebuild(kind: type[PrillError], args: tuple[Any, ...], state: dict[str, Any]) -> PrillError:
    error = kind.__new__(kind, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


def add_step(error: BaseException, *steps: str, inner: str | None = None) -> None:
    """Put ``steps`` in front of the path of ``error``; every composite calls it from the body that the error leaves.

    ``inner`` is the name of the step that failed, which the last of ``steps`` shows. One error object may be raised
    many times (a constant, the result of a future, a mock's side effect), so a path that it already carries counts
    only if it was made while this error was on its way here: inside the body that calls this, or by the step
    ``inner`` itself. Any other path belongs to an earlier run and is dropped.
    """
    path = _current_path(error)
    if path and path[0] == inner:
        path = _Path((*steps, *path[1:]))
    elif any(body in path.frames for body in (sys._getframe(1), sys._getframe(2))):
        path = _Path((*steps, *path))
    else:
        path = _Path(steps)
    path.frames = _get_outer_frames()
    _set_path(error, path)


def carry_path(error: BaseException, inner: str, *outer: str) -> None:
    """Keep the path that the step ``inner`` made, and put the names ``outer`` in front of it.

    A composite calls it from its own body where a branch ran in a thread or task of its own, or where its name is not
    that of the step which it ran: so the composites around it know that the path is of this run.
    """
    path = _current_path(error)
    if not path or path[0] != inner:
        return
    path = _Path((*(name for name in outer if name != inner), *path))
    path.frames = _get_outer_frames()
    _set_path(error, path)


class _Path(tuple[str, ...]):
    """The path of an error, and the bodies that were running around the one that made it."""

    frames: tuple[FrameType, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)  # frames cannot be pickled


class _PathNote(str):
    """The note that shows the path of an error which is not Prill's own."""

    path: _Path

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


def _current_path(error: BaseException) -> _Path:
    """The path that the error carries, perhaps from an earlier run."""
    if isinstance(error, PrillError):
        return error.path if isinstance(error.path, _Path) else _Path(error.path)
    return next((note.path for note in _get_notes(error) if isinstance(note, _PathNote)), _Path())


def _set_path(error: BaseException, path: _Path) -> None:
    if isinstance(error, PrillError):
        error.path = path
        return
    note = _PathNote(_NOTE + _ARROW.join(path))
    note.path = path
    replace_note(error, note, lambda old: isinstance(old, _PathNote))


def replace_note(error: BaseException, note: str, is_old: Callable[[str], bool]) -> None:
    """Put a note on an error in place of those for which ``is_old`` is true: the object may have been raised before.

    An error that takes no notes is left as it is.
    """
    # One assignment, because another thread may be raising the same object.
    with contextlib.suppress(Exception):
        error.__notes__ = [*(old for old in _get_notes(error) if not is_old(old)), note]


def _get_notes(error: BaseException) -> list[str]:
    notes = None
    with contextlib.suppress(Exception):  # a property of the user's class may raise
        notes = getattr(error, "__notes__", None)
    return notes if isinstance(notes, list) else []


def _get_outer_frames() -> tuple[FrameType, ...]:
    """The async bodies that are running around the caller of ``add_step`` or ``carry_path``, itself included."""
    frames = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_flags & _ASYNC:
            frames.append(frame)
        frame = frame.f_back
    return tuple(frames)


_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class CompositionError(PrillError, TypeError):
    """An object that is not a step was put into a chain."""


class ChunkMergeError(CompositionError, ValueError):
    """Chunks that do not belong to one message or generation were merged."""


class ConfigError(PrillError, ValueError):
    """A config, or a constructor's argument, holds a value that cannot be used."""


class AsyncRequiredError(PrillError, RuntimeError):
    """A step works in asyncio only and a blocking verb ran it, or the other way round."""


class RecursionLimitError(PrillError, RecursionError):
    """Functions that return runnables went deeper than ``recursion_limit``."""


class MissingDependencyError(PrillError, ImportError):  # type: ignore[misc]  # an ImportError's path is a file's
    """An optional package is needed here; the message names the extra that installs it."""


class CompatError(PrillError, ImportError):  # type: ignore[misc]  # as above
    """``prill.compat`` cannot let LangChain's names lead to Prill; the message says which, and what to do."""

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, (kind, args, state) = super().__reduce__()
        return rebuild, (kind, args, {**state, "name": self.name})  # an ImportError's name is not in the dict either


class NoCounterpartError(CompatError):
    """Under ``prill.compat`` a program imports a name that Prill has no counterpart of; ``name`` is its module."""


class NoCounterpartModuleError(NoCounterpartError, ModuleNotFoundError):  # type: ignore[misc]  # as above
    """Under ``prill.compat`` a program imports a module that Prill has no counterpart of; ``name`` is the module."""


class PromptError(PrillError, ValueError):
    """A template, or what was given to fill it, is wrong."""


class PromptInputError(PromptError, TypeError):
    """A prompt was given something else than a dictionary of its variables."""


class MissingVariableError(PromptError, KeyError):
    """A template's variable was not given."""


class OutputParserException(PrillError, ValueError):
    """A model's output is not what the parser needs.

    ``llm_output`` is the text; ``observation`` and ``send_to_llm`` are for programs that let a model mend it.
    """

    def __init__(
        self,
        error: Any = "",
        observation: str | None = None,
        llm_output: str | None = None,
        send_to_llm: bool = False,
    ) -> None:
        super().__init__(str(error))
        if send_to_llm and (observation is None or llm_output is None):
            raise ValueError("send_to_llm needs both observation and llm_output")
        self.observation = observation
        self.llm_output = llm_output
        self.send_to_llm = send_to_llm


class ToolException(PrillError):
    """Raised by a tool that failed in a way that the model may be informed of. See ``handle_tool_error`` of tools.

    It may hold anything, as other exceptions; the first of its arguments is the text.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__("" if not args or args[0] is None else str(args[0]))
        self.args = args


class ThreadError(PrillError):
    """A thread of an agent could not be read or written."""


class ThreadConflictError(ThreadError):
    """Something else has written to the thread in the meantime; nothing of this write was stored.

    ``thread_id`` is the thread, ``expected_length`` the number of records that the writer knew of, and ``length`` the
    number that there are. Load the thread again and decide what to do about the new records.
    """

    def __init__(
        self,
        message: str = "",
        *,
        thread_id: str | None = None,
        expected_length: int | None = None,
        length: int | None = None,
    ) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.expected_length = expected_length
        self.length = length


class ThreadNotFoundError(ThreadError, LookupError):
    """There is no thread with this id."""


class ThreadValueError(ThreadError, ValueError):
    """A value cannot be stored; the message names its place. Nothing was written."""


class ThreadDataError(ThreadError, ValueError):
    """What is stored is not what Prill writes: it is damaged, from another program, or made to do harm."""


class ThreadStorageError(ThreadError):
    """The file or the database that holds the threads failed: it is full, locked, or cannot be reached."""


class MCPError(PrillError):
    """A server of the Model Context Protocol, or the way to it, failed."""


class StreamTimeout(PrillError, TimeoutError):
    """A stream did not go on in time; ``chunks_received`` and ``partial`` say how far it came."""

    retryable = True

    def __init__(self, message: str = "", *, chunks_received: int = 0, partial: Any = None) -> None:
        super().__init__(message)
        self.chunks_received = chunks_received
        self.partial = partial


class Cancelled(PrillError):
    """A run was stopped from outside; ``partial`` holds what had arrived.

    ``usage`` are the tokens that all models of a run with a ``CancelToken`` had used by then, as far as reported.
    """

    def __init__(self, message: str = "", *, partial: Any = None, usage: Any = None) -> None:
        super().__init__(message)
        self.partial = partial
        self.usage = usage


class Interrupted(Cancelled):
    """A tool called ``interrupt``: its agent pauses until it is resumed with an answer to ``value``."""

    def __init__(self, message: str = "", *, value: Any = None, state: Any = None) -> None:
        super().__init__(message)
        self.value = value
        self.state = state


class AgentLimitError(PrillError):
    """An agent reached one of its limits.

    ``limit`` is its name (``"model_calls"``), ``maximum`` its value, ``used`` what the run had used of it, and
    ``partial`` the agent's state, from which it can be continued.
    """

    def __init__(
        self, message: str = "", *, limit: str = "", used: float = 0, maximum: float = 0, partial: Any = None
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.used = used
        self.maximum = maximum
        self.partial = partial


class SerializationError(PrillError, TypeError):
    """A value has no form in JSON; ``place`` says where it is, such as ``output.docs[3].meta``."""

    def __init__(self, message: str = "", *, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class RequestError(PrillError):
    """A server refuses a request; raised by hooks of ``prill.serve``, and by its client.

    Args:
        message: what is wrong; the client sees it.
        status: the HTTP status, 400 to 599.
        code: a short name for programs, such as ``"invalid_api_key"``.
        detail: what exactly is wrong, as data; by default the message.
        retry_after: seconds after which the request may succeed.
        run_id: the run, where there was one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 400,
        code: str = "invalid_request",
        detail: Any = None,
        retry_after: float | None = None,
        run_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.detail = message if detail is None else detail
        self.retry_after = retry_after
        self.retryable = status in (408, 429, 503)
        self.run_id = run_id


class RunExistsError(PrillError):
    """A store of runs refuses a producer: the run is another's, or has ended."""


class RemoteError(PrillError):
    """A chain behind a server failed with an error that is none of Prill's.

    ``kind`` is the name of its class where the server tells it, ``status`` the HTTP status, ``run_id`` the run to look
    for in the server's log, ``partial`` the output so far, ``retryable`` whether the same request may succeed later.
    """

    def __init__(
        self,
        message: str = "",
        *,
        kind: str | None = None,
        status: int | None = None,
        code: str | None = None,
        run_id: str | None = None,
        retryable: bool = False,
        partial: Any = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.code = code
        self.run_id = run_id
        self.retryable = retryable
        self.partial = partial


class BulkError(PrillError):
    """A bulk run stopped before its end; what was done is saved.

    ``report`` is the run's ``Report``, ``None`` where it did not start. The cause, if there is one, is what stopped it.
    """

    def __init__(self, message: str = "", *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class ModelError(PrillError):
    """A model's provider, or the way to it, failed.

    ``retryable`` says whether the same request may succeed later, ``status`` is the HTTP status (``None`` where there
    was no answer), ``request_id`` the provider's name for the request, ``retry_after`` its advice in seconds,
    ``partial`` the message so far and ``usage`` the tokens counted so far.
    """

    retryable: bool = False

    def __init__(
        self,
        message: str = "",
        *,
        provider: str | None = None,
        model: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        partial: Any = None,
        usage: Any = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.partial = partial
        self.usage = usage
        if retryable is not None:
            self.retryable = retryable


class ModelAPIError(ModelError):
    """The provider answered with an error."""


class ModelAuthenticationError(ModelAPIError, PermissionError):
    """The key is missing or wrong."""


class ModelPermissionDeniedError(ModelAPIError, PermissionError):
    """The key may not do this."""


class ModelNotFoundError(ModelAPIError, LookupError):
    """No such model, or no such address."""


class ModelInvalidRequestError(ModelAPIError, ValueError):
    """The provider refused the request as it stands."""


class ContextOverflowError(ModelInvalidRequestError):
    """The input is longer than the model's context."""


class ModelRateLimitError(ModelAPIError):
    """Too many requests or tokens; wait ``retry_after`` seconds."""

    retryable = True


class ModelOverloadedError(ModelAPIError):
    """The provider has no capacity now."""

    retryable = True


class ModelServerError(ModelAPIError):
    """The provider failed inside."""

    retryable = True


class StreamErrorEvent(ModelAPIError):
    """The provider sent an error inside a stream that had started well."""


class ModelConnectionError(ModelError, ConnectionError):
    """The provider could not be reached, or the connection broke."""

    retryable = True


class StreamInterrupted(ModelConnectionError):
    """The stream was cut before its end; ``partial`` is what had arrived."""


class ModelTimeoutError(ModelError, TimeoutError):
    """The provider did not answer in time."""

    retryable = True


class MalformedResponseError(ModelError, ValueError):
    """What came back is not in the provider's protocol."""


class EmptyResponseError(ModelError):
    """The stream ended in order, but without a single chunk."""

    retryable = True


class ContentFilterError(ModelError):
    """The provider withheld the answer."""


class ModelRefusalError(ModelError):
    """The model declined to answer in the form that was asked for.

    Args:
        message: the text of the error.
        raw_message: the model's message, as far as it holds the refusal.
        details: those of ``ModelError``.
    """

    _refused: ClassVar[str] = "the model declined to answer in the form that was asked for"

    def __init__(
        self, message: str = "the model declined to answer", *, raw_message: Any = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.raw_message = raw_message

    @classmethod
    def from_refusal(cls, refusal: Mapping[str, Any], *, raw_message: Any) -> Self:
        """Make the error for a content block of the type ``refusal``, which is in ``raw_message``."""
        category = (refusal.get("extras") or {}).get("category")
        message = cls._refused + (f" (category={category!r})" if category else "")
        text = refusal.get("refusal")
        return cls(f"{message}: {text}" if text else message, raw_message=raw_message)


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The end of an error's text: ``"; did you mean 'search'?"``, or nothing where no known name is like ``name``."""
    from difflib import get_close_matches  # noqa: PLC0415 - few errors need it

    close = get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else ""
