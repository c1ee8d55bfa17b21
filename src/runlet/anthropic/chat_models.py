"""``ChatAnthropic``: Anthropic's models, through the messages API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
from pydantic_core import from_json

from runlet.anthropic.decode import AnthropicDecoder, events_of, wants_blocks
from runlet.anthropic.encode import encode_messages
from runlet.anthropic.settings import AnthropicSettings, posted, stops
from runlet.messages import BaseMessage, merge_chunks, message_chunk_to_message
from runlet.outputs import ChatGeneration, ChatResult
from runlet.providers.chat import ProviderChatModel


class ChatAnthropic(AnthropicSettings, ProviderChatModel):
    """Anthropic's models.

        >>> model = ChatAnthropic(model="claude-sonnet-4-5")  # the key is in ANTHROPIC_API_KEY
        >>> for chunk in model.stream("Write a verse about goldfish on the moon"):  # doctest: +SKIP
        ...     print(chunk.content, end="|")
        Here|'s a| verse|...

    The address is ``base_url`` or ``ANTHROPIC_BASE_URL``, without the ``/v1`` that the SDK adds.

    An answer's content is text, and its tool calls are in ``tool_calls``. The content is a list of Anthropic's blocks,
    tool calls included, where thinking, tools that the provider runs or citations are asked for, or come. Sent back,
    such a message is what it was, signatures included.

    ``thinking``, ``service_tier``, ``mcp_servers``, ``context_management``, ``container`` and all that is in
    ``model_kwargs`` go into the request as they are; ``effort`` goes into its ``output_config``, ``betas`` into the
    header ``anthropic-beta``. ``metadata`` is for observers; the API's own is given as
    ``model_kwargs={"metadata": {"user_id": "…"}}``.
    """

    @property
    def _llm_type(self) -> str:
        return "anthropic-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._settings()

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params = {
            "ls_provider": self.provider,
            "ls_model_name": kwargs.get("model", self.model),
            "ls_model_type": "chat",
            "ls_temperature": kwargs.get("temperature", self.temperature),
            "ls_max_tokens": kwargs.get("max_tokens", self.max_tokens),
        }
        stop = stop or stops(self.stop)
        return {**params, "ls_stop": stop} if stop else params

    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        system, turns = encode_messages(messages)
        request = self._settings()
        if system is not None:
            request["system"] = system
        said = {name: value for name, value in kwargs.items() if value is not None}
        if stop := stops(said.pop("stop", None)):
            request["stop_sequences"] = stop
        return {**request, **said, "messages": turns, "stream": streaming}

    def _post(self, request: dict[str, Any]) -> Callable[[Any], Any]:
        return posted(request)

    def _decoder(self, response: httpx2.Response) -> AnthropicDecoder:
        return AnthropicDecoder(blocks=_wants_blocks(response), count_tokens=self.stream_usage)

    def _result(self, payload: Any, response: httpx2.Response) -> ChatResult:
        decoder = AnthropicDecoder(blocks=_wants_blocks(response))
        chunks = [chunk for event in events_of(payload) for chunk in decoder.read(event)]
        message = message_chunk_to_message(merge_chunks(chunks))
        output = {"token_usage": getattr(message, "usage_metadata", None), "model_name": payload.get("model")}
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=output)


def _wants_blocks(response: httpx2.Response) -> bool:
    return wants_blocks(from_json(response.request.content))
