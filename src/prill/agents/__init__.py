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
    from prill.agents.agent import Agent as Agent
    from prill.agents.create import AgentOptions as AgentOptions, create_agent as create_agent
    from prill.agents.executor import AgentExecutor as AgentExecutor, AgentExecutorIterator as AgentExecutorIterator
    from prill.agents.interrupts import Command as Command, Interrupt as Interrupt, interrupt as interrupt
    from prill.agents.limits import Limits as Limits
    from prill.agents.react import (
        ReActSingleInputOutputParser as ReActSingleInputOutputParser,
        create_react_agent as create_react_agent,
        format_log_to_str as format_log_to_str,
    )
    from prill.agents.runtime import (
        InjectedState as InjectedState,
        InjectedStore as InjectedStore,
        Runtime as Runtime,
        ToolRuntime as ToolRuntime,
        get_stream_writer as get_stream_writer,
    )
    from prill.agents.snapshot import StateSnapshot as StateSnapshot
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

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "actions": "AgentAction AgentActionMessageLog AgentFinish AgentStep ToolAgentAction",
        "agent": "Agent",
        "create": "AgentOptions create_agent",
        "executor": "AgentExecutor AgentExecutorIterator",
        "interrupts": "Command Interrupt interrupt",
        "limits": "Limits",
        "react": "ReActSingleInputOutputParser create_react_agent format_log_to_str",
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
    },
)
