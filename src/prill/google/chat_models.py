"""``ChatGoogleGenerativeAI``: Google's models, through the Gemini API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from prill.errors import ConfigError
from prill.google.decode import GoogleDecoder, wants_blocks
from prill.google.encode import encode_messages
from prill.google.request import build_request
from prill.google.settings import GoogleSettings, model_path
from prill.google.tools import encode_choice, encode_tools, function_names
from prill.language_models import LanguageModelInput
from prill.messages import AIMessage, BaseMessage, merge_chunks, message_chunk_to_message
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.calls import Call, make_call
from prill.providers.chat import ProviderChatModel
from prill.providers.http.message import Answer
from prill.providers.reading import check_error
from prill.runnables import Runnable
from prill.transducers.json_stream import JSONArrayDecoder

_SENT = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "n",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "response_logprobs",
    "logprobs",
    "response_mime_type",
    "response_schema",
    "response_modalities",
    "media_resolution",
    "speech_config",
    "image_config",
    "thinking_budget",
    "thinking_level",
    "include_thoughts",
    "safety_settings",
    "cached_content",
    "labels",
)

# What requests may say that is not a setting of a model.
_CALL_WORDS = (
    *("tools", "tool_choice", "tool_config", "strict", "parallel_tool_calls", "generation_config"),
    *("response_json_schema", "service_tier", "store", "extra_body", "extra_headers", "extra_query"),
)


class ChatGoogleGenerativeAI(GoogleSettings, ProviderChatModel):
    """Google's models.

        >>> model = ChatGoogleGenerativeAI(model="gemini-2.5-flash")  # the key is in GOOGLE_API_KEY
        >>> for chunk in model.stream("Write a verse about goldfish on the moon"):  # doctest: +SKIP
        ...     print(chunk.content, end="|")
        On lunar| tides of silver| light,|...

    An answer's content is text, and its calls are in ``tool_calls``. The content is a list of standard blocks where
    there is anything else: thoughts (``include_thoughts=True``), images and sounds (``response_modalities``), code that
    Google ran. Sent back, such a message is what it was, signatures of thoughts included.

    ``safety_settings`` are thresholds by category: ``{"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}``. A prompt or a
    whole answer that a filter holds back is a ``ContentFilterError``; an answer of which a part had come has the
    filter's reason as its ``finish_reason``. ``model_kwargs`` and keywords that have no argument here go into the
    request as they are, and the dictionary ``generation_config`` into that part of it.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    max_tokens: int | None = Field(default=None, gt=0, validation_alias=AliasChoices("max_output_tokens", "max_tokens"))
    top_p: float | None = None
    top_k: int | None = None
    n: int | None = Field(default=None, ge=1)
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: Any = None
    response_modalities: list[Any] | None = None
    media_resolution: Any = None
    speech_config: dict[str, Any] | None = None
    image_config: dict[str, Any] | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool | None = None
    safety_settings: Any = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None
    convert_system_message_to_human: bool = Field(default=False, repr=False)
    model_kwargs: dict[str, Any] = Field(default_factory=dict)

    _cache_ignores: ClassVar[frozenset[str]] = ProviderChatModel._cache_ignores | GoogleSettings.not_in_cache_key
    _call_words: ClassVar[frozenset[str]] = frozenset(_CALL_WORDS)

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: Any = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, with tools that it may call.

        Args:
            tools: what the model may call: functions, pydantic classes, tools, JSON schemas, dictionaries in OpenAI's
                form; ``{"google_search": {}}`` and others that Google runs.
            tool_choice: ``"auto"``, ``"any"`` (it must call one), ``"none"``, the name of the function that it must
                call, a list of such names, or the dictionary that the API takes.
            strict: have calls that the model is free to make keep to their schemas.
            parallel_tool_calls: has no effect; the API decides.
            **kwargs: bound too.

        Raises:
            ConfigError: a tool cannot be described, or ``tool_choice`` names none of them.
        """
        described = encode_tools(tools)
        config = encode_choice(tool_choice, function_names(described), strict)
        chosen = {} if config is None else {"tool_config": config}
        return self.bind(**({"tools": described} if described else {}), **chosen, **kwargs)

    def _bind_output_schema(
        self, form: dict[str, Any], method: str, strict: bool | None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if method == "function_calling":
            tool = {"type": "function", "function": form}
            return self.bind_tools([tool], tool_choice=form["name"], strict=strict, **kwargs)
        schema = {"response_json_schema": form["parameters"]} if method == "json_schema" else {}
        return self.bind(response_mime_type="application/json", **schema, **kwargs)

    @property
    def _llm_type(self) -> str:
        return "chat-google-generative-ai"

    @property
    def max_output_tokens(self) -> int | None:
        """The same as ``max_tokens``."""
        return self.max_tokens

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **self._settings()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        stop = stop or ([self.stop] if isinstance(self.stop, str) else self.stop)
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": self.provider}

    def _settings(self) -> dict[str, Any]:
        said = {name: value for name in _SENT if (value := getattr(self, name)) is not None}
        return {**said, **self.model_kwargs}

    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        self._check_call(kwargs)
        given = {name: value for name, value in kwargs.items() if value is not None}
        settings = {**self._settings(), **given}
        if "max_output_tokens" in given:
            settings.pop("max_tokens", None)
        model = settings.pop("model", None) or self.model
        if streaming and (settings.get("n") or 1) > 1:
            raise ConfigError("a stream is one answer: with n > 1 use generate, which gives all of them")
        system, contents = encode_messages(messages, sign=_wants_signatures(model))
        request = {**build_request(settings), "contents": contents, "model": model, "stream": streaming}
        return {**request, "systemInstruction": system} if system else request

    def _to_call(self, request: dict[str, Any]) -> Call:
        body = dict(request)
        model, streams = body.pop("model"), body.pop("stream")  # both are said by the path
        if not streams:
            return make_call(model_path(model, "generateContent"), body)
        body["extra_query"] = {"alt": "sse", **(body.get("extra_query") or {})}
        return make_call(model_path(model, "streamGenerateContent"), body)

    def _decoder(self, answer: Answer) -> GoogleDecoder:
        # Without ``alt=sse``, and behind gateways that drop it, a stream is a JSON array.
        in_array = "json" in answer.headers.get("content-type", "")
        return GoogleDecoder(
            blocks=wants_blocks(dict(answer.request.body)), framing=JSONArrayDecoder if in_array else None
        )

    def _result(self, payload: Any, answer: Answer) -> ChatResult:
        check_error(payload, expected="candidates")
        blocks = wants_blocks(dict(answer.request.body))
        candidates = (payload.get("candidates") if isinstance(payload, dict) else None) or [None]
        each = [payload if one is None else {**payload, "candidates": [{**one, "index": 0}]} for one in candidates]
        generations = [_generation(GoogleDecoder(blocks=blocks), one) for one in each]
        facts = generations[0].message.response_metadata
        output = {name: facts[name] for name in ("token_usage", "model_name", "id", "prompt_feedback") if name in facts}
        return ChatResult(generations=generations, llm_output={**output, "model_provider": self.provider})


def _generation(decoder: GoogleDecoder, payload: Any) -> ChatGeneration:
    message = message_chunk_to_message(merge_chunks(decoder.whole(payload)))
    facts = message.response_metadata
    info = {name: facts[name] for name in ("finish_reason", "safety_ratings", "logprobs_result") if name in facts}
    return ChatGeneration(message=message, generation_info=info)


def _wants_signatures(model: str) -> bool:
    """Whether a model refuses calls of functions without a signature: those of Gemini 3 and later do."""
    found = re.search(r"gemini-(\d+)", model)
    return found is not None and int(found[1]) >= 3
