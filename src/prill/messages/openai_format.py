"""Messages in the form that OpenAI's chat completions take."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from json import dumps
from typing import Any, Literal

from prill.errors import ConfigError
from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.buffer import plain_type
from prill.messages.chat import ChatMessage
from prill.messages.content import is_data_content_block
from prill.messages.convert import MessageLikeRepresentation, convert_to_messages
from prill.messages.data_blocks import convert_to_openai_data_block
from prill.messages.tool import ToolMessage

Block = dict[str, Any]

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function"}


def convert_to_openai_messages(
    messages: MessageLikeRepresentation | Sequence[MessageLikeRepresentation],
    *,
    text_format: Literal["string", "block"] = "string",
    include_id: bool = False,
    pass_through_unknown_blocks: bool = True,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Write messages as OpenAI's chat completions take them: a list gives a list, one message one dictionary.

    ``text_format="string"`` makes one text of contents that are text only, ``"block"`` makes blocks of all texts.
    Blocks in Anthropic's, Bedrock's and Google's form are translated. A message with results of tools becomes
    several. Blocks of unknown form are passed through, or, with ``pass_through_unknown_blocks=False``, refused.

    >>> from prill.messages import HumanMessage
    >>> convert_to_openai_messages(HumanMessage("Hi"))
    {'role': 'user', 'content': 'Hi'}

    Raises ``ConfigError`` if a block has not the keys that its type needs, or is unknown and not to be passed through.
    """
    if text_format not in ("string", "block"):
        raise ConfigError(f"unknown text_format {text_format!r}; the formats are 'string' and 'block'")
    single = isinstance(messages, str | dict | BaseMessage) or (
        isinstance(messages, tuple) and len(messages) == 2 and isinstance(messages[0], str)
    )
    given: Any = [messages] if single else messages
    written: list[dict[str, Any]] = []
    for place, message in enumerate(convert_to_messages(given)):
        written += _Writer(place, message, text_format, include_id, pass_through_unknown_blocks).write()
    return written[0] if single and len(written) == 1 else written


class _Writer:
    def __init__(
        self, place: int, message: BaseMessage, text_format: str, include_id: bool, pass_unknown: bool
    ) -> None:
        self._place = place
        self._message = message
        self._as_blocks = text_format == "block"
        self._pass_unknown = pass_unknown
        self._results: list[dict[str, Any]] = []
        self._head = self._first_fields(include_id)

    def _first_fields(self, include_id: bool) -> dict[str, Any]:
        message = self._message
        head: dict[str, Any] = {"role": self._role()}
        if message.name:
            head["name"] = message.name
        if isinstance(message, AIMessage) and message.tool_calls:
            head["tool_calls"] = [
                _function(call["id"], call["name"], dumps(call["args"], ensure_ascii=False))
                for call in message.tool_calls
            ]
        if message.additional_kwargs.get("refusal"):
            head["refusal"] = message.additional_kwargs["refusal"]
        if include_id and message.id:
            head["id"] = message.id
        if isinstance(message, ToolMessage):
            head["tool_call_id"] = message.tool_call_id
        return head

    def _role(self) -> str:
        message = self._message
        kind = plain_type(message)
        if isinstance(message, ChatMessage):
            return message.role
        if kind == "system":
            return str(message.additional_kwargs.get("__openai_role__", "system"))
        if kind not in _ROLES:
            raise ConfigError(f"messages[{self._place}] is a {type(message).__name__}, for which OpenAI has no role")
        return _ROLES[kind]

    def write(self) -> list[dict[str, Any]]:
        content = self._message.content
        parts = [content] if isinstance(content, str) and content else content or []
        blocks = [block for number, part in enumerate(parts) for block in self._part(number, part)]
        if self._results and not blocks:
            return self._results
        texts = all(block.get("type") == "text" for block in blocks)
        body: Any = blocks
        if not self._as_blocks and texts:
            body = "\n".join(block["text"] for block in blocks)
        return [*self._results, {**self._head, "content": body}]

    def _part(self, number: int, part: str | Block) -> list[Block]:
        if isinstance(part, str):
            return [{"type": "text", "text": part}]
        where = f"messages[{self._place}].content[{number}]"
        kind = part.get("type")
        if kind == "tool_use":
            self._add_call(_needed(part, where, "id", "name", "input"))
            return []
        if kind == "tool_result":
            self._add_result(_needed(part, where, "tool_use_id", "content"), where)
            return []
        if kind == "function_call":
            call = _needed(part, where, "call_id", "name", "arguments")
            self._add_call({"id": call["call_id"], "name": call["name"], "arguments": call["arguments"]})
            return [part] if self._pass_unknown else []
        if kind in ("tool_call", "thinking", "reasoning"):
            return [part]
        return [self._translated(part, where)]

    def _translated(self, part: Block, where: str) -> Block:
        kind = part.get("type")
        if kind in _SHAPES:
            return _SHAPES[kind](part, where)
        if kind != "text-plain" and is_data_content_block(part):
            return convert_to_openai_data_block(part)
        for key, write in _UNTYPED.items():
            if kind is None and isinstance(part.get(key), dict):
                return write(part[key])
        if not self._pass_unknown:
            raise ConfigError(
                f"{where} is a block of the unknown type {kind!r} with {', '.join(map(repr, part))}; "
                "known are the forms of OpenAI, Anthropic, Bedrock and Google"
            )
        return part

    def _add_call(self, part: Block) -> None:
        calls = self._head.setdefault("tool_calls", [])
        if all(call["id"] != part["id"] for call in calls):
            arguments = part["arguments"] if "arguments" in part else dumps(part["input"], ensure_ascii=False)
            calls.append(_function(part["id"], part["name"], arguments))

    def _add_result(self, part: Block, where: str) -> None:
        answer = ToolMessage(part["content"], tool_call_id=part["tool_use_id"])
        text_format = "block" if self._as_blocks else "string"
        self._results += _Writer(self._place, answer, text_format, False, self._pass_unknown).write()


