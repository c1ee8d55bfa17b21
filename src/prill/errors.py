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
    ├── ToolException                             a tool failed in a way that the model may be told of
    ├── StreamTimeout (TimeoutError)              a stream did not go on in time
    ├── Cancelled                                 a run was stopped from outside
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

from collections.abc import Mapping
from typing import Any, Self

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
    """Put ``steps`` in front of the path that ``error`` carries; every composite calls it on the way out.

    ``inner`` is the name of the last of ``steps``; a path that begins with it goes on from there.
    """
    path = tuple(getattr(error, "path", ())) if isinstance(error, PrillError) else _noted_path(error)
    if path and path[0] == inner:
        path = path[1:]
    path = (*steps, *path)
    if isinstance(error, PrillError):
        error.path = path
    else:
        error.add_note(_NOTE + _ARROW.join(path))


def _noted_path(error: BaseException) -> tuple[str, ...]:
    """Take the note with the path off ``error``."""
    notes = getattr(error, "__notes__", [])
    for note in notes:
        if note.startswith(_NOTE):
            notes.remove(note)
            return tuple(note.removeprefix(_NOTE).split(_ARROW))
    return ()


class CompositionError(PrillError, TypeError):
    """Something that is no step was put into a chain."""


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
    """Raised by a tool that failed in a way that the model may be told of. See ``handle_tool_error`` of tools.

    It may hold anything, as other exceptions; the first of its arguments is the text.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__("" if not args or args[0] is None else str(args[0]))
        self.args = args


class StreamTimeout(PrillError, TimeoutError):
    """A stream did not go on in time; ``chunks_received`` and ``partial`` say how far it came."""

    retryable = True

    def __init__(self, message: str = "", *, chunks_received: int = 0, partial: Any = None) -> None:
        super().__init__(message)
        self.chunks_received = chunks_received
        self.partial = partial


class Cancelled(PrillError):
    """A run was stopped from outside; ``partial`` holds what had arrived.

    ``usage`` are the tokens that all models of a run with a ``CancelToken`` had used by then, as far as they had told.
    """

    def __init__(self, message: str = "", *, partial: Any = None, usage: Any = None) -> None:
        super().__init__(message)
        self.partial = partial
        self.usage = usage


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
    """The provider sent an error inside a stream that had begun well."""


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

    def __init__(
        self, message: str = "the model declined to answer", *, raw_message: Any = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.raw_message = raw_message

    @classmethod
    def from_refusal(cls, refusal: Mapping[str, Any], *, raw_message: Any) -> Self:
        """Make the error for a content block of the type ``refusal``, which is in ``raw_message``."""
        category = (refusal.get("extras") or {}).get("category")
        message = "the model declined to answer in the form that was asked for"
        message += f" (category={category!r})" if category else ""
        text = refusal.get("refusal")
        return cls(f"{message}: {text}" if text else message, raw_message=raw_message)
