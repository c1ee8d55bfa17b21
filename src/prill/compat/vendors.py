"""The vendors' packages for LangChain: which modules there are, and where their names are in Prill."""

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
        "prill.openai:AzureChatOpenAI,AzureOpenAI,AzureOpenAIEmbeddings,ChatOpenAI,OpenAI,OpenAIEmbeddings "
        "prill.errors:StreamChunkTimeoutError=StreamTimeout "
        "prill.compat.module_map:__version__=OPENAI_VERSION"
    ),
    "langchain_openai.chat_models": "prill.openai:AzureChatOpenAI,ChatOpenAI",
    "langchain_openai.chat_models.azure": "prill.openai:AzureChatOpenAI",
    "langchain_openai.chat_models.base": (
        "prill.openai:BaseChatOpenAI=ChatOpenAI,ChatOpenAI "
        + _errors("OpenAI", RefusalError="ModelRefusalError", APIContextOverflowError="ContextOverflowError")
    ),
    "langchain_openai.embeddings": "prill.openai:AzureOpenAIEmbeddings,OpenAIEmbeddings",
    "langchain_openai.embeddings.azure": "prill.openai:AzureOpenAIEmbeddings",
    "langchain_openai.embeddings.base": "prill.openai:OpenAIEmbeddings",
    "langchain_openai.llms": "prill.openai:AzureOpenAI,OpenAI",
    "langchain_openai.llms.azure": "prill.openai:AzureOpenAI",
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

_GEMINI = "prill.google:ChatGoogleGenerativeAI"
_FILTERS = "prill.google:HarmBlockThreshold,HarmCategory"

GOOGLE = {
    "langchain_google_genai": (
        f"{_GEMINI},GoogleGenerativeAIEmbeddings,HarmBlockThreshold,HarmCategory "
        "prill.compat.module_map:__version__=GOOGLE_VERSION"
    ),
    "langchain_google_genai.chat_models": (
        f"{_GEMINI} {_FILTERS} prill.errors:ChatGoogleGenerativeAIError=ModelAPIError"
    ),
    "langchain_google_genai.embeddings": (
        "prill.google:GoogleGenerativeAIEmbeddings prill.errors:GoogleGenerativeAIError=ModelAPIError"
    ),
}

_CONVERSE = "prill.bedrock:ChatBedrockConverse"

AWS = {
    "langchain_aws": f"{_CONVERSE} prill.compat.module_map:__version__=AWS_VERSION",
    "langchain_aws.chat_models": _CONVERSE,
    "langchain_aws.chat_models.bedrock_converse": _CONVERSE,
}

LANGSERVE = {
    "langserve": "prill.serve:CustomUserType,RemoteRunnable,add_routes",
    "langserve.client": "prill.serve:RemoteRunnable",
    "langserve.schema": "prill.serve:CustomUserType",
    "langserve.server": "prill.serve:add_routes",
}
