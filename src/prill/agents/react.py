"""Agents whose models write their actions as text: Thought, Action, Action Input, Observation, Final Answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from prill.agents.actions import AgentAction, AgentFinish
from prill.agents.prebuilt import create_prebuilt
from prill.agents.tool_calling import SCRATCHPAD, Step, check_prompt, get_variables, make_chain
from prill.errors import ConfigError, OutputParserException
from prill.output_parsers.base import BaseOutputParser
from prill.runnables.base import Runnable
from prill.tools.base import BaseTool
from prill.tools.render import render_text_description

_FINAL: Final = "Final Answer:"
_action: Final = re.compile(r"Action[ \t]{0,8}\d{0,8}[ \t]{0,8}:")
_input: Final = re.compile(r"Action[ \t]{0,8}\d{0,8}[ \t]{0,8}Input[ \t]{0,8}\d{0,8}[ \t]{0,8}:")


class ReActSingleInputOutputParser(BaseOutputParser[AgentAction | AgentFinish]):
    """Reads ``Action: tool`` with ``Action Input: text``, or ``Final Answer: text``.

    Raises:
        OutputParserException: the text has neither, or both; ``observation`` tells the model what is missing.

    Example:
        >>> ReActSingleInputOutputParser().parse("Thought: look\\nAction: search\\nAction Input: rain").tool_input
        'rain'
    """

    @property
    def _type(self) -> str:
        return "react-single-input"

    def parse(self, text: str) -> AgentAction | AgentFinish:
        """Return the action of the text, or its end."""
        action = _action.search(text)
        given = _input.search(text, action.end()) if action is not None else None
        final = text.rfind(_FINAL)
        if final >= 0:
            if given is not None:
                raise _refuse("the text has both a final answer and an action", text)
            return AgentFinish({"output": text[final + len(_FINAL) :].strip()}, text)
        if action is not None and given is not None:
            tool = text[action.end() : given.start()].strip()
            return AgentAction(tool, text[given.end() :].strip(" ").strip('"').rstrip(" "), text)
        missing = "'Action:' after 'Thought:'" if action is None else "'Action Input:' after 'Action:'"
        raise _refuse(f"Could not parse LLM output: `{text}`", text, f"Invalid Format: Missing {missing}")


def _refuse(problem: str, text: str, observation: str | None = None) -> OutputParserException:
    return OutputParserException(problem, llm_output=text, observation=observation or problem, send_to_llm=True)


def format_log_to_str(
    intermediate_steps: Sequence[Step], observation_prefix: str = "Observation: ", llm_prefix: str = "Thought: "
) -> str:
    """Return the steps so far as the text that the model goes on with."""
    return "".join(
        f"{action.log}\n{observation_prefix}{observation}\n{llm_prefix}" for action, observation in intermediate_steps
    )


def create_react_agent(
    model: Any = None,
    tools: Sequence[Any] = (),
    prompt: Any = None,
    output_parser: Any = None,
    tools_renderer: Callable[[list[BaseTool]], str] = render_text_description,
    *,
    stop_sequence: bool | list[str] = True,
    pre_model_hook: Any = None,
    post_model_hook: Any = None,
    version: Literal["v1", "v2"] = "v2",
    llm: Any = None,
    **options: Any,
) -> Any:
    """Make an agent under a name that two of LangChain's packages have; the prompt says which is meant.

    With a prompt that has the variable ``agent_scratchpad`` it is the agent of an ``AgentExecutor`` whose model writes
    its actions as text. Otherwise it is an agent as ``create_agent`` makes them, whose node of the model is called
    ``agent``.

    Args:
        model: a model; its name as ``init_chat_model`` takes it, for the second kind.
        tools: the tools that it may use.
        prompt: for the first kind a prompt with ``tools``, ``tool_names`` and ``agent_scratchpad``; for the second the
            text or message before the others, or a function or Runnable of the state that gives all messages.
        output_parser: reads the text of the first kind; by default a ``ReActSingleInputOutputParser``.
        tools_renderer: writes the tools into the prompt of the first kind.
        stop_sequence: where the model of the first kind stops: ``True`` for ``"\\nObservation"``, or the texts.
        pre_model_hook: a function or Runnable that is given the state before each call of the model, and returns
            changes of it; ``llm_input_messages`` among them are what the model is sent instead of the messages.
        post_model_hook: the same after each call.
        version: accepted; both work alike.
        llm: another name of ``model``.
        options: as in ``create_agent``.

    Raises:
        ConfigError: the prompt lacks a variable, or an argument does not belong to this kind of agent.

    Example:
        >>> agent = create_react_agent("openai:gpt-4o-mini", [search])  # doctest: +SKIP
        >>> agent.invoke({"messages": "Who won?"})["messages"][-1].text  # doctest: +SKIP
    """
    model = llm if model is None else model
    hooks = {"pre_model_hook": pre_model_hook, "post_model_hook": post_model_hook}
    if SCRATCHPAD in get_variables(prompt):
        if given := [name for name, value in {**options, **hooks}.items() if value is not None]:
            raise ConfigError(f"an agent whose prompt has {SCRATCHPAD!r} takes no argument {given[0]!r}")
        return _create_text_agent(model, tools, prompt, output_parser, tools_renderer, stop_sequence)
    if output_parser is not None:
        raise ConfigError(f"output_parser is for agents whose prompt has {SCRATCHPAD!r}")
    return create_prebuilt(model, tools, prompt, pre_model_hook, post_model_hook, options)


def _create_text_agent(
    model: Any, tools: Sequence[BaseTool], prompt: Any, parser: Any, renderer: Any, stop: bool | list[str]
) -> Runnable[Any, Any]:
    check_prompt(prompt, "tools", "tool_names", SCRATCHPAD)
    filled = prompt.partial(tools=renderer(list(tools)), tool_names=", ".join(tool.name for tool in tools))
    stops = ["\nObservation"] if stop is True else stop
    bound = model.bind(stop=stops) if stops else model
    return make_chain(format_log_to_str, filled, bound, parser or ReActSingleInputOutputParser())
