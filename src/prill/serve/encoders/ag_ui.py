"""AG-UI: https://docs.ag-ui.com/concepts/events"""

from __future__ import annotations

from typing import Any

from prill.serve.encoders.base import SSEEncoder, data_frame
from prill.serve.encoders.blocks import (
    Blocks,
    CallAnswered,
    CallClosed,
    CallDelta,
    CallOpened,
    Closed,
    Delta,
    Opened,
    Step,
)
from prill.serve.facts import Data, Fact, RunEnded, RunFailed, RunStarted, RunStopped
from prill.serve.wire import encode


class AGUIEncoder(SSEEncoder):
    """Facts as events. Whatever is open is closed before the run finishes: a client throws otherwise.

    Args:
        thread_id: the conversation, as the client names it.
        client_run: the run, as the client names it; by default the server's id.
    """

    def __init__(self, thread_id: str = "", client_run: str = "") -> None:
        super().__init__()
        self._thread = thread_id
        self._client_run = client_run
        self._blocks = Blocks()
        self._started = False

    def _encode(self, fact: Fact) -> list[bytes]:
        match fact:
            case RunStarted():
                return self._start()
            case Data():
                return [_event("CUSTOM", name=fact.name, value=fact.value)]
            case RunEnded():
                return [*self._start(), *self._close(), _event("RUN_FINISHED", **self._ids())]
            case RunFailed():
                failure = fact.failure
                return [*self._start(), *self._close(), _event("RUN_ERROR", message=failure.message, code=failure.code)]
            case RunStopped():
                text = "the server is shutting down" if fact.reason == "shutdown" else "the run was stopped"
                return [*self._start(), *self._close(), _event("RUN_ERROR", message=text, code=fact.reason)]
        return self._write_all(self._blocks.feed(fact))

    def _start(self) -> list[bytes]:
        """The first event has to be this one, whatever happens."""
        if self._started:
            return []
        self._started = True
        return [_event("RUN_STARTED", **self._ids())]

    def _ids(self) -> dict[str, str]:
        return {"threadId": self._thread or self.run_id, "runId": self._client_run or self.run_id}

    def _close(self) -> list[bytes]:
        return self._write_all(self._blocks.finish())

    def _write_all(self, steps: list[Step]) -> list[bytes]:
        return [frame for step in steps for frame in self._write(step)]

    def _write(self, step: Step) -> list[bytes]:
        run = self.run_id
        match step:
            case Opened("text"):
                return [_event("TEXT_MESSAGE_START", messageId=f"{run}-{step.id}", role="assistant")]
            case Opened():
                id = f"{run}-{step.id}"
                start = _event("REASONING_MESSAGE_START", messageId=id, role="reasoning")
                return [_event("REASONING_START", messageId=id), start]
            case Delta("text"):
                return [_event("TEXT_MESSAGE_CONTENT", messageId=f"{run}-{step.id}", delta=step.text)]
            case Delta():
                return [_event("REASONING_MESSAGE_CONTENT", messageId=f"{run}-{step.id}", delta=step.text)]
            case Closed("text"):
                return [_event("TEXT_MESSAGE_END", messageId=f"{run}-{step.id}")]
            case Closed():
                id = f"{run}-{step.id}"
                return [_event("REASONING_MESSAGE_END", messageId=id), _event("REASONING_END", messageId=id)]
            case CallOpened():
                return [_event("TOOL_CALL_START", toolCallId=step.id, toolCallName=step.name)]
            case CallDelta():
                return [_event("TOOL_CALL_ARGS", toolCallId=step.id, delta=step.text)]
            case CallClosed():
                return [_event("TOOL_CALL_END", toolCallId=step.id)]
            case CallAnswered():
                return [_event("TOOL_CALL_RESULT", **_result(run, step))]
        return []


def _result(run: str, step: CallAnswered) -> dict[str, Any]:
    content = step.error if step.error is not None else step.output
    text = content if isinstance(content, str) else encode(content, "tool output").decode()
    return {"messageId": f"{run}-{step.id}-result", "toolCallId": step.id, "content": text, "role": "tool"}


def _event(kind: str, **fields: Any) -> bytes:
    return data_frame(encode({"type": kind, **fields}, "event"))
