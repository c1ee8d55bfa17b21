"""The AI SDK's UI message stream, version 1, as ``ai`` 6 and 7 read it.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from __future__ import annotations

from collections.abc import Sequence
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
    as_mapping,
)
from prill.serve.encoders.openai_chat import DONE, choose_finish_reason
from prill.serve.facts import Data, Fact, RunEnded, RunFailed, RunStarted, RunStopped, Usage
from prill.serve.wire import encode

_REASONS = {"stop": "stop", "length": "length", "content_filter": "content-filter", "tool_calls": "tool-calls"}


class UIMessageEncoder(SSEEncoder):
    """Facts as the parts of one message. Only types that version 6 knows are sent: an unknown one ends its stream."""

    headers: Sequence[tuple[str, str]] = (("x-vercel-ai-ui-message-stream", "v1"),)

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._usage: Usage | None = None
        self._calls = False
        self._started = False

    def _encode(self, fact: Fact) -> list[bytes]:
        match fact:
            case RunStarted():
                self._started = True
                metadata = {"runId": fact.run_id}
                start = {"type": "start", "messageId": f"msg-{fact.run_id}", "messageMetadata": metadata}
                return [_part(start), _part({"type": "start-step"})]
            case Usage():
                self._usage = fact
                return []
            case Data():
                return [_part({"type": f"data-{fact.name}", "data": fact.value})]
            case RunEnded():
                return self._end()
            case RunFailed():
                return [*self._close(), _part({"type": "error", "errorText": fact.failure.message}), DONE]
            case RunStopped("shutdown"):
                return [*self._close(), _part({"type": "error", "errorText": "the server is shutting down"}), DONE]
            case RunStopped():
                return [*self._close(), _part({"type": "abort", "reason": fact.reason}), DONE]
        return self._write_all(self._blocks.feed(fact))

    def _close(self) -> list[bytes]:
        return self._write_all(self._blocks.finish())

    def _end(self) -> list[bytes]:
        closed = self._close()
        reason = _REASONS[choose_finish_reason(self._blocks.finish_reason, calls=self._calls)]
        finish: dict[str, Any] = {"type": "finish", "finishReason": reason}
        if self._usage is not None:
            usage = self._usage
            tokens = {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens}
            finish["messageMetadata"] = {"usage": {**tokens, "totalTokens": usage.total_tokens}}
        step = [_part({"type": "finish-step"})] if self._started else []
        return [*closed, *step, _part(finish), DONE]

    def _write_all(self, steps: list[Step]) -> list[bytes]:
        return [_part(part) for step in steps for part in self._write(step)]

    def _write(self, step: Step) -> list[dict[str, Any]]:
        match step:
            case Opened():
                return [{"type": f"{step.kind}-start", "id": step.id}]
            case Delta():
                return [{"type": f"{step.kind}-delta", "id": step.id, "delta": step.text}]
            case Closed():
                return [{"type": f"{step.kind}-end", "id": step.id}]
            case CallOpened():
                self._calls = self._calls or not step.ours
                return [{"type": "tool-input-start", "toolCallId": step.id, "toolName": step.name, "dynamic": True}]
            case CallDelta():
                return [{"type": "tool-input-delta", "toolCallId": step.id, "inputTextDelta": step.text}]
            case CallClosed():
                call = {"toolCallId": step.id, "toolName": step.name, "dynamic": True}
                if step.args is None:
                    wrong = {"input": step.text, "errorText": "the arguments are not JSON"}
                    return [{"type": "tool-input-error", **call, **wrong}]
                return [{"type": "tool-input-available", **call, "input": as_mapping(step.args)}]
            case CallAnswered(error=None):
                output = {"toolCallId": step.id, "output": step.output, "dynamic": True}
                return [{"type": "tool-output-available", **output}]
            case CallAnswered():
                return [{"type": "tool-output-error", "toolCallId": step.id, "errorText": step.error, "dynamic": True}]
        return []


def _part(part: dict[str, Any]) -> bytes:
    return data_frame(encode(part, "part"))
