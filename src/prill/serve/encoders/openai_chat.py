"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/streaming"""

from __future__ import annotations

from typing import Any

from prill.serve.encoders.base import SSEEncoder, data_frame
from prill.serve.encoders.blocks import Blocks, CallDelta, CallOpened, Delta, Step
from prill.serve.facts import Fact, Failure, RunEnded, RunFailed, RunStarted, RunStopped, Usage
from prill.serve.wire import encode

DONE = data_frame(b"[DONE]")

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


def make_error(failure: Failure) -> dict[str, Any]:
    """An error in OpenAI's form."""
    kind = _TYPES.get(failure.status, "server_error" if failure.status >= 500 else "invalid_request_error")
    param = failure.detail.get("param") if isinstance(failure.detail, dict) else None
    return {"error": {"message": failure.message, "type": kind, "param": param, "code": failure.code}}


def make_stop_error(reason: str) -> dict[str, Any]:
    """The error of a run that was stopped from outside."""
    text = "the server is shutting down" if reason == "shutdown" else "the run was stopped"
    return {"error": {"message": text, "type": "server_error", "param": None, "code": reason}}


def choose_finish_reason(given: str | None, *, calls: bool) -> str:
    """The finish reason that OpenAI has for what a model said."""
    if calls:
        return "tool_calls"
    known = {
        "length": "length",
        "max_tokens": "length",
        "content_filter": "content_filter",
        "refusal": "content_filter",
    }
    return known.get(given or "", "stop")


def make_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Tokens in the form of chat completions."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


class ChatCompletionsEncoder(SSEEncoder):
    """Facts as chunks of a chat completion. Of tool calls, those go out that the client is to execute.

    Args:
        model: the model's name.
        created: when the run started, in seconds since the epoch.
        include_usage: whether the client asked for a last chunk with the tokens.
    """

    def __init__(self, model: str = "", created: int = 0, *, include_usage: bool = False) -> None:
        super().__init__()
        self._model = model
        self._created = created
        self._include_usage = include_usage
        self._blocks = Blocks()
        self._usage: Usage | None = None
        self._calls: dict[int, int] = {}

    def _encode(self, fact: Fact) -> list[bytes]:
        match fact:
            case RunStarted():
                return [self._chunk({"role": "assistant", "content": ""})]
            case Usage():
                self._usage = fact
                return []
            case RunEnded():
                return [*self._end(), DONE]
            case RunFailed():
                return [data_frame(encode(make_error(fact.failure))), DONE]
            case RunStopped():
                return [data_frame(encode(make_stop_error(fact.reason))), DONE]
        return [frame for step in self._blocks.feed(fact) for frame in self._write(step)]

    def _write(self, step: Step) -> list[bytes]:
        match step:
            case Delta("text"):
                return [self._chunk({"content": step.text})]
            case Delta():
                return [self._chunk({"reasoning_content": step.text})]
            case CallOpened(ours=False):
                index = self._calls[step.index] = len(self._calls)
                function = {"name": step.name, "arguments": ""}
                return [self._call({"index": index, "id": step.id, "type": "function", "function": function})]
            case CallDelta(ours=False):
                return [self._call({"index": self._calls[step.index], "function": {"arguments": step.text}})]
        return []

    def _call(self, call: dict[str, Any]) -> bytes:
        return self._chunk({"tool_calls": [call]})

    def _end(self) -> list[bytes]:
        reason = choose_finish_reason(self._blocks.finish_reason, calls=bool(self._calls))
        frames = [self._chunk({}, reason)]
        if self._include_usage:
            usage = make_usage(self._usage or Usage(0, 0, 0))
            frames.append(data_frame(encode({**self._head(), "choices": [], "usage": usage})))
        return frames

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return data_frame(encode({**self._head(), "choices": [choice]}))

    def _head(self) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.run_id}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
        }
