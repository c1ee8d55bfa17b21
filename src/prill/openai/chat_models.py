"""``ChatOpenAI``: chat models of OpenAI, and of the servers that speak its protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, Field, PrivateAttr

from prill.callbacks.run import Run
from prill.errors import ConfigError, ModelInvalidRequestError
from prill.language_models import LanguageModelInput
from prill.messages import AIMessage, AIMessageChunk, BaseMessage
from prill.openai.decode import ChatDecoder
from prill.openai.encode import encode_messages
from prill.openai.input_check import check_images, check_items, check_order
from prill.openai.response_headers import HeadersDecoder, add_headers
from prill.openai.responses_decode import ResponsesDecoder
from prill.openai.responses_encode import encode_request, needs_responses
from prill.openai.results import chat_result, responses_result
from prill.openai.settings import OpenAISettings
from prill.openai.tools import answer_format, bound_tools, described_tools, response_format
from prill.outputs import ChatResult
from prill.providers.calls import Call, make_call
from prill.providers.chat import ProviderChatModel, StreamDecoder
from prill.providers.http.message import Answer
from prill.runnables.base import Runnable

_SENT = (
    "model",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "max_completion_tokens",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "include",
    "truncation",
    "verbosity",
    "modalities",
    "audio",
    "service_tier",
    "store",
    "user",
    "prompt_cache_key",
    "safety_identifier",
)


class ChatOpenAI(OpenAISettings, ProviderChatModel):
    """A chat model of OpenAI, or of any server that speaks its protocol.

        >>> model = ChatOpenAI(model="gpt-4o-mini", temperature=0)  # the key is in OPENAI_API_KEY
        >>> model.invoke("Hi").content  # doctest: +SKIP
        'Hello! How can I help you today?'

    It speaks chat completions, or with ``use_responses_api=True`` responses; left to itself it chooses responses where
    a setting or a tool (``reasoning``, ``include``, ``{"type": "web_search"}`` …) is known there only. ``base_url``
    or ``server`` (``"ollama"``, ``"groq"`` …) lead elsewhere. ``model_kwargs`` and ``extra_body`` are sent as they
    are, for what has no argument here; so is every keyword that a verb or ``bind`` is given.

    ``disabled_params`` names what the model's server does not take: ``{"parallel_tool_calls": None}`` leaves that out
    of all requests, ``{"tool_choice": ["required"]}`` only where it has one of these values.
    ``include_response_headers`` puts the headers of an answer into ``response_metadata["headers"]`` of the message, and
    of the first chunk of a stream. ``output_version`` is taken as programs give it, and changes nothing: ``content`` is
    what the provider sent, and ``content_blocks`` are the standard blocks.
    """

    model: str = Field(default="gpt-3.5-turbo", validation_alias=AliasChoices("model", "model_name"))
    n: int | None = Field(default=None, ge=1)
    top_p: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, int] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    max_completion_tokens: int | None = Field(default=None, gt=0)
    response_format: Any = None
    reasoning_effort: str | None = None
    reasoning: dict[str, Any] | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    disabled_params: dict[str, Any] | None = None
    include_response_headers: bool = Field(default=False, repr=False)
    output_version: str | None = Field(default=None, exclude=True, repr=False)
    use_responses_api: bool | None = None
    include: list[str] | None = None
    truncation: str | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None

    _cache_ignores = ProviderChatModel._cache_ignores | {
        *("output_version", "prompt_cache_key", "safety_identifier", "tiktoken_model_name"),
    }
    _usage_refused: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    @property
    def model_name(self) -> str:
        """The same as ``model``."""
        return self.model

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._settings()

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        stop = stop or ([self.stop] if isinstance(self.stop, str) else self.stop)
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": self.provider}

    def _settings(self) -> dict[str, Any]:
        """What each request says, beside the messages."""
        said = {name: value for name in _SENT if (value := getattr(self, name)) is not None}
        if self.max_tokens is not None:
            # OpenAI's newer models take the new name only, other servers often the old one only.
            said["max_completion_tokens" if self._is_openai() else "max_tokens"] = self.max_tokens
        return {**said, **self.model_kwargs, **(self.extra_body or {})}

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: Any = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, which may now call ``tools``.

        A tool is a function with a docstring, a pydantic class, a ``TypedDict``, a tool object, a JSON schema or a
        dictionary in OpenAI's form. ``tool_choice`` is ``"auto"``, ``"none"``, ``"any"`` (also ``"required"`` and
        ``True``: one of them must be called), a tool's name, or a dictionary in OpenAI's form. ``strict`` makes the
        model keep to the schemas; ``parallel_tool_calls=False`` allows one call an answer.

        Raises ``ConfigError`` for what cannot be described to a model, or a choice that names no tool.
        """
        bound = bound_tools(tools, tool_choice, strict)
        if parallel_tool_calls is not None:
            bound["parallel_tool_calls"] = parallel_tool_calls
        return self.bind(**bound, **kwargs)

    def _bind_output_schema(
        self, form: dict[str, Any], method: str, strict: bool | None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if method == "function_calling":
            kwargs.setdefault("parallel_tool_calls", False)
            return self.bind_tools(
                [{"type": "function", "function": form}], tool_choice=form["name"], strict=strict, **kwargs
            )
        asked = {"type": "json_object"} if method == "json_mode" else answer_format(form, strict)
        return self.bind(response_format=asked, **kwargs)

    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        self._check_call(kwargs)
        request = {**self._settings(), **{name: value for name, value in kwargs.items() if value is not None}}
        if kwargs.get("max_tokens") is not None and self._is_openai():
            request["max_completion_tokens"] = request.pop("max_tokens")
        if request.get("tools"):
            request["tools"] = described_tools(request["tools"])
        if "response_format" in request:
            request["response_format"] = response_format(request["response_format"])
        request = self._without_disabled(request)
        if streaming and (request.get("n") or 1) > 1:
            raise ConfigError("a stream is one answer: with n > 1 use generate, which gives all of them")
        request["stream"] = streaming  # some servers stream unless the request says otherwise
        if needs_responses(request) if self.use_responses_api is None else self.use_responses_api:
            encoded = encode_request(request, messages)
            continues = bool(encoded.keys() & {"previous_response_id", "conversation"})
            check_items(encoded["input"], self.provider, continues=continues)
            check_images(encoded["input"], self.provider)
            return encoded
        if streaming and self.stream_usage and not self._usage_refused:
            request.setdefault("stream_options", {"include_usage": True})
        request["messages"] = encode_messages(messages, keep_reasoning=not self._is_openai())
        check_order(request["messages"], self.provider)
        check_images(request["messages"], self.provider)
        return request

    def _without_disabled(self, request: dict[str, Any]) -> dict[str, Any]:
        disabled = self.disabled_params or {}
        return {
            name: value
            for name, value in request.items()
            if name not in disabled or (disabled[name] is not None and value not in disabled[name])
        }

    def _to_call(self, request: dict[str, Any]) -> Call:
        return make_call(_RESPONSES if "input" in request else "/chat/completions", request)

    async def _open(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> Answer:
        try:
            return await super()._open(messages, run, kwargs)
        except ModelInvalidRequestError as error:
            if self._usage_refused or not self.stream_usage or "stream_options" not in error.message:
                raise
            self._usage_refused = True  # an older server: it is not asked for usage again
        return await super()._open(messages, run, kwargs)

    def _decoder(self, answer: Answer) -> StreamDecoder[AIMessageChunk]:
        make = ResponsesDecoder if answer.request.path == _RESPONSES else ChatDecoder
        decoder: StreamDecoder[AIMessageChunk] = make(self.provider)
        return HeadersDecoder(decoder, answer.headers) if self.include_response_headers else decoder

    def _result(self, payload: Any, answer: Answer) -> ChatResult:
        read = responses_result if answer.request.path == _RESPONSES else chat_result
        result = read(payload, self.provider)
        return add_headers(result, answer.headers) if self.include_response_headers else result


_RESPONSES = "/responses"
