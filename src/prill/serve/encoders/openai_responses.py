"""OpenAI's Responses: https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

from typing import Any

from prill.serve.encoders.base import SSEEncoder
from prill.serve.encoders.blocks import Blocks, CallClosed, CallDelta, CallOpened, Closed, Delta, Opened, Step
from prill.serve.encoders.openai_chat import make_error, make_stop_error
from prill.serve.facts import Fact, RunEnded, RunFailed, RunStarted, RunStopped, Usage
from prill.serve.wire import encode

Item = dict[str, Any]


def make_response_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Tokens in the form of Responses."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }


def make_response(id: str, model: str, created: int, status: str, **fields: Any) -> dict[str, Any]:
    """A response object."""
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": status,
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
        **fields,
    }


def make_item(step: Closed | CallClosed, id: str) -> Item:
    """A block or a call that is whole, as an item of the output."""
    if isinstance(step, CallClosed):
        return {**_call_item(step.id, step.name, id, "completed"), "arguments": step.text}
    if step.kind == "reasoning":
        content = [{"type": "reasoning_text", "text": step.text}]
        return {"id": id, "type": "reasoning", "summary": [], "content": content, "status": "completed"}
    return {**_message_item(id, "completed"), "content": [_text_part(step.text)]}


def _message_item(id: str, status: str) -> Item:
    return {"id": id, "type": "message", "role": "assistant", "status": status, "content": []}


def _call_item(call_id: str, name: str, id: str, status: str) -> Item:
    return {"id": id, "type": "function_call", "call_id": call_id, "name": name, "arguments": "", "status": status}


def _text_part(text: str) -> Item:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


class ResponsesEncoder(SSEEncoder):
    """Facts as the events of a response, each with its ``sequence_number``, from 0 without gaps."""

    def __init__(self, model: str = "", created: int = 0, *, background: bool = False) -> None:
        super().__init__()
        self._model = model
        self._created = created
        self._background = background
        self._sequence = 0
        self._blocks = Blocks()
        self._usage: Usage | None = None
        self._output: list[Item] = []
        self._open: dict[str, tuple[int, str]] = {}  # by the id of a block or a call: its place and item
        self._places = 0

    def _encode(self, fact: Fact) -> list[bytes]:
        match fact:
            case RunStarted():
                names = ("response.created", "response.in_progress")
                return [self._event(name, response=self._response("in_progress")) for name in names]
            case Usage():
                self._usage = fact
                return []
            case RunEnded():
                closed = self._close()
                return [*closed, self._event("response.completed", response=self._response("completed"))]
            case RunFailed():
                return self._fail("failed", make_error(fact.failure)["error"])
            case RunStopped():
                status = "failed" if fact.reason == "shutdown" else "cancelled"
                return self._fail(status, make_stop_error(fact.reason)["error"])
        return self._write_all(self._blocks.feed(fact))

    def _fail(self, status: str, error: dict[str, Any]) -> list[bytes]:
        closed = self._close()
        about = {"code": error["code"], "message": error["message"]}
        return [*closed, self._event("response.failed", response=self._response(status, error=about))]

    def _close(self) -> list[bytes]:
        return self._write_all(self._blocks.finish())

    def _response(self, status: str, **fields: Any) -> dict[str, Any]:
        usage = make_response_usage(self._usage) if status == "completed" else None
        fields = {"output": list(self._output), "usage": usage, "background": self._background, **fields}
        return make_response(f"resp_{self.run_id}", self._model, self._created, status, **fields)

    def _write_all(self, steps: list[Step]) -> list[bytes]:
        return [frame for step in steps for frame in self._write(step)]

    def _write(self, step: Step) -> list[bytes]:
        match step:
            case Opened():
                return self._open_block(step)
            case Delta():
                place, item = self._open[step.id]
                name = "output_text" if step.kind == "text" else "reasoning_text"
                about = {"item_id": item, "output_index": place, "content_index": 0, "delta": step.text}
                extra: dict[str, Any] = {"logprobs": []} if step.kind == "text" else {}
                return [self._event(f"response.{name}.delta", **about, **extra)]
            case Closed():
                return self._close_block(step)
            case CallOpened(ours=False):
                place, item = self._place(step.id, "fc")
                added = _call_item(step.id, step.name, item, "in_progress")
                return [self._event("response.output_item.added", output_index=place, item=added)]
            case CallDelta(ours=False):
                place, item = self._open[step.id]
                about = {"item_id": item, "output_index": place, "delta": step.text}
                return [self._event("response.function_call_arguments.delta", **about)]
            case CallClosed(ours=False):
                place, item = self._open.pop(step.id)
                about = {"item_id": item, "output_index": place, "arguments": step.text, "name": step.name}
                done = self._event("response.function_call_arguments.done", **about)
                return [done, self._finish_item(place, make_item(step, item))]
        return []

    def _open_block(self, step: Opened) -> list[bytes]:
        place, item = self._place(step.id, "msg" if step.kind == "text" else "rs")
        if step.kind == "reasoning":
            added = {"id": item, "type": "reasoning", "summary": [], "content": [], "status": "in_progress"}
            return [self._event("response.output_item.added", output_index=place, item=added)]
        about = {"item_id": item, "output_index": place, "content_index": 0}
        return [
            self._event("response.output_item.added", output_index=place, item=_message_item(item, "in_progress")),
            self._event("response.content_part.added", **about, part=_text_part("")),
        ]

    def _close_block(self, step: Closed) -> list[bytes]:
        place, item = self._open.pop(step.id)
        about = {"item_id": item, "output_index": place, "content_index": 0}
        whole = make_item(step, item)
        if step.kind == "reasoning":
            done = self._event("response.reasoning_text.done", **about, text=step.text)
            return [done, self._finish_item(place, whole)]
        return [
            self._event("response.output_text.done", **about, text=step.text, logprobs=[]),
            self._event("response.content_part.done", **about, part=_text_part(step.text)),
            self._finish_item(place, whole),
        ]

    def _finish_item(self, place: int, item: Item) -> bytes:
        self._output.append(item)
        return self._event("response.output_item.done", output_index=place, item=item)

    def _place(self, id: str, prefix: str) -> tuple[int, str]:
        made = self._open[id] = (self._places, f"{prefix}_{self.run_id}_{self._places}")
        self._places += 1
        return made

    def _event(self, kind: str, **fields: Any) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: " + kind.encode("ascii") + b"\ndata: " + encode(event, "event") + b"\n\n"
