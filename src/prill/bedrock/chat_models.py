"""``ChatBedrockConverse``: models in Amazon Bedrock, through its Converse API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import AliasChoices, Field

from prill.bedrock.decode import ConverseDecoder
from prill.bedrock.encode import encode_choice, encode_messages, encode_tools
from prill.bedrock.settings import BedrockSettings
from prill.errors import ConfigError
from prill.language_models import LanguageModelInput
from prill.messages import AIMessage, BaseMessage, merge_chunks, message_chunk_to_message
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.calls import Call, make_call
from prill.providers.chat import ProviderChatModel
from prill.providers.http.message import Answer
from prill.providers.reading import check_error
from prill.runnables import Runnable

_INFERENCE = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
_TOP = {
    "additional_model_request_fields": "additionalModelRequestFields",
    "additional_model_response_field_paths": "additionalModelResponseFieldPaths",
    "guardrail_config": "guardrailConfig",
    "performance_config": "performanceConfig",
    "request_metadata": "requestMetadata",
}
_CALL_WORDS = ("tools", "tool_choice", "extra_body", "extra_headers", "extra_query")


class ChatBedrockConverse(BedrockSettings, ProviderChatModel):
    """Models in Amazon Bedrock.

        >>> model = ChatBedrockConverse(model="amazon.nova-lite-v1:0", region_name="us-east-1")  # doctest: +SKIP
        >>> model.invoke("Hi").content  # doctest: +SKIP
        'Hello! How can I help you today?'

    Requests are signed with the credentials that ``botocore`` finds, which the extra ``bedrock`` brings. ``model`` is
    the name of a model or of a profile, or its ARN. An answer's content is text, and its calls are in ``tool_calls``;
    it is a list of standard blocks where the model shows its reasoning. What is particular to a model goes into
    ``additional_model_request_fields``.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_id", "model_name"))
    top_p: float | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    additional_model_response_field_paths: list[str] | None = None
    guardrail_config: dict[str, Any] | None = Field(
        default=None, validation_alias=AliasChoices("guardrail_config", "guardrails")
    )
    performance_config: dict[str, Any] | None = None
    request_metadata: dict[str, str] | None = None

    _cache_ignores: ClassVar[frozenset[str]] = ProviderChatModel._cache_ignores | BedrockSettings.not_in_cache_key
    _call_words: ClassVar[frozenset[str]] = frozenset(_CALL_WORDS)

    @property
    def _llm_type(self) -> str:
        return "amazon_bedrock_converse_chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **self._settings()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        stop = stop or ([self.stop] if isinstance(self.stop, str) else self.stop)
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": self.provider}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, with tools that it may call.

        ``tool_choice`` is ``"auto"``, ``"any"`` (it must call one), the name of the tool that it must call, or the
        dictionary that the API takes.

        Raises ``ConfigError`` for what cannot be described to a model, or a choice that names no tool.
        """
        described = encode_tools(tools)
        chosen = encode_choice(tool_choice, described)
        return self.bind(tools=described, **({"tool_choice": chosen} if chosen else {}), **kwargs)

    def _bind_output_schema(
        self, form: dict[str, Any], method: str, strict: bool | None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if method != "function_calling":
            raise ConfigError(f"{type(self).__name__} supports only method='function_calling', not {method!r}")
        return self.bind_tools([{"type": "function", "function": form}], tool_choice=form["name"], **kwargs)

    def _settings(self) -> dict[str, Any]:
        return {name: value for name in (*_INFERENCE, *_TOP) if (value := getattr(self, name)) is not None}

    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        self._check_call(kwargs)
        rest = {**self._settings(), **{name: value for name, value in kwargs.items() if value is not None}}
        model = rest.pop("model", None) or self.model
        system, turns = encode_messages(messages)
        request: dict[str, Any] = {"messages": turns, **({"system": system} if system else {})}
        request |= {theirs: rest.pop(name) for name, theirs in _TOP.items() if name in rest}
        if config := {theirs: rest.pop(name) for name, theirs in _INFERENCE.items() if name in rest}:
            stop = config.get("stopSequences")
            request["inferenceConfig"] = {**config, **({"stopSequences": [stop]} if isinstance(stop, str) else {})}
        tools, choice = encode_tools(rest.pop("tools", None) or []), rest.pop("tool_choice", None)
        if tools:
            chosen = encode_choice(choice, tools)
            request["toolConfig"] = {"tools": tools, **({"toolChoice": chosen} if chosen else {})}
        return {**request, **rest, "model": model, "stream": streaming}

    def _to_call(self, request: dict[str, Any]) -> Call:
        body = dict(request)
        model, streams = body.pop("model"), body.pop("stream")  # both are said by the path
        return make_call(f"/model/{quote(model, safe='')}/{'converse-stream' if streams else 'converse'}", body)

    def _decoder(self, answer: Answer) -> ConverseDecoder:
        return ConverseDecoder(self._request_id(answer), self.model)

    def _result(self, payload: Any, answer: Answer) -> ChatResult:
        check_error(payload, expected="output")
        message = message_chunk_to_message(merge_chunks(self._decoder(answer).whole(payload)))
        output = {"model_provider": self.provider, "model_name": self.model}
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=output)
