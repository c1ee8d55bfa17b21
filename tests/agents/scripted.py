"""A chat model that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field, PrivateAttr

from prill.language_models.built_in_hooks import ChatHooks
from prill.language_models.chat_models import BaseChatModel
from prill.messages import AIMessage, AIMessageChunk, ToolMessage, ai_chunk, text_chunk
from prill.outputs import ChatGeneration, ChatResult

Said = str | AIMessage | BaseException | Callable[[list[Any]], Any]


def calls(*made: Any, text: str = "", **fields: Any) -> AIMessage:
    """A message with calls: ``("weather", {"city": "Oslo"})``, whose ids are c1, c2 …; a third item is the id."""
    return AIMessage(
        content=text,
        tool_calls=[
            {"name": each[0], "args": each[1], "id": each[2] if len(each) > 2 else f"c{place}", "type": "tool_call"}
            for place, each in enumerate(made, 1)
        ],
        **fields,
    )


class Scripted(ChatHooks, BaseChatModel):
    """Says what is in ``script``, one after the other; the last again and again, if ``loops``."""

    script: list[Any]
    loops: bool = False
    bound: list[Any] = Field(default_factory=list)
    requests: list[list[Any]] = Field(default_factory=list)
    _left: list[Any] = PrivateAttr(default_factory=list)

    def model_post_init(self, context: Any) -> None:
        self._left = list(self.script)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        self.bound.append({"tools": [get_function_name(each) for each in tools], "tool_choice": tool_choice, **kwargs})
        return self

    def _next(self, messages: list[Any]) -> AIMessage:
        self.requests.append(list(messages))
        assert self._left, f"the script has ended, and the model is asked again: {messages[-1]!r:.200}"
        said = self._left[0] if self.loops and len(self._left) == 1 else self._left.pop(0)
        if callable(said) and not isinstance(said, type):
            said = said(messages)
        if isinstance(said, BaseException):
            raise said
        return AIMessage(content=said) if isinstance(said, str) else said.model_copy()

    async def _answer(self, messages: list[Any], run: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])

    async def _chunks(self, messages: list[Any], run: Any, **kwargs: Any) -> Any:
        message = self._next(messages)
        for chunk in pieces(message):
            yield chunk


def pieces(message: AIMessage) -> list[AIMessageChunk]:
    """The chunks in which a server might send a message."""
    chunks = [text_chunk(part, message.id) for part in re.findall(r"\S+\s*", str(message.text))]
    for index, call in enumerate([*message.tool_calls, *message.invalid_tool_calls]):
        args = (
            call["args"]
            if isinstance(call["args"], str)
            else AIMessageChunk(content="", tool_calls=[call]).tool_call_chunks[0]["args"]
        )
        halves = args[: len(args) // 2], args[len(args) // 2 :]
        chunks.append(_call_chunk(message, index, call["name"], call["id"], ""))
        chunks += [_call_chunk(message, index, None, None, half) for half in halves if half]
    last = ai_chunk(
        "",
        id=message.id,
        usage_metadata=message.usage_metadata,
        response_metadata=dict(message.response_metadata),
        chunk_position="last",
    )
    return [*chunks, last]


def _call_chunk(message: AIMessage, index: int, name: str | None, id: str | None, args: str) -> AIMessageChunk:
    piece: Any = {"name": name, "args": args, "id": id, "index": index}
    return ai_chunk("", id=message.id, tool_call_chunks=[piece])


def get_function_name(tool: Any) -> str:
    return tool["function"]["name"] if isinstance(tool, dict) else tool.name


def shape(messages: Any) -> list[Any]:
    """Messages in short: ``("human", "hi")``, ``("ai", "text", ["c1"])``, ``("tool", "text", "c1")``."""
    found = []
    for message in messages:
        if isinstance(message, ToolMessage):
            found.append(("tool", message.content, message.tool_call_id))
        elif isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls):
            found.append(
                ("ai", str(message.text), [c["id"] for c in [*message.tool_calls, *message.invalid_tool_calls]])
            )
        else:
            found.append((message.type, str(message.text)))
    return found


def assert_valid(messages: Any) -> None:
    """Each call has exactly one answer, right behind its message, in call order; there are no other answers."""
    waiting: list[Any] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            assert waiting, f"an answer without a call: {shape(messages)}"
            assert message.tool_call_id == waiting.pop(0), shape(messages)
            continue
        assert not waiting, f"no answer to {waiting}: {shape(messages)}"
        if isinstance(message, AIMessage):
            waiting = [call["id"] for call in [*message.tool_calls, *message.invalid_tool_calls]]
            assert len(set(waiting)) == len(waiting)
            assert all(waiting)
    assert not waiting, f"no answer to {waiting}: {shape(messages)}"


# Both colours


class Blocking:
    """Runs an agent in blocking code."""

    def invoke(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return agent.invoke(input, config, **kwargs)

    def stream(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        return list(agent.stream(input, config, **kwargs))

    def events(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        return list(agent.stream_events(input, config, **kwargs))


class Asyncio:
    """The same in asyncio."""

    def invoke(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return asyncio.run(agent.ainvoke(input, config, **kwargs))

    def stream(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        async def main() -> list[Any]:
            return [chunk async for chunk in agent.astream(input, config, **kwargs)]

        return asyncio.run(main())

    def events(self, agent: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        async def main() -> list[Any]:
            return [event async for event in agent.astream_events(input, config, **kwargs)]

        return asyncio.run(main())


COLOURS = [pytest.param(Blocking(), id="blocking"), pytest.param(Asyncio(), id="asyncio")]
