"""``create_agent``: a model, its tools and its limits, as one Runnable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from prill.agents.agent import Agent, Parts
from prill.agents.approval import Approvals, Approve
from prill.agents.binding import read_system_prompt, resolve_model
from prill.agents.calls import MAX_OUTPUT, ErrorPolicy, ToolRunner
from prill.agents.hooks import Hooks
from prill.agents.limits import Limits
from prill.agents.middleware import AgentMiddleware
from prill.agents.state import AgentState, StateSchema
from prill.agents.sub_agent import read_handoffs
from prill.agents.threads import Threads
from prill.agents.tool_list import read_tools
from prill.errors import ConfigError, did_you_mean
from prill.messages import SystemMessage
from prill.runnables.base import Runnable

_ACCEPTED = frozenset({"interrupt_after", "debug", "cache", "transformers"})
"""Arguments that programs may give and that change nothing here, as long as they are not set."""


class AgentOptions(TypedDict, total=False):
    """More arguments of ``create_agent``.

    - ``handle_tool_errors``: which exceptions of tools the model is told of, beside ``ToolException`` and wrong
      arguments: all (``True``), some types, with a text, or with what a function makes of them. Others end the run.
    - ``parallel_tools``: whether the calls of one message run at the same time (``True``).
    - ``tool_timeout``: how many seconds a call of a tool may take; then it is answered with an error.
    - ``max_tool_output``: how many characters of a tool's output the model is sent (400,000); ``None`` for all.
    - ``types``: classes of values in the state that threads may hold.
    - ``interrupt_before``: ``["tools"]`` is another way to write ``approve=True``.
    """

    handle_tool_errors: ErrorPolicy
    parallel_tools: bool
    tool_timeout: float | None
    max_tool_output: int | None
    types: Sequence[type[Any]]
    interrupt_before: Sequence[str] | None


def create_agent(
    model: str | Runnable[Any, Any],
    tools: Sequence[Any] | None = None,
    *,
    system_prompt: str | SystemMessage | None = None,
    middleware: Sequence[AgentMiddleware] = (),
    response_format: Any = None,
    state_schema: Any = None,
    context_schema: Any = None,
    checkpointer: Threads | None = None,
    threads: Threads | None = None,
    store: Any = None,
    name: str | None = None,
    limits: Limits | None = None,
    approve: Approve = None,
    handoffs: Sequence[Agent] = (),
    **options: Unpack[AgentOptions],
) -> Agent:
    """Make an agent: a model that calls tools until it has answered.

        >>> agent = create_agent("openai:gpt-4o-mini", [search], system_prompt="Be brief.")  # doctest: +SKIP
        >>> agent.invoke("Who won?")["messages"][-1].text  # doctest: +SKIP

    Args:
        model: a chat model, or its name as ``init_chat_model`` takes it.
        tools: functions with a docstring, tools, Runnables, other agents, and dicts of tools that the provider runs.
        system_prompt: what the model is told before the messages.
        middleware: what is put around calls of the model and of tools; the first is the outermost.
        response_format: the schema of a structured answer, or a ``ToolStrategy`` or ``ProviderStrategy`` of it.
        state_schema: a ``TypedDict`` that extends ``AgentState`` with keys of your own.
        context_schema: the type of the ``context`` that a run is given.
        checkpointer: another name of ``threads``.
        threads: where conversations are kept, such as ``SQLiteThreads("chats.db")``; the config of a run names one.
        store: any object; tools and middleware are given it.
        name: the name of the agent in events, of its messages, and as a tool.
        limits: what a run may use; by default 25 calls of the model.
        approve: the calls that a person has to approve: ``True``, names of tools, or a dict of rules by name.
        handoffs: agents that can take over; the model has a tool for each, ``transfer_to_<name>``.
        options: see ``AgentOptions``.

    Raises:
        ConfigError: an argument is unknown or cannot be used.
    """
    return Agent(
        resolve_model(model),
        read_parts(tools, middleware, handoffs, options, approve),
        system_message=read_system_prompt(system_prompt),
        response_format=response_format,
        schema=read_schema(middleware, state_schema),
        context_schema=context_schema,
        threads=_read_threads(checkpointer, threads),
        store=store,
        name=name,
        limits=_read_limits(limits),
    )


def read_schema(middleware: Sequence[AgentMiddleware], state_schema: Any) -> StateSchema:
    """The keys of an agent's state."""
    schemas = [part.state_schema for part in middleware] + [state_schema]
    return StateSchema([AgentState, *(schema for schema in schemas if schema is not None)])


