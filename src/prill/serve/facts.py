"""What happens in a run, as one stream of facts that every protocol is a translation of.

The order is ``RunStarted``, then any number of the others, then exactly one of ``RunEnded``, ``RunFailed`` and
``RunStopped``. Facts are plain data: encoders (``prill.serve.encoders``) turn them into bytes without any I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(slots=True)
class RunStarted:
    """The run has started; ``request_id`` is the client's name for its request, or the run's id."""

    run_id: str
    request_id: str = ""


@dataclass(slots=True)
class Chunk:
    """A piece of the output: a text, a message chunk, or whatever the chain yields.

    ``source`` is the run of the model that put it out, where the chain's own output is something else; the tools that
    such a model calls are the chain's own affair.
    """

    value: Any
    source: str = ""


@dataclass(slots=True)
class Restarted:
    """The chunks so far are withdrawn: the output starts again."""

    attempt: int


@dataclass(slots=True)
class Event:
    """An event of ``astream_events``."""

    data: Mapping[str, Any]


@dataclass(slots=True)
class Patch:
    """Operations of ``astream_log``."""

    ops: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class ToolCall:
    """A tool is being called by the chain itself."""

    id: str
    name: str
    input: Any


@dataclass(slots=True)
class ToolResult:
    """A tool has answered, or failed with the text ``error``."""

    id: str
    name: str
    output: Any = None
    error: str | None = None


@dataclass(slots=True)
class Data:
    """A custom event of the chain's own code, for the user interface."""

    name: str
    value: Any


@dataclass(slots=True)
class Usage:
    """The tokens that the run's models used."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Failure:
    """An error in the form in which clients may see it.

    ``kind`` is the name of the class where it is one of Prill's, else ``"InternalError"``; ``detail`` is more about a
    request that was refused, as data.
    """

    status: int
    code: str
    kind: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    path: tuple[str, ...] = ()
    run_id: str = ""
    detail: Any = None


@dataclass(slots=True)
class RunFailed:
    """The run ended with an error."""

    failure: Failure


@dataclass(slots=True)
class RunStopped:
    """The run was stopped from outside; ``reason`` says by what (``"stopped"``, ``"shutdown"``)."""

    reason: str


@dataclass(slots=True)
class RunEnded:
    """The run ended well."""


Terminal: TypeAlias = RunEnded | RunFailed | RunStopped
Fact: TypeAlias = (
    RunStarted
    | Chunk
    | Restarted
    | Event
    | Patch
    | ToolCall
    | ToolResult
    | Data
    | Usage
    | RunEnded
    | RunFailed
    | RunStopped
)

TERMINAL = (RunEnded, RunFailed, RunStopped)


def precedes_output(fact: Any) -> bool:
    """Whether a fact comes before anything of the output: while there are only such, an error can have a status."""
    match fact:
        case RunStarted():
            return True
        case Event(data):
            return not data["event"].endswith(("_stream", "_custom_event"))
        case Patch(ops):
            return not any(op["path"].endswith("/-") for op in ops)
    return False