def _function(id: str | None, name: str, arguments: str) -> Block:
    return {"type": "function", "id": id, "function": {"name": name, "arguments": arguments}}


def _needed(part: Block, where: str, *keys: str) -> Block:
    if missing := [key for key in keys if key not in part]:
        raise ConfigError(f"{where}, a block of type {part.get('type')!r}, lacks {', '.join(map(repr, missing))}")
    return part


def _text(part: Block, where: str) -> Block:
    return {"type": "text", "text": _needed(part, where, "text")["text"]}


def _image_url(part: Block, where: str) -> Block:
    return {"type": "image_url", "image_url": _needed(part, where, "image_url")["image_url"]}


def _image(part: Block, where: str) -> Block:
    if is_data_content_block(part):
        return convert_to_openai_data_block(part)
    source = _needed(part, where, "source")["source"]
    if source.get("type") == "url":
        return _make_image_block(source["url"])
    if "bytes" in source:
        return _bedrock_image(part)
    _needed(source, f"{where}.source", "media_type", "data")
    return _make_image_block(f"data:{source['media_type']};base64,{source['data']}")


def _input_audio(part: Block, where: str) -> Block:
    return {"type": "input_audio", "input_audio": _needed(part, where, "input_audio")["input_audio"]}


def _file(part: Block, where: str) -> Block:
    if isinstance(file := part.get("file"), dict):
        # OpenAI requires a name with the data.
        return {**part, "file": {"filename": "file", **file}} if file.get("file_data") else part
    if isinstance(part.get("source"), dict):
        source = part["source"]
        data = f"data:{source.get('media_type')};base64,{source.get('data')}"
        return {"type": "file", "file": {"file_data": data, "filename": part.get("title", "document")}}
    return convert_to_openai_data_block(part)


def _guarded(part: Block, where: str) -> Block:
    return {"type": "text", "text": _needed(part, where, "guard_content")["guard_content"]["text"]}


def _json(part: Block, where: str) -> Block:
    return _json_text(_needed(part, where, "json")["json"])


def _json_text(value: Any) -> Block:
    return {"type": "text", "text": dumps(value, ensure_ascii=False)}


def _google_media(part: Block, where: str) -> Block:
    _needed(part, where, "mime_type", "data")
    return _make_image_block(f"data:{part['mime_type']};base64,{_base64(part['data'])}")


def _bedrock_image(image: Block) -> Block:
    return _make_image_block(f"data:image/{image.get('format', 'png')};base64,{_base64(image['source']['bytes'])}")


def _make_image_block(url: str) -> Block:
    return {"type": "image_url", "image_url": {"url": url}}


def _base64(data: Any) -> str:
    return b64encode(data).decode() if isinstance(data, bytes) else str(data)


_SHAPES: dict[str, Callable[[Block, str], Block]] = {
    "text": _text,
    "image_url": _image_url,
    "image": _image,
    "input_audio": _input_audio,
    "file": _file,
    "document": _file,
    "guard_content": _guarded,
    "json": _json,
    "media": _google_media,
}
_UNTYPED: dict[str, Callable[[Block], Block]] = {
    "image": _bedrock_image,
    "json": _json_text,
}
