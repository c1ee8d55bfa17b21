"""``ChatAnthropic``: Anthropic's models, through the messages API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.anthropic.decode import AnthropicDecoder, wants_blocks
from prill.anthropic.encode import encode_messages
from prill.anthropic.settings import AnthropicSettings, stops
from prill.anthropic.tools import choice_of_tool, convert_to_anthropic_tool, convert_to_anthropic_tools
from prill.language_models import LanguageModelInput
from prill.messages import AIMessage, BaseMessage, merge_chunks, message_chunk_to_message
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.chat import ProviderChatModel
from prill.providers.http.message import Answer
from prill.providers.images import check_image, check_image_url
from prill.runnables import Runnable


class ChatAnthropic(AnthropicSettings, ProviderChatModel):
    """Anthropic's models.

        >>> model = ChatAnthropic(model="claude-sonnet-5")  # the key is in ANTHROPIC_API_KEY
        >>> for chunk in model.stream("Write a verse about goldfish on the moon"):  # doctest: +SKIP
        ...     print(chunk.content, end="|")
        Here|'s a| verse|...

    The address is ``base_url`` or ``ANTHROPIC_BASE_URL``, without ``/v1``.

    An answer's content is text, and its tool calls are in ``tool_calls``. The content is a list of Anthropic's blocks,
    tool calls included, where thinking, tools that the provider runs or citations are asked for, or come. Sent back,
    such a message is what it was, signatures included.

    ``thinking``, ``service_tier``, ``mcp_servers``, ``context_management``, ``container`` and all that is in
    ``model_kwargs`` go into the request as they are; ``effort`` goes into its ``output_config``, ``betas`` into the
    header ``anthropic-beta``. ``metadata`` is for observers; the API's own is given as
    ``model_kwargs={"metadata": {"user_id": "…"}}``.
    """

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, with tools that it may call.

        Each of ``tools`` is a function, a pydantic class, a tool, a JSON schema with a title, a dictionary in OpenAI's
        or in Anthropic's form, or names a tool that Anthropic has built in (``{"type": "web_search_20250305", …}``).

        Args:
            tools: what the model may call.
            tool_choice: ``"auto"``, ``"any"`` (it must call one), ``"none"``, the name of the tool it must call, or
                the dictionary that the API takes.
            parallel_tool_calls: ``False`` lets it call only one tool at a time.
            strict: have the arguments follow the schema strictly.
            **kwargs: bound too.

        Raises:
            ConfigError: a tool cannot be described, or ``tool_choice`` names none of them.
        """
        described = convert_to_anthropic_tools(tools, strict=strict)
        chosen = choice_of_tool(tool_choice, parallel_tool_calls, described)
        if chosen is not None:
            kwargs["tool_choice"] = chosen
        return self.bind(tools=described, **kwargs)

    def _bind_output_schema(
        self, form: dict[str, Any], method: str, strict: bool | None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if method == "function_calling":
            # A model that thinks may not be made to call a tool.
            thinks = (kwargs.get("thinking") or self.thinking or {}).get("type") in ("enabled", "adaptive")
            choice = None if thinks else form["name"]
            return self.bind_tools(
                [{"type": "function", "function": form}], tool_choice=choice, strict=strict, **kwargs
            )
        # There is no JSON mode; the schema says more.
        output = self._settings().get("output_config") or {}
        schema = convert_to_anthropic_tool(form, strict=True)["input_schema"]
        asked = {"type": "json_schema", "schema": schema}
        return self.bind(output_config={**output, **kwargs.pop("output_config", {}), "format": asked}, **kwargs)

    @property
    def _llm_type(self) -> str:
        return "anthropic-chat"

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
        self._check_call(kwargs)
        system, turns = encode_messages(messages)
        _check_images(turns)
        request = self._settings()
        if system is not None:
            request["system"] = system
        said = {name: value for name, value in kwargs.items() if value is not None}
        if stop := stops(said.pop("stop", None)):
            request["stop_sequences"] = stop
        if tools := said.get("tools"):
            said["tools"] = convert_to_anthropic_tools(tools)
        request |= {**said, "messages": turns, "stream": streaming}
        if not streaming:
            self._check_length(request)
        return request

    def _decoder(self, answer: Answer) -> AnthropicDecoder:
        return AnthropicDecoder(blocks=wants_blocks(answer.request.body), count_tokens=self.stream_usage)

    def _result(self, payload: Any, answer: Answer) -> ChatResult:
        decoder = AnthropicDecoder(blocks=wants_blocks(answer.request.body))
        message = message_chunk_to_message(merge_chunks(decoder.whole(payload)))
        output = {"token_usage": getattr(message, "usage_metadata", None), "model_name": payload.get("model")}
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=output)


def _check_images(turns: Sequence[Mapping[str, Any]]) -> None:
    for turn in turns:
        if isinstance(turn["content"], list):
            for block in turn["content"]:
                _check_image(block)


def _check_image(block: Mapping[str, Any]) -> None:
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        for inner in block["content"]:
            _check_image(inner)
    source = block.get("source")
    if block["type"] != "image" or not isinstance(source, Mapping):
        return
    if source.get("type") == "base64":
        check_image(source.get("media_type") or "", source.get("data") or "", "anthropic")
    elif source.get("type") == "url":
        check_image_url(source.get("url"), "anthropic")
