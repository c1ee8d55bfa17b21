"""``langchain.agents`` and the parts of ``langgraph`` that programs with agents import, and where they lead."""

from __future__ import annotations

_ACTIONS = "prill.agents:AgentAction,AgentActionMessageLog,AgentFinish,AgentStep"
_EXECUTOR = "prill.agents:AgentExecutor"
_FORMS = (
    "prill.agents:AutoStrategy,MultipleStructuredOutputsError,ProviderStrategy,ResponseFormat,"
    "StructuredOutputValidationError,ToolStrategy"
)
_OPENAI = "create_openai_functions_agent=create_openai_tools_agent,create_openai_tools_agent"
_TOOL_MESSAGES = "prill.agents:format_to_openai_tool_messages=format_to_tool_messages,format_to_tool_messages"
_HOOKS = (
    "after_agent,after_model,before_agent,before_model,dynamic_prompt,hook_config,wrap_model_call,wrap_tool_call,"
    "AgentMiddleware,AgentState,ExtendedModelResponse,ModelRequest,ModelResponse,ToolCallRequest"
)
_READY_MADE = (
    "ClearToolUsesEdit,ContextEditingMiddleware,HumanInTheLoopMiddleware,InterruptOnConfig,LLMToolSelectorMiddleware,"
    "ModelCallLimitMiddleware,ModelFallbackMiddleware,ModelRetryMiddleware,PIIDetectionError,PIIMiddleware,"
    "SummarizationMiddleware,ToolCallLimitMiddleware,ToolErrorMiddleware,ToolRetryMiddleware"
)
_MEMORY = "prill.agents:InMemorySaver=InMemoryThreads,MemorySaver=InMemoryThreads"

AGENTS = {
    "langchain.agents": (
        f"prill.agents:AgentExecutor,AgentState,create_agent,create_react_agent,create_tool_calling_agent,{_OPENAI} "
        "prill.tools:Tool,tool"
    ),
    "langchain.agents.agent": _EXECUTOR,
    "langchain.agents.factory": "prill.agents:create_agent",
    "langchain.agents.format_scratchpad": f"{_TOOL_MESSAGES},format_log_to_str",
    "langchain.agents.format_scratchpad.log": "prill.agents:format_log_to_str",
    "langchain.agents.format_scratchpad.openai_tools": _TOOL_MESSAGES,
    "langchain.agents.format_scratchpad.tools": _TOOL_MESSAGES,
    "langchain.agents.middleware": f"prill.agents:{_HOOKS},{_READY_MADE}",
    "langchain.agents.middleware.types": f"prill.agents:{_HOOKS},PrivateStateAttr",
    "langchain.agents.openai_functions_agent": f"prill.agents:{_OPENAI}",
    "langchain.agents.openai_functions_agent.base": f"prill.agents:{_OPENAI}",
    "langchain.agents.openai_tools": f"prill.agents:{_OPENAI}",
    "langchain.agents.openai_tools.base": f"prill.agents:{_OPENAI}",
    "langchain.agents.output_parsers": (
        "prill.agents:OpenAIToolsAgentOutputParser=ToolsAgentOutputParser,ReActSingleInputOutputParser,"
        "ToolsAgentOutputParser"
    ),
    "langchain.agents.output_parsers.openai_tools": "prill.agents:OpenAIToolsAgentOutputParser=ToolsAgentOutputParser",
    "langchain.agents.output_parsers.react_single_input": "prill.agents:ReActSingleInputOutputParser",
    "langchain.agents.output_parsers.tools": "prill.agents:ToolsAgentOutputParser",
    "langchain.agents.react": "prill.agents:create_react_agent",
    "langchain.agents.react.agent": "prill.agents:create_react_agent",
    "langchain.agents.structured_output": _FORMS,
    "langchain.agents.tool_calling_agent": "prill.agents:create_tool_calling_agent",
    "langchain.agents.tool_calling_agent.base": "prill.agents:create_tool_calling_agent",
    "langchain.schema.agent": _ACTIONS,
    "langchain_core.agents": _ACTIONS,
    "langgraph": "",
    "langgraph.checkpoint": "",
    "langgraph.checkpoint.memory": _MEMORY,
    "langgraph.config": "prill.agents:get_stream_writer",
    "langgraph.prebuilt": (
        "prill.agents:InjectedState,InjectedStore,ToolNode,ToolRuntime,create_react_agent,tools_condition"
    ),
    "langgraph.prebuilt.chat_agent_executor": "prill.agents:AgentState,create_react_agent",
    "langgraph.prebuilt.tool_node": ("prill.agents:InjectedState,InjectedStore,ToolNode,ToolRuntime,tools_condition"),
    "langgraph.runtime": "prill.agents:Runtime",
    "langgraph.types": "prill.agents:Command,Interrupt,StateSnapshot,interrupt",
}
