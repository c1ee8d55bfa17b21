"""OpenAI's responses, read: the events of a stream, or the answer in one piece.

Protocol: https://platform.openai.com/docs/api-reference/responses-streaming. The content of the message is a list with
one block for each part of the output: ``text``, ``refusal``, ``reasoning``, ``function_call``, and the items of
OpenAI's own tools as they come. Each has its ``index``, by which its pieces are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic_core import to_json

from prill.errors import ContentFilterError
from prill.messages import AIMessageChunk, ToolCallChunk, UsageMetadata
from prill.messages.ai import ai_chunk
from prill.messages.call_assembly import ToolCallStream
from prill.openai.usage import read_usage
from prill.providers.http.error_bodies import is_failure
from prill.providers.reading import ProviderError, check_error, read_event
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Json = dict[str, Any]

_FACTS = ("id", "created_at", "object", "status", "service_tier", "incomplete_details", "metadata")


class ResponsesDecoder:
    """The stream of one response."""

    def __init__(self, provider: str) -> None:
        self.ended = False
        self.usage: UsageMetadata | None = None
        self._provider = provider
        self._id: str | None = None
        self._indices: dict[Any, int] = {}  # the block of each part: by item and part
        self._parts: dict[Any, list[int]] = {}  # the blocks of each item, in order
        self._streamed: set[Any] = set()  # items, or blocks, of which pieces have come
        self._done: set[Any] = set()
        self._done_ids: set[Any] = set()  # an item may be at another place in the whole answer than in the stream
        self._has_content = False
        self._json = EventJSON()
        self._cut: Json | None = None  # the last delta, if it ended in half a character
        self._calls = ToolCallStream()
        self._added: Any = None  # the call that was started last
        self._args: dict[Any, list[str]] = {}  # of each call, as far as they were streamed
        self._readers: dict[str, Callable[[Json], Iterable[AIMessageChunk]]] = {
            "response.created": self._begin,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
            "response.reasoning_summary_text.delta": self._summary,
            "response.reasoning_text.delta": self._thought,
            "response.function_call_arguments.delta": self._arguments,
            "response.completed": self._end,
            "response.incomplete": self._end,
            "response.failed": self._fail,
            "response.cancelled": self._fail,
            "error": self._fail,
        }

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        if event.data.startswith(b"[DONE]"):
            return ()
        payload = read_event(self._json, event)
        check_error(payload, expected="type")
        kind = payload.get("type") or event.event or ""
        chunks: Iterable[AIMessageChunk] = ()
        if kind.endswith(".delta"):
            self._cut = {**payload, "type": kind} if self._json.holds else None
        elif self._cut is not None:
            chunks = self._other_half(self._cut)
        read = self._readers.get(kind)
        if read is not None:
            return [*chunks, *read(payload)] if chunks else read(payload)
        if not kind or "error" in payload:
            self._fail(payload)
        return chunks

    def _other_half(self, delta: Json) -> Iterable[AIMessageChunk]:
        """The chunk of U+FFFD for a half character whose part has ended."""
        self._cut = None
        self._json.take_rest()
        read = self._readers.get(delta["type"])
        return read({**delta, "delta": "\ufffd"}) if read is not None else ()

    def finish(self) -> Iterable[AIMessageChunk]:
        return ()

    def whole(self, response: Json) -> list[AIMessageChunk]:
        """The chunks of an answer in one piece."""
        check_error(response, expected="output")
        if not isinstance(response.get("output"), list):
            raise ValueError("the answer has no output")
        return list(self._end({"response": response}))

    # One method for each kind of event

    def _begin(self, payload: Json) -> Iterable[AIMessageChunk]:
        self._id = _as_text(payload["response"].get("id"))
        return ()

    def _item_added(self, payload: Json) -> Iterable[AIMessageChunk]:
        item = payload["item"]
        if item.get("type") != "function_call":
            return ()
        self._has_content = True
        key = self._key(payload)
        call = _call_piece(item, item.get("arguments") or "", self._index(key))
        self._args[key] = [call["args"] or ""]
        self._added = key
        return (ai_chunk([], id=self._id, tool_call_chunks=self._calls.feed([call])),)

    def _arguments(self, payload: Json) -> Iterable[AIMessageChunk]:
        key = self._key(payload)
        text = _needed_text(payload, "delta")
        self._args.setdefault(key, []).append(text)
        call = ToolCallChunk(name=None, args=text, id=None, index=self._index(key))
        return (ai_chunk([], id=self._id, tool_call_chunks=self._calls.feed([call])),)

    def _text(self, payload: Json) -> Iterable[AIMessageChunk]:
        index = self._part(payload)
        self._has_content = True
        block: Json = {"type": "text", "text": _needed_text(payload, "delta"), "index": index}
        return (ai_chunk([block], id=self._id),)

    def _refusal(self, payload: Json) -> Iterable[AIMessageChunk]:
        index = self._part(payload)
        self._has_content = True
        block: Json = {"type": "refusal", "refusal": _needed_text(payload, "delta"), "index": index}
        return (ai_chunk([block], id=self._id, additional_kwargs={"refusal": payload["delta"]}),)

    def _summary(self, payload: Json) -> Iterable[AIMessageChunk]:
        key = self._key(payload)
        self._streamed.add(key)
        part = {
            "type": "summary_text",
            "text": _needed_text(payload, "delta"),
            "index": payload.get("summary_index", 0),
        }
        return (ai_chunk([{"type": "reasoning", "summary": [part], "index": self._index(key)}], id=self._id),)

    def _thought(self, payload: Json) -> Iterable[AIMessageChunk]:
        key = self._key(payload)
        self._streamed.add(key)
        thought = _needed_text(payload, "delta")
        return (ai_chunk([{"type": "reasoning", "reasoning": thought, "index": self._index(key)}], id=self._id),)

    def _item_done(self, payload: Json) -> Iterable[AIMessageChunk]:
        item, key = payload["item"], self._key(payload)
        if key in self._done:
            return ()
        self._done.add(key)
        if item.get("id"):
            self._done_ids.add(item["id"])
        read = _ITEMS.get(item.get("type"), ResponsesDecoder._own_tool)
        return list(read(self, item, key))

    def _end(self, payload: Json) -> Iterable[AIMessageChunk]:
        response = payload["response"]
        if response.get("error") or is_failure(response.get("status")):
            self._fail(payload)
        self._id = self._id or _as_text(response.get("id"))
        self.ended = True
        # Items that were not streamed; servers put an item at the place that its index says.
        for place, item in enumerate(response.get("output") or ()):
            if item.get("id") in self._done_ids:
                continue
            yield from self._item_done({"item": item, "output_index": place})
        if response.get("usage"):
            self.usage = read_usage(response["usage"]) or self.usage
        facts = {name: response[name] for name in _FACTS if response.get(name) not in (None, {})}
        facts |= {"model_name": response.get("model"), "model_provider": self._provider}
        if response.get("usage"):
            facts["token_usage"] = response["usage"]
        if not self._has_content and (response.get("incomplete_details") or {}).get("reason") == "content_filter":
            raise ContentFilterError(
                f"{self._provider} withheld the whole answer (content_filter). Change the input.",
                provider=self._provider,
                model=response.get("model"),
                code="content_filter",
            )
        yield ai_chunk([], id=self._id, usage_metadata=self.usage, response_metadata=facts, chunk_position="last")

    def _fail(self, payload: Json) -> Iterable[AIMessageChunk]:
        response = payload.get("response") or {}
        if response.get("usage"):
            self.usage = read_usage(response["usage"]) or self.usage
        if response:
            status = response.get("status") or "failed"
            error = response.get("error") or {"message": f"the response is {status} (id {response.get('id')})"}
            raise ProviderError({"error": error})
        if not payload.keys() & {"error", "message", "code"}:
            raise ValueError("an event has no type")
        raise ProviderError(payload)

    # Items that are whole

    def _message_item(self, item: Json, key: Any) -> Iterable[AIMessageChunk]:
        for place, part in enumerate(item.get("content") or ()):
            streamed = self._parts.get(key) if key in self._streamed else None
            known = streamed is not None and place < len(streamed)
            index = streamed[place] if streamed is not None and known else self._index((key, "part", place))
            kind = "refusal" if part.get("type") == "refusal" else "text"
            self._has_content = True
            text = "" if known else part.get(kind) or ""
            block: Json = {"type": kind, kind: text, "index": index}
            if item.get("id"):
                block["id"] = item["id"]
            if part.get("annotations"):
                block["annotations"] = part["annotations"]
            extra = {"refusal": text} if kind == "refusal" and text else None
            facts = {"logprobs": {"content": part["logprobs"]}} if part.get("logprobs") else None
            yield ai_chunk([block], id=self._id, additional_kwargs=extra, response_metadata=facts)

    def _reasoning_item(self, item: Json, key: Any) -> Iterable[AIMessageChunk]:
        block: Json = {"type": "reasoning", "index": self._index(key)}
        if item.get("id"):
            block["id"] = item["id"]
        if item.get("encrypted_content"):
            block["encrypted_content"] = item["encrypted_content"]
        thoughts = item.get("content") or ()
        if key not in self._streamed:
            if thoughts:
                block["reasoning"] = "".join(part.get("text") or "" for part in thoughts)
            if item.get("summary") or not thoughts:
                block["summary"] = [{**part, "index": place} for place, part in enumerate(item.get("summary") or ())]
        yield ai_chunk([block], id=self._id)

    def _function_item(self, item: Json, key: Any) -> Iterable[AIMessageChunk]:
        self._has_content = True
        index = self._index(key)
        piece = _call_piece(item, self._missing_args(item, key), index)
        if index in self._calls.ids and key in self._args:
            piece = {**piece, "name": None, "id": None}  # more of the call that is open, whatever it is called now
        calls = self._calls.feed([piece])
        block = {name: value for name, value in item.items() if name not in _NOT_SENT_BACK and value is not None}
        block["call_id"] = self._calls.ids.get(index)
        yield ai_chunk([{**block, "index": index}], id=self._id, tool_call_chunks=calls)

    def _missing_args(self, item: Json, key: Any) -> str | None:
        """What the whole item has of its arguments beyond the pieces that came; all of it where they differ."""
        whole, streamed = item.get("arguments") or "", "".join(self._args.get(key, ()))
        if not streamed or not isinstance(whole, str):
            return whole or ""
        return whole[len(streamed) :] or None if whole.startswith(streamed) else whole

    def _custom_item(self, item: Json, key: Any) -> Iterable[AIMessageChunk]:
        self._has_content = True
        index = self._index(key)
        args = to_json({"__arg1": item.get("input")}).decode()
        calls = self._calls.feed([_call_piece(item, args, index)])
        block = {**item, "call_id": self._calls.ids.get(index), "index": index}
        yield ai_chunk([block], id=self._id, tool_call_chunks=calls)

    def _own_tool(self, item: Json, key: Any) -> Iterable[AIMessageChunk]:
        self._has_content = True
        yield ai_chunk([{**item, "index": self._index(key)}], id=self._id)

    def _part(self, payload: Json) -> int:
        """The block of a message's part, of which a piece has come."""
        item = self._key(payload)
        key = (item, payload.get("content_index"))
        index = self._indices.get(key)
        if index is None:
            index = self._index(key)
            self._streamed.add(item)
            self._parts.setdefault(item, []).append(index)
        return index

    def _key(self, payload: Json) -> Any:
        """Which item an event is about: its place; where a server leaves that out its id, or the item added last."""
        item = payload.get("item") or {}
        for key in (payload.get("output_index"), payload.get("item_id"), item.get("id")):
            if key is not None:
                return key
        return self._added

    def _index(self, key: Any) -> int:
        return self._indices.setdefault(key, len(self._indices))


