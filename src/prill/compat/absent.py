"""Advice for names that Prill does not have, shown in the error of an import."""

from __future__ import annotations

_MODELS = "use init_chat_model('provider:model') of prill, or ChatOpenAI with a base_url"
_LANGSMITH = "it is a client of LangSmith; prill.tracers.opentelemetry sends runs to any OpenTelemetry endpoint"
_AGENTS = "use create_agent of prill.agents"
_GRAPHS = (
    "graphs run on LangGraph itself: `python -m prill.compat --core program.py` leads the names of langchain_core to "
    "Prill and leaves langgraph as it is; for an agent use create_agent of prill.agents"
)
_CHAINS = "write the chain: prompt | model | parser"
_MEMORY = "use RunnableWithMessageHistory of prill.runnables"
_LOADERS = (
    "there are the loaders of files, folders and pages in prill.document_loaders; for other sources subclass BaseLoader"
)
_NO_FILES = "pickle the prompt, or keep its template in a file (PromptTemplate.from_file)"

ADVICE = {
    "langchain.agents.AgentType": _AGENTS,
    "langchain.agents.initialize_agent": _AGENTS,
    "langchain.chains": _CHAINS,
    "langchain.document_loaders": _LOADERS,
    "langchain.LLMChain": _CHAINS,
    "langchain.memory": _MEMORY,
    "langchain.output_parsers.ResponseSchema": "use model.with_structured_output(schema)",
    "langchain.output_parsers.StructuredOutputParser": "use model.with_structured_output(schema)",
    "langchain.smith": _LANGSMITH,
    "langchain_anthropic.experimental": "ChatAnthropic calls tools itself: model.bind_tools(tools)",
    "langchain_anthropic.output_parsers": "use the parsers of tool calls in langchain_core.output_parsers",
    "langchain_aws": "of langchain_aws there is ChatBedrockConverse, which asks all models of Bedrock",
    "langchain_community.agent_toolkits": _AGENTS,
    "langchain_community.chat_models": _MODELS,
    "langchain_community.document_loaders": _LOADERS,
    "langchain_community.llms": _MODELS,
    "langchain_core.exceptions.create_message": "messages of Prill's errors say what to do themselves",
    "langchain_core.exceptions.ErrorCode": "catch the classes of prill.errors",
    "langchain_core.language_models.chat_model_stream": "use stream, astream or astream_events",
    "langchain_core.prompts.load_prompt": _NO_FILES,
    "langchain_core.prompts.loading": _NO_FILES,
    "langchain_core.tracers.EvaluatorCallbackHandler": _LANGSMITH,
    "langchain_core.tracers.LangChainTracer": _LANGSMITH,
    "langchain_core.tracers.context.tracing_v2_enabled": _LANGSMITH,
    "langchain_core.tracers.evaluation": _LANGSMITH,
    "langchain_core.tracers.langchain": _LANGSMITH,
    "langgraph": _GRAPHS,
    "langserve.APIHandler": "use add_routes, or prill.serve.App, whose routes are ASGI applications",
    "langchain_google_genai.GoogleGenerativeAI": "use ChatGoogleGenerativeAI(…) | StrOutputParser()",
}
"""By the dotted name of what was asked for, or of what it is in."""


def advice_on(name: str) -> str:
    """What to do instead of a name; of the module that it is in, where there is nothing on the name itself."""
    within = name
    while within:
        if within in ADVICE:
            return ADVICE[within]
        within = within.rpartition(".")[0]
    module = name.rpartition(".")[0] or name
    return (
        f"`python -m prill.compat --list {module}` shows what there is. Change the import, or run the program "
        "without prill.compat, on the package that has it"
    )


_INNER_PART = "it is a part of the core's inside that packages only name"
_VERSION_3 = "there are no streams of events of version 3"

UNUSABLE = {
    "langchain_core.language_models._compat_bridge.message_to_events": _VERSION_3,
    "langchain_core.language_models.chat_model_stream.AsyncChatModelStream": _VERSION_3,
    "langchain_core.language_models.chat_model_stream.ChatModelStream": _VERSION_3,
    "langchain_core.indexing.api._HashedDocument": _INNER_PART,
    "langchain_core.prompts.few_shot._FewShotPromptTemplateMixin": _INNER_PART,
    "langchain_core.prompts.loading._load_examples": _INNER_PART,
    "langchain_core.prompts.loading._load_output_parser": _INNER_PART,
    "langchain_core.prompts.loading._load_template": _INNER_PART,
    "langchain_core.runnables.utils.GetLambdaSource": _INNER_PART,
    "langchain_core.runnables.utils.IsFunctionArgDict": _INNER_PART,
    "langchain_core.runnables.utils.IsLocalDict": _INNER_PART,
    "langchain_core.tracers.LangChainTracer": _LANGSMITH,
    "langchain_core.tracers.context.tracing_v2_enabled": _LANGSMITH,
    "langchain_core.tracers.evaluation.EvaluatorCallbackHandler": _LANGSMITH,
    "langchain_core.tracers.langchain.LangChainTracer": _LANGSMITH,
    "langchain_core.tracers.langchain.get_client": _LANGSMITH,
    "langchain_core.utils.iter.tee_peer": _INNER_PART,
}
"""Names that can be imported and raise an error when they are used, with the reason."""
