"""The agents of ``AgentExecutor`` whose models call tools by messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prill.agents.actions import AgentAction, AgentFinish, ToolAgentAction, observation_text
from prill.errors import ConfigError, OutputParserException
from prill.messages import AIMessage, BaseMessage, ToolMessage
from prill.output_parsers.base import BaseGenerationOutputParser
from prill.outputs import ChatGeneration, Generation
from prill.runnables.base import Runnable
from prill.runnables.passthrough import RunnablePassthrough
from prill.tools.base import BaseTool

Step = tuple[AgentAction, Any]
MessageFormatter = Callable[[Sequence[Step]], list[BaseMessage]]
SCRATCHPAD = "agent_scratchpad"


class ToolsAgentOutputParser(BaseGenerationOutputParser[list[AgentAction] | AgentFinish]):
    """Reads a model's message: its tool calls as actions, or its text as the end.

    Raises:
        OutputParserException: a call of a tool was cut or is not valid; the calls of that message are not run.
    """

    @property
    def _type(self) -> str:
        return "tools-agent-output-parser"

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> list[AgentAction] | AgentFinish:
        """Return the actions of the first candidate, or its end."""
        first = result[0]
        message = first.message if isinstance(first, ChatGeneration) else AIMessage(content=first.text)
        if not isinstance(message, AIMessage):
            raise OutputParserException(f"an agent's model answers with an AIMessage, not {message!r:.80}")
        if message.invalid_tool_calls:
            broken = message.invalid_tool_calls[0]
            raise OutputParserException(
                f"the call of {broken['name'] or 'a tool'} is not valid and was not run: {broken['error']}",
                llm_output=broken["args"] or "",
                observation=f"the call of {broken['name']} is not valid: {broken['error']}",
                send_to_llm=True,
            )
        if not message.tool_calls:
            return AgentFinish(return_values={"output": message.content}, log=str(message.text))
        said = f"responded: {message.content}\n" if message.content else "\n"
        return [
            ToolAgentAction(
                tool=call["name"],
                tool_input=call["args"],
                log=f"\nInvoking: `{call['name']}` with `{call['args']}`\n{said}\n",
                message_log=[message],
                tool_call_id=call["id"],
            )
            for call in message.tool_calls
        ]


def format_to_tool_messages(intermediate_steps: Sequence[Step]) -> list[BaseMessage]:
    """Return the messages of the steps so far: each message with calls once, then an answer for each of its calls."""
    messages: dict[int, BaseMessage] = {}  # by their identity: the calls of one message share it
    for action, _ in intermediate_steps:
        for message in action.messages:
            messages.setdefault(id(message), message)
    return _with_answers(list(messages.values()), intermediate_steps)


def _with_answers(messages: list[BaseMessage], steps: Sequence[Step]) -> list[BaseMessage]:
    """Put behind each message the answers to its calls, in the order of the calls."""
    answers = {
        action.tool_call_id: ToolMessage(
            content=observation_text(observation),
            tool_call_id=action.tool_call_id or "",
            additional_kwargs={"name": action.tool},
        )
        for action, observation in steps
        if isinstance(action, ToolAgentAction)
    }
    made: list[BaseMessage] = []
    for message in messages:
        made.append(message)
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        made += [answers[call["id"]] for call in calls if call["id"] in answers]
    return made


def create_tool_calling_agent(
    llm: Any,
    tools: Sequence[BaseTool],
    prompt: Any,
    *,
    message_formatter: MessageFormatter = format_to_tool_messages,
) -> Runnable[Any, Any]:
    """Make the agent of an ``AgentExecutor``: a chain from the input and the steps so far to the next actions.

    Args:
        llm: a chat model with ``bind_tools``.
        tools: the tools that it may call.
        prompt: a prompt with a placeholder ``agent_scratchpad``.
        message_formatter: makes the messages of the steps so far.

    Raises:
        ConfigError: the prompt has no ``agent_scratchpad``, or the model cannot call tools.

    Example:
        >>> agent = create_tool_calling_agent(model, [search], prompt)  # doctest: +SKIP
        >>> AgentExecutor(agent=agent, tools=[search]).invoke({"input": "Who won?"})  # doctest: +SKIP
    """
    check_prompt(prompt, SCRATCHPAD)
    if not hasattr(llm, "bind_tools"):
        raise ConfigError(f"{type(llm).__name__} cannot call tools: it has no bind_tools")
    return make_chain(message_formatter, prompt, llm.bind_tools(list(tools)), ToolsAgentOutputParser())


def create_openai_tools_agent(
    llm: Any, tools: Sequence[BaseTool], prompt: Any, strict: bool | None = None
) -> Runnable[Any, Any]:
    """Make the agent of an ``AgentExecutor`` for a model of OpenAI's; see ``create_tool_calling_agent``.

    ``strict`` asks the provider to hold the arguments to their schemas.
    """
    if strict is None:
        return create_tool_calling_agent(llm, tools, prompt)
    check_prompt(prompt, SCRATCHPAD)
    bound = llm.bind_tools(list(tools), strict=strict)
    return make_chain(format_to_tool_messages, prompt, bound, ToolsAgentOutputParser())


def make_chain(formatter: Callable[[Any], Any], prompt: Any, model: Any, parser: Any) -> Runnable[Any, Any]:
    """The chain of an agent: the steps are written into the prompt, and the model's answer is read."""
    scratchpad: Runnable[Any, Any] = RunnablePassthrough.assign(
        agent_scratchpad=lambda input: formatter(input["intermediate_steps"])
    )
    chain: Runnable[Any, Any] = scratchpad | prompt | model | parser
    return chain


def get_variables(prompt: Any) -> set[str]:
    """The names of a prompt's variables: needed, filled in already, and optional."""
    fields = ("input_variables", "partial_variables", "optional_variables")
    return {name for field in fields for name in getattr(prompt, field, ())}


def check_prompt(prompt: Any, *variables: str) -> None:
    """Raise ``ConfigError`` if the prompt lacks one of its variables."""
    known = get_variables(prompt)
    if missing := [name for name in variables if name not in known]:
        raise ConfigError(f"the prompt of an agent needs the variables {', '.join(missing)}; it has {sorted(known)}")
