"""``langchain_openai``, ``langchain_anthropic`` and ``langserve``: their modules, and where the names are in Prill."""

from __future__ import annotations

_TOOLS_PARSERS = "prill.output_parsers:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser"
_TEXT_CLAUDE = "prill.anthropic:Anthropic,AnthropicLLM=Anthropic"

_KINDS = (
    "AuthenticationError ConnectionError ContextOverflowError InvalidRequestError PermissionDeniedError RateLimitError "
    "TimeoutError"
)


def _errors(vendor: str, **others: str) -> str:
    """A vendor's errors: each is the one for all vendors here, so that an ``except`` catches what Prill raises."""
    pairs = {**{kind: f"Model{kind}" for kind in _KINDS.split()}, **others}
    pairs |= {"APIError": "ModelAPIError", "ModelNotFoundError": "ModelNotFoundError"}
    pairs["ContextOverflowError"] = "ContextOverflowError"
    return "prill.errors:" + ",".join(f"{vendor}{theirs}={ours}" for theirs, ours in sorted(pairs.items()))


OPENAI = {
    "langchain_openai": (
        "prill.openai:ChatOpenAI,OpenAI,OpenAIEmbeddings prill.errors:StreamChunkTimeoutError=StreamTimeout "
        "prill.compat.module_map:__version__=OPENAI_VERSION"
    ),
    "langchain_openai.chat_models": "prill.openai:ChatOpenAI",
    "langchain_openai.chat_models.base": (
        "prill.openai:BaseChatOpenAI=ChatOpenAI,ChatOpenAI "
        + _errors("OpenAI", RefusalError="ModelRefusalError", APIContextOverflowError="ContextOverflowError")
    ),
    "langchain_openai.embeddings": "prill.openai:OpenAIEmbeddings",
    "langchain_openai.embeddings.base": "prill.openai:OpenAIEmbeddings",
    "langchain_openai.llms": "prill.openai:OpenAI",
    "langchain_openai.llms.base": "prill.openai:BaseOpenAI=OpenAI,OpenAI",
    "langchain_openai.output_parsers": _TOOLS_PARSERS,
    "langchain_openai.output_parsers.tools": _TOOLS_PARSERS,
}

ANTHROPIC = {
    "langchain_anthropic": (
        f"prill.anthropic:ChatAnthropic {_TEXT_CLAUDE} prill.compat.module_map:__version__=ANTHROPIC_VERSION"
    ),
    "langchain_anthropic.chat_models": (
        "prill.anthropic:ChatAnthropic " + _errors("Anthropic", OverloadedError="ModelOverloadedError")
    ),
    "langchain_anthropic.llms": _TEXT_CLAUDE,
}

LANGSERVE = {
    "langserve": "prill.serve:CustomUserType,RemoteRunnable,add_routes",
    "langserve.client": "prill.serve:RemoteRunnable",
    "langserve.schema": "prill.serve:CustomUserType",
    "langserve.server": "prill.serve:add_routes",
}