def read_parts(
    tools: Any, middleware: Sequence[AgentMiddleware], handoffs: Any, options: Mapping[str, Any], approve: Approve
) -> Parts:
    """The tools of an agent, and what is around them."""
    _refuse_others(options)
    hooks, targets = Hooks(middleware), read_handoffs(handoffs)
    own, of_provider = read_tools([*_listed(tools), *_tools_of(middleware), *_handoff_tools(targets)])
    runner = ToolRunner(
        own,
        hooks,
        handle_errors=options.get("handle_tool_errors"),
        parallel=options.get("parallel_tools", True),
        timeout=options.get("tool_timeout"),
        max_output=options.get("max_tool_output", MAX_OUTPUT),
    )
    approvals = _read_approvals(approve, options.get("interrupt_before"), middleware, runner)
    return Parts(own, of_provider, hooks, runner, approvals, targets, tuple(options.get("types") or ()))


def _read_limits(limits: Any) -> Limits:
    if limits is not None and not isinstance(limits, Limits):
        raise ConfigError(f"limits are Limits(model_calls=...), not {limits!r:.80}")
    return limits or Limits()


def _listed(tools: Any) -> list[Any]:
    if tools is None:
        return []
    if isinstance(tools, str | Mapping) or not isinstance(tools, Iterable):
        raise ConfigError(f"tools is a list of tools, not {type(tools).__name__} ({tools!r:.60})")
    return list(tools)


def _tools_of(middleware: Sequence[AgentMiddleware]) -> list[Any]:
    return [tool for part in middleware for tool in part.tools]


def _handoff_tools(targets: Mapping[str, Any]) -> list[Any]:
    return [target.make_tool() for target in targets.values()]


def _refuse_others(others: Mapping[str, Any]) -> None:
    known = [*(create_agent.__kwdefaults__ or ()), *AgentOptions.__annotations__, "model", "tools"]
    for name, value in others.items():
        if name in AgentOptions.__annotations__:
            continue
        if name in _ACCEPTED and not value:
            continue
        if name in _ACCEPTED:
            raise ConfigError(
                f"create_agent takes {name} for programs that name it, but cannot do what {value!r:.60} asks"
            )
        raise ConfigError(f"create_agent takes no argument {name!r}{did_you_mean(name, known)}")


def _read_threads(checkpointer: Any, threads: Any) -> Threads | None:
    if checkpointer is not None and threads is not None and checkpointer is not threads:
        raise ConfigError("checkpointer and threads are two names of one thing: give one of them")
    given = threads if threads is not None else checkpointer
    if given is None or given is False:
        return None
    if not isinstance(given, Threads):
        raise ConfigError(
            f"threads (checkpointer) is a store of prill.agents.threads, such as InMemoryThreads() or "
            f"SQLiteThreads('chats.db'), not {type(given).__module__}.{type(given).__name__}: a saver of LangGraph "
            "keeps states that Prill does not have"
        )
    return given


def _read_approvals(
    approve: Approve, interrupt_before: Any, middleware: Sequence[Any], runner: ToolRunner
) -> Approvals:
    if interrupt_before:
        if list(interrupt_before) != ["tools"]:
            raise ConfigError(f"interrupt_before is ['tools'], not {interrupt_before!r}")
        approve = True
    prefix, batched, notice = "Tool execution requires approval", True, None
    rules = dict(_as_rules(approve, runner))
    for part in middleware:
        if (own := getattr(part, "approval_rules", None)) is not None:
            rules |= {name: rule for name, rule in own.items() if name in runner.by_name}
            prefix, batched, notice = part.description_prefix, part.interrupt_mode == "batched", part.edit_notice
    approvals = Approvals(rules or None, runner.by_name, prefix, batched=batched)
    approvals.edit_notice = notice
    return approvals


def _as_rules(approve: Any, runner: ToolRunner) -> Mapping[str, Any]:
    if approve is True:
        return dict.fromkeys(runner.by_name, True)
    if isinstance(approve, Mapping):
        return approve
    if isinstance(approve, str):
        return {approve: True}
    return dict.fromkeys(approve or (), True)
