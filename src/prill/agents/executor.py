"""``AgentExecutor``: runs an agent that is a chain from the steps so far to the next actions."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

from prill.agents.actions import AgentAction, AgentFinish, AgentStep, observation_text
from prill.agents.tool_list import read_tools
from prill.callbacks.config import RunnableConfig, merge_configs
from prill.callbacks.run import Run
from prill.errors import ConfigError, OutputParserException, add_step
from prill.io import closing
from prill.messages import BaseMessage
from prill.runnables.base import Runnable
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import AddableDict
from prill.runnables.engine.streams import ADD, COLLECT, EMPTY, NOWHERE, SingleValueStream, Stream, collect
from prill.runnables.structure import Part, Streaming, Structure
from prill.tools.base import BaseTool

Step = tuple[AgentAction, Any]
ParsingErrors = bool | str | Callable[[OutputParserException], str]

_STOPPED = {"output": "Agent stopped due to max iterations."}


class ExecutorOptions(TypedDict, total=False):
    """More arguments of ``AgentExecutor``.

    - ``tags``, ``metadata``, ``callbacks``, ``name``: as in a config, for each run.
    - ``verbose``: accepted, and prints nothing: use ``callbacks``.
    - ``memory``: only ``None``: ``RunnableWithMessageHistory`` keeps conversations.
    """

    tags: list[str] | None
    metadata: dict[str, Any] | None
    callbacks: Any
    name: str | None
    verbose: bool
    memory: None


class AgentExecutor(Runnable[Any, dict[str, Any]]):
    """Runs an agent and its tools until it finishes: the form in which agents were written before ``create_agent``.

    The input is the dict that the agent's prompt needs, or the text for its ``input``. The output is the input with
    ``output``, and with ``intermediate_steps`` where asked for. ``stream`` yields a dict for each action, each step
    and the output:

    - ``{"actions": [AgentAction], "messages": [...]}``
    - ``{"steps": [AgentStep], "messages": [...]}``
    - ``{"output": ..., "messages": [...]}``

    An exception of a tool ends the run, wrong arguments too; an unknown tool is answered with the names of the others.

    Args:
        agent: made by ``create_tool_calling_agent``, ``create_react_agent`` and their like.
        tools: the tools that it may use.
        return_intermediate_steps: whether the output has the steps.
        max_iterations: how often the agent is asked (15); ``None`` for no bound.
        max_execution_time: seconds after which the agent is not asked again.
        early_stopping_method: ``"force"``: the output then says that the agent was stopped.
        handle_parsing_errors: whether an answer that cannot be read is sent back to the model: with what is wrong
            (``True``), with a text, or with what a function makes of the error. By default the error is raised.
        trim_intermediate_steps: how many of the last steps the agent sees (-1: all), or a function of the steps.

    Raises:
        ConfigError: an argument cannot be used.

    Example:
        >>> executor = AgentExecutor(agent=agent, tools=[search])  # doctest: +SKIP
        >>> executor.invoke({"input": "Who won?"})["output"]  # doctest: +SKIP
    """

    _buffers_input = True

    def __init__(
        self,
        agent: Runnable[Any, Any],
        tools: Sequence[BaseTool],
        *,
        return_intermediate_steps: bool = False,
        max_iterations: int | None = 15,
        max_execution_time: float | None = None,
        early_stopping_method: Literal["force"] = "force",
        handle_parsing_errors: ParsingErrors = False,
        trim_intermediate_steps: int | Callable[[list[Step]], list[Step]] = -1,
        **options: Unpack[ExecutorOptions],
    ) -> None:
        if early_stopping_method != "force":
            raise ConfigError(f"early_stopping_method is 'force', not {early_stopping_method!r}")
        self.agent = agent
        self.tools, provider_tools = read_tools(tools)
        if provider_tools:
            raise ConfigError("tools of an AgentExecutor are run here; give tools of the provider to create_agent")
        self.return_intermediate_steps = return_intermediate_steps
        self.max_iterations = max_iterations
        self.max_execution_time = max_execution_time
        self.early_stopping_method = early_stopping_method
        self.handle_parsing_errors = handle_parsing_errors
        self.trim_intermediate_steps = trim_intermediate_steps
        self.name = options.pop("name", None)
        self._config = _read_options(options)
        self._by_name = {tool.name: tool for tool in self.tools}

    @classmethod
    def from_agent_and_tools(cls, agent: Any, tools: Sequence[BaseTool], **kwargs: Any) -> AgentExecutor:
        """Make an executor; the same as calling the class."""
        return cls(agent, tools, **kwargs)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.name or type(self).__name__)

    def iter(self, inputs: Any, callbacks: Any = None, **kwargs: Any) -> AgentExecutorIterator:
        """Return an iterator, for ``for`` and ``async for``, over the steps of a run.

        It yields ``{"intermediate_step": [(action, observation)]}`` for each, and the output at the end.
        """
        return AgentExecutorIterator(self, inputs, callbacks)

    # Verbs: a stream shows what happens; as a step of a chain the executor gives its output alone.

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Generator[Any, None, None]:
        """Run on one input and yield actions, steps and the output."""
        return super().stream(input, config, **{"shows_steps_": True, **kwargs})

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Run on one input in asyncio and yield actions, steps and the output."""
        return super().astream(input, config, **{"shows_steps_": True, **kwargs})

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the events of ``astream_events`` in blocking code."""
        return super().stream_events(input, config, **{"shows_steps_": True, **kwargs})

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Stream, and yield an event for everything that happens in the agent and its tools."""
        return super().astream_events(input, config, **{"shows_steps_": True, **kwargs})

    def astream_log(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Stream, and yield what happens as patches of a log."""
        return super().astream_log(input, config, **{"shows_steps_": True, **kwargs})

    # The bodies

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Any:
        return super()._invoke_body(input, run.configured(self._config) if self._config else run, **kwargs)

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        return super()._stream_body(inputs, run.configured(self._config) if self._config else run, **kwargs)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        progress = _Progress(self, input)
        async with closing(self._chunks(progress, run)) as chunks:
            async for _ in chunks:
                continue
        return progress.output()

    def _flow(
        self, inputs: Stream[Any], run: Run, *, shows_steps_: bool = False, **kwargs: Any
    ) -> Stream[dict[str, Any]]:
        found: list[_Progress] = []
        chunks = self._read_and_run(inputs, run, found, shows_steps_)
        return Stream(chunks, COLLECT if shows_steps_ else ADD, NOWHERE, _OutputAccumulator(found))

    async def _read_and_run(
        self, inputs: Stream[Any], run: Run, found: list[_Progress], shows_steps: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        progress = _Progress(self, input)
        found.append(progress)
        async with closing(self._chunks(progress, run)) as chunks:
            async for chunk in chunks:
                if shows_steps:
                    yield chunk
        if not shows_steps:
            yield progress.output()

    async def _chunks(self, progress: _Progress, run: Run) -> AsyncGenerator[ExecutorChunk, None]:
        """Ask the agent and run its tools until it finishes; yield what happens."""
        while progress.finish is None:
            if not progress.may_go_on():
                progress.finish = AgentFinish(dict(_STOPPED), "")
                break
            decision = await self._ask(progress, run)
            if isinstance(decision, AgentFinish):
                progress.finish = decision
                break
            if isinstance(decision, AgentStep):
                steps = [decision]
            else:
                for action in decision:
                    await _report(run, "on_agent_action", action)
                    yield progress.chunk(action.messages, actions=[action])
                steps = await self._run_tools(decision, run)
            for step in steps:
                yield progress.chunk(step.messages, steps=[step])
            progress.take(steps, self._by_name)
        await _report(run, "on_agent_finish", progress.finish)
        yield progress.chunk(progress.finish.messages, **progress.finish.return_values)

    async def _ask(self, progress: _Progress, run: Run) -> list[AgentAction] | AgentFinish | AgentStep:
        """The agent's next decision; an ``AgentStep`` is an answer that could not be read, and was explained."""
        input = {**progress.input, "intermediate_steps": self._visible(progress.steps)}
        try:
            stream = self.agent._step_flow(SingleValueStream(input), run.child())
            decision = await collect(stream)
        except OutputParserException as error:
            return self._explain(error)
        except Exception as error:
            add_step(error, self.get_name(), "agent", inner=self.agent.get_name())
            raise
        if isinstance(decision, AgentAction):
            return [decision]
        if isinstance(decision, AgentFinish | list):
            return decision
        raise ConfigError(
            f"the agent of {self.get_name()} gave {decision!r:.80}: it gives actions or an AgentFinish, as the agents "
            "of create_tool_calling_agent and create_react_agent do"
        )

    def _visible(self, steps: list[Step]) -> list[Step]:
        trim = self.trim_intermediate_steps
        if callable(trim):
            return trim(list(steps))
        return list(steps) if trim < 0 else steps[len(steps) - min(trim, len(steps)) :]

    def _explain(self, error: OutputParserException) -> AgentStep:
        handle = self.handle_parsing_errors
        if handle is False:
            raise OutputParserException(
                "An output parsing error occurred. In order to pass this error back to the agent and have it try "
                f"again, pass `handle_parsing_errors=True` to the AgentExecutor. This is the error: {error}",
                llm_output=error.llm_output,
            ) from error
        text = str(handle(error) if callable(handle) else handle)
        if handle is True:
            text = (error.observation if error.send_to_llm else None) or "Invalid or incomplete response"
        log = (error.llm_output if error.send_to_llm else None) or str(error)
        return AgentStep(action=AgentAction("_Exception", text, log), observation=text)

    async def _run_tools(self, actions: Sequence[AgentAction], run: Run) -> list[AgentStep]:
        if len(actions) == 1:
            return [await self._run_tool(actions[0], run)]
        steps: list[AgentStep] = await run.io.gather(
            [partial(self._run_tool, action, run) for action in actions], run.limit
        )
        return steps

    async def _run_tool(self, action: AgentAction, run: Run) -> AgentStep:
        tool = self._by_name.get(action.tool)
        if tool is None:
            known = ", ".join(self._by_name)
            return AgentStep(action=action, observation=f"{action.tool} is not a valid tool, try one of [{known}].")
        try:
            return AgentStep(action=action, observation=await tool._step(action.tool_input, run.child()))
        except Exception as error:
            add_step(error, self.get_name(), f"tool {tool.name}", inner=tool.name)
            raise

    # What it reports about itself

    def _structure(self) -> Structure:
        return Structure("step", [Part(self.agent, "agent")])

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return dict[str, Any]

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", True, "an agent needs its whole input; its actions are streamed as they happen")

    def __repr__(self) -> str:
        return f"AgentExecutor(agent={self.agent!r}, tools=[{', '.join(self._by_name)}])"


class AgentExecutorIterator:
    """The steps of one run of an ``AgentExecutor``, blocking or in asyncio."""

    def __init__(self, executor: AgentExecutor, inputs: Any, callbacks: Any) -> None:
        self._executor = executor
        self._inputs = inputs
        self._config: RunnableConfig = {} if callbacks is None else {"callbacks": callbacks}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for chunk in self._executor.stream(self._inputs, self._config):
            if (shown := _as_intermediate(chunk)) is not None:
                yield shown

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        async for chunk in self._executor.astream(self._inputs, self._config):
            if (shown := _as_intermediate(chunk)) is not None:
                yield shown


def _as_intermediate(chunk: Mapping[str, Any]) -> dict[str, Any] | None:
    if "actions" in chunk:
        return None
    if "steps" in chunk:
        return {"intermediate_step": [(step.action, step.observation) for step in chunk["steps"]]}
    return dict(chunk)


class ExecutorChunk(AddableDict):
    """A chunk of an executor's stream: actions, steps or the output, and their messages."""

    progress: _Progress

    @property
    def stream_value(self) -> dict[str, Any]:
        """The value of the stream so far, of which the chunks are parts."""
        return self.progress.output()


class _Progress:
    """How far a run has come."""

    steps: list[Step]

    def __init__(self, executor: AgentExecutor, input: Any) -> None:
        self._executor = executor
        self.input = _read_input(input)
        self.steps = []
        self.finish: AgentFinish | None = None
        self._rounds = 0
        self._started = time.monotonic()

    def may_go_on(self) -> bool:
        """Whether the agent may be asked again; counts that it is."""
        rounds, seconds = self._executor.max_iterations, self._executor.max_execution_time
        self._rounds += 1
        return (rounds is None or self._rounds <= rounds) and (
            seconds is None or time.monotonic() - self._started < seconds
        )

    def take(self, steps: Sequence[AgentStep], tools: Mapping[str, BaseTool]) -> None:
        """Remember steps; the run ends with the first of a tool whose result is the output."""
        self.steps += [(step.action, step.observation) for step in steps]
        for step in steps:
            tool = tools.get(step.action.tool)
            if tool is not None and tool.return_direct:
                self.finish = AgentFinish({"output": step.observation}, observation_text(step.observation))
                return

    def chunk(self, messages: Sequence[BaseMessage], **values: Any) -> ExecutorChunk:
        """What the stream shows of one thing that happened."""
        chunk = ExecutorChunk(**values, messages=list(messages))
        chunk.progress = self
        return chunk

    def output(self) -> dict[str, Any]:
        """The value of the run."""
        values = self.finish.return_values if self.finish is not None else {}
        steps = {"intermediate_steps": self.steps} if self._executor.return_intermediate_steps else {}
        return {**self.input, **values, **steps}


class _OutputAccumulator(Accumulator):
    """The value of an executor's stream: that of its run, whatever the chunks show."""

    def __init__(self, found: Sequence[_Progress]) -> None:
        super().__init__()
        self._found = found

    def add(self, chunk: Any) -> None:
        """Only counts."""
        self._folded_count += 1

    def value(self) -> Any:
        return self._found[0].output() if self._found else None


def _read_input(input: Any) -> dict[str, Any]:
    if isinstance(input, Mapping):
        return dict(input)
    if isinstance(input, str):
        return {"input": input}
    raise ConfigError(f"the input of an AgentExecutor is a dict such as {{'input': '...'}}, not {input!r:.80}")


def _read_options(options: Any) -> RunnableConfig:
    if options.pop("memory", None) is not None:
        raise ConfigError("AgentExecutor keeps no memory: wrap it in a RunnableWithMessageHistory")
    options.pop("verbose", None)
    if unknown := options.keys() - {"tags", "metadata", "callbacks"}:
        raise ConfigError(f"AgentExecutor takes no argument {sorted(unknown)[0]!r}")
    config: RunnableConfig = {key: value for key, value in options.items() if value}  # type: ignore[assignment]
    return merge_configs(config) if config else {}


async def _report(run: Run, hook: str, fact: Any) -> None:
    for observer in run.observers or ():
        callback: Any = getattr(observer, "on_other", None)
        notice = callback(run, hook, fact) if callback is not None else None
        if notice is not None:
            await notice
