"""``langchain_openai`` and ``langchain_anthropic``: which modules there are, and where their names are in Runlet."""

from __future__ import annotations

_TOOLS_PARSERS = "runlet.output_parsers:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser"
_TEXT_CLAUDE = "runlet.anthropic:Anthropic,AnthropicLLM=Anthropic"

_KINDS = (
    "AuthenticationError ConnectionError ContextOverflowError InvalidRequestError PermissionDeniedError RateLimitError "
    "TimeoutError"
)


def _errors(vendor: str, **others: str) -> str:
    """A vendor's errors: each is the one for all vendors here, so that an ``except`` catches what Runlet raises."""
    pairs = {**{kind: f"Model{kind}" for kind in _KINDS.split()}, **others}
    pairs |= {"APIError": "ModelAPIError", "ModelNotFoundError": "ModelNotFoundError"}
    pairs["ContextOverflowError"] = "ContextOverflowError"
    return "runlet.errors:" + ",".join(f"{vendor}{theirs}={ours}" for theirs, ours in sorted(pairs.items()))


OPENAI = {
    "langchain_openai": (
        "runlet.openai:ChatOpenAI,OpenAI,OpenAIEmbeddings runlet.errors:StreamChunkTimeoutError=StreamTimeout "
        "runlet.compat.versions:__version__=OPENAI"
    ),
    "langchain_openai.chat_models": "runlet.openai:ChatOpenAI",
    "langchain_openai.chat_models.base": (
        "runlet.openai:BaseChatOpenAI=ChatOpenAI,ChatOpenAI "
        + _errors("OpenAI", RefusalError="RefusalError", APIContextOverflowError="ContextOverflowError")
    ),
    "langchain_openai.embeddings": "runlet.openai:OpenAIEmbeddings",
    "langchain_openai.embeddings.base": "runlet.openai:OpenAIEmbeddings",
    "langchain_openai.llms": "runlet.openai:OpenAI",
    "langchain_openai.llms.base": "runlet.openai:BaseOpenAI=OpenAI,OpenAI",
    "langchain_openai.output_parsers": _TOOLS_PARSERS,
    "langchain_openai.output_parsers.tools": _TOOLS_PARSERS,
}

ANTHROPIC = {
    "langchain_anthropic": (
        f"runlet.anthropic:ChatAnthropic {_TEXT_CLAUDE} runlet.compat.versions:__version__=ANTHROPIC"
    ),
    "langchain_anthropic.chat_models": (
        "runlet.anthropic:ChatAnthropic " + _errors("Anthropic", OverloadedError="ModelOverloadedError")
    ),
    "langchain_anthropic.llms": _TEXT_CLAUDE,
}