_CALL = frozenset(("type", "id", "call_id", "name", "arguments", "input", "status", "namespace", "created_by"))
_NOT_SENT_BACK = frozenset(("status", "created_by"))


def _call_piece(item: Json, args: str | None, index: int) -> ToolCallChunk:
    name = item.get("name")
    if not isinstance(name, str | None):
        raise ValueError("the name of a function call is not text")
    if not isinstance(args, str | None):
        args = to_json(args).decode()
    piece = ToolCallChunk(name=name or None, args=args, id=_as_text(item.get("call_id")), index=index)
    if extras := {key: item[key] for key in item.keys() - _CALL if item[key] is not None}:
        piece["extras"] = extras
    return piece


def _as_text(id: Any) -> str | None:
    """An id as text; some servers send numbers."""
    return str(id) if id and isinstance(id, str | int) else None


def _needed_text(payload: Json, key: str) -> str:
    text = payload[key]
    if not isinstance(text, str):
        raise ValueError(f"the {key} of an event is not text")
    return text


_ITEMS: dict[Any, Callable[[ResponsesDecoder, Json, Any], Iterable[AIMessageChunk]]] = {
    "message": ResponsesDecoder._message_item,
    "reasoning": ResponsesDecoder._reasoning_item,
    "function_call": ResponsesDecoder._function_item,
    "custom_tool_call": ResponsesDecoder._custom_item,
}
