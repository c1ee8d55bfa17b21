"""Agents: a model, its tools and its limits, as one Runnable.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.agents.actions import (
        AgentAction as AgentAction,
        AgentActionMessageLog as AgentActionMessageLog,
        AgentFinish as AgentFinish,
        AgentStep as AgentStep,
        ToolAgentAction as ToolAgentAction,
    )
    from prill.agents.agent import (
        Agent as Agent,
    )
    from prill.agents.create import (
        AgentOptions as AgentOptions,
        create_agent as create_agent,
    )
    from prill.agents.executor import (
        AgentExecutor as AgentExecutor,
        AgentExecutorIterator as AgentExecutorIterator,
    )
    from prill.agents.interrupts import (
        Command as Command,
        Interrupt as Interrupt,
        interrupt as interrupt,
    )
    from prill.agents.limits import (
        Limits as Limits,
    )
    from prill.agents.middleware import (
        AgentMiddleware as AgentMiddleware,
        ExtendedModelResponse as ExtendedModelResponse,
        ModelRequest as ModelRequest,
        ModelResponse as ModelResponse,
        ToolCallRequest as ToolCallRequest,
        after_agent as after_agent,
        after_model as after_model,
        before_agent as before_agent,
        before_model as before_model,
        dynamic_prompt as dynamic_prompt,
        hook_config as hook_config,
        wrap_model_call as wrap_model_call,
        wrap_tool_call as wrap_tool_call,
    )
    from prill.agents.react import (
        ReActSingleInputOutputParser as ReActSingleInputOutputParser,
        create_react_agent as create_react_agent,
        format_log_to_str as format_log_to_str,
    )
    from prill.agents.ready_made.call_limits import (
        ModelCallLimitMiddleware as ModelCallLimitMiddleware,
        ToolCallLimitMiddleware as ToolCallLimitMiddleware,
    )
    from prill.agents.ready_made.context_editing import (
        ClearToolUsesEdit as ClearToolUsesEdit,
        ContextEditingMiddleware as ContextEditingMiddleware,
    )
    from prill.agents.ready_made.fallback import (
        ModelFallbackMiddleware as ModelFallbackMiddleware,
        ToolErrorMiddleware as ToolErrorMiddleware,
    )
    from prill.agents.ready_made.human_in_the_loop import (
        HumanInTheLoopMiddleware as HumanInTheLoopMiddleware,
        InterruptOnConfig as InterruptOnConfig,
    )
    from prill.agents.ready_made.pii import (
        PIIDetectionError as PIIDetectionError,
        PIIMatch as PIIMatch,
        PIIMiddleware as PIIMiddleware,
    )
    from prill.agents.ready_made.retries import (
        ModelRetryMiddleware as ModelRetryMiddleware,
        ToolRetryMiddleware as ToolRetryMiddleware,
    )
    from prill.agents.ready_made.summarization import (
        SummarizationMiddleware as SummarizationMiddleware,
    )
    from prill.agents.ready_made.tool_selection import (
        LLMToolSelectorMiddleware as LLMToolSelectorMiddleware,
    )
    from prill.agents.runtime import (
        InjectedState as InjectedState,
        InjectedStore as InjectedStore,
        Runtime as Runtime,
        ToolRuntime as ToolRuntime,
        get_stream_writer as get_stream_writer,
    )
    from prill.agents.snapshot import (
        StateSnapshot as StateSnapshot,
    )
    from prill.agents.state import (
        REMOVE_ALL_MESSAGES as REMOVE_ALL_MESSAGES,
        AgentState as AgentState,
        PrivateStateAttr as PrivateStateAttr,
        add_messages as add_messages,
    )
    from prill.agents.structured import (
        AutoStrategy as AutoStrategy,
        MultipleStructuredOutputsError as MultipleStructuredOutputsError,
        ProviderStrategy as ProviderStrategy,
        ResponseFormat as ResponseFormat,
        StructuredOutputValidationError as StructuredOutputValidationError,
        ToolStrategy as ToolStrategy,
    )
    from prill.agents.threads import (
        InMemoryThreads as InMemoryThreads,
        PostgresThreads as PostgresThreads,
        SQLiteThreads as SQLiteThreads,
        Threads as Threads,
    )
    from prill.agents.tool_calling import (
        ToolsAgentOutputParser as ToolsAgentOutputParser,
        create_openai_tools_agent as create_openai_tools_agent,
        create_tool_calling_agent as create_tool_calling_agent,
        format_to_tool_messages as format_to_tool_messages,
    )
    from prill.agents.tool_node import (
        ToolNode as ToolNode,
        tools_condition as tools_condition,
    )

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "actions": "AgentAction AgentActionMessageLog AgentFinish AgentStep ToolAgentAction",
        "agent": "Agent",
        "create": "AgentOptions create_agent",
        "executor": "AgentExecutor AgentExecutorIterator",
        "interrupts": "Command Interrupt interrupt",
        "limits": "Limits",
        "middleware": (
            "AgentMiddleware ExtendedModelResponse ModelRequest ModelResponse ToolCallRequest after_agent "
            "after_model before_agent before_model dynamic_prompt hook_config wrap_model_call wrap_tool_call"
        ),
        "react": "ReActSingleInputOutputParser create_react_agent format_log_to_str",
        "ready_made.call_limits": "ModelCallLimitMiddleware ToolCallLimitMiddleware",
        "ready_made.context_editing": "ClearToolUsesEdit ContextEditingMiddleware",
        "ready_made.fallback": "ModelFallbackMiddleware ToolErrorMiddleware",
        "ready_made.human_in_the_loop": "HumanInTheLoopMiddleware InterruptOnConfig",
        "ready_made.pii": "PIIDetectionError PIIMatch PIIMiddleware",
        "ready_made.retries": "ModelRetryMiddleware ToolRetryMiddleware",
        "ready_made.summarization": "SummarizationMiddleware",
        "ready_made.tool_selection": "LLMToolSelectorMiddleware",
        "runtime": "InjectedState InjectedStore Runtime ToolRuntime get_stream_writer",
        "snapshot": "StateSnapshot",
        "state": "REMOVE_ALL_MESSAGES AgentState PrivateStateAttr add_messages",
        "structured": (
            "AutoStrategy MultipleStructuredOutputsError ProviderStrategy ResponseFormat "
            "StructuredOutputValidationError ToolStrategy"
        ),
        "threads": "InMemoryThreads PostgresThreads SQLiteThreads Threads",
        "tool_calling": (
            "ToolsAgentOutputParser create_openai_tools_agent create_tool_calling_agent format_to_tool_messages"
        ),
        "tool_node": "ToolNode tools_condition",
    },
)
