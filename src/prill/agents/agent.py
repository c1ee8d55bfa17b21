"""``Agent``: the loop of a model and its tools as one Runnable."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Literal, NamedTuple

from prill.agents.approval import Approvals
from prill.agents.binding import bind_model
from prill.agents.calls import ToolRunner
from prill.agents.conversation import Conversation
from prill.agents.entry import Entry, Reader
from prill.agents.hooks import Hooks
from prill.agents.interrupts import ACTIVE
from prill.agents.limits import Limits
from prill.agents.loop import Loop
from prill.agents.middleware import ModelRequest
from prill.agents.snapshot import StateSnapshot, make_snapshot
from prill.agents.state import OpenState, StateSchema
from prill.agents.streaming import LiveSink, StateAccumulator, StreamForm
from prill.agents.structured import Structured
from prill.agents.sub_agent import make_agent_tool
from prill.agents.threads import StoredTypes, Threads
from prill.agents.turn import Fact, Turn
from prill.callbacks.config import RunnableConfig, check_config, merge_configs
from prill.callbacks.run import Run
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, closing, drive, get_asyncio_mode
from prill.messages import SystemMessage
from prill.runnables.base import Runnable
from prill.runnables.config_fields import ConfigurableFieldSpec
from prill.runnables.engine.streams import COLLECT, EMPTY, NOWHERE, REPLACE, Stream, collect
from prill.runnables.structure import Streaming
from prill.tools.base import BaseTool

_THREAD_ID = ConfigurableFieldSpec(
    "thread_id", str, "Thread ID", "The thread that a run of the agent goes on with.", default=None, is_shared=True
)

_IGNORED = frozenset({"print_mode", "output_keys", "debug", "interrupt_before", "interrupt_after", "control"})
"""Arguments of runs that programs may give and that change nothing here, as long as they are not set."""

_OF_STREAMS = ("stream_mode", "version", "subgraphs")
"""Arguments of runs that only streams read."""

Chunk = Any


class Parts(NamedTuple):
    """The tools of an agent, those that its provider runs, and what is around them."""

    tools: Sequence[BaseTool]
    provider_tools: Sequence[dict[str, Any]]
    hooks: Hooks
    runner: ToolRunner
    approvals: Approvals
    handoffs: Mapping[str, Any]
    types: Sequence[type[Any]]


class Agent(Runnable[Any, dict[str, Any]]):
    """A model that calls tools until it has answered; made by ``create_agent``.

    The input is a dict with ``messages``, a list of messages, one message or a text, ``None`` to go on with a thread,
    or a ``Command`` to resume a paused run. The output is the state: ``messages``, ``structured_response`` where the
    agent has a ``response_format``, ``__interrupt__`` where it has paused, and the keys of its ``state_schema``.

    ``stream`` takes ``stream_mode``, one mode or a list of them, whose chunks are pairs of the mode and its chunk:

    - ``"updates"``, the default: ``{"model": {"messages": [...]}}`` after each step, and one for each call of a tool;
    - ``"values"``: the whole state after each step; so an agent streams as a step of a chain;
    - ``"messages"``: pairs of a token (a message chunk, or the whole answer of a tool) and what is known of it; also
      those of agents and models inside of tools, with their ``path``;
    - ``"custom"``: what tools write, and the progress of tools that are generators;
    - ``"structured"``: the structured answer as it grows.
    """

    model_node = "model"
    """What updates and metadata call the step of the model."""

    _is_agent: ClassVar[bool] = True
    _buffers_input = True

    def __init__(
        self,
        model: Runnable[Any, Any],
        parts: Parts,
        *,
        system_message: SystemMessage | None,
        response_format: Any,
        schema: StateSchema,
        context_schema: Any,
        threads: Threads | None,
        store: Any,
        name: str | None,
        limits: Limits,
    ) -> None:
        limits.check_price(model)
        self.model = model
        self.tools = list(parts.tools)
        self.system_message = system_message
        self.hooks = parts.hooks
        self.response_format = response_format
        self.structured = None if response_format is None else Structured(response_format)
        self.context_schema = context_schema
        self.threads = threads
        self.store = store
        self.name = name
        self.limits = limits
        self.approvals = parts.approvals
        self.runner = parts.runner
        self.handoffs = parts.handoffs
        self.offered_tools: list[Any] = [*parts.tools, *parts.provider_tools]
        if self.structured is not None:
            self.offered_tools += self.structured.tools
        self.tool_choice = None if self.structured is None else self.structured.tool_choice
        self.bound_model = bind_model(model, self.offered_tools, self.tool_choice, self._settings())
        self._schema = schema
        self._types = (*parts.types, *(self.structured.types if self.structured is not None else ()))
        self._reader = Reader(schema, parts.approvals, parts.runner.by_name)
        self._config: RunnableConfig = {}

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.name or "Agent")

    def _settings(self) -> dict[str, Any]:
        return {} if self.structured is None else self.structured.settings()

    def bind_request(self, request: ModelRequest) -> Runnable[Any, Any]:
        """The model of a request, bound to what the request says."""
        is_own = (
            request.model is self.model
            and not request.model_settings
            and request.tool_choice == self.tool_choice
            and len(request.tools) == len(self.offered_tools)
            and all(one is other for one, other in zip(request.tools, self.offered_tools, strict=True))
        )
        if is_own:
            return self.bound_model
        return bind_model(
            request.model, request.tools, request.tool_choice, {**self._settings(), **request.model_settings}
        )

    # Verbs

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Agent:
        """Return this agent with a config that is merged into that of each call."""
        made = copy(self)
        given: Any = check_config({**(config or {}), **kwargs})
        self._check_configurable(given.get("configurable") or {})
        made._config = merge_configs(self._config, given)
        return made

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Generator[Any, None, None]:
        """Run on one input and yield what ``stream_mode`` asks for, by default ``"updates"``."""
        return super().stream(input, config, **{"stream_mode": "updates", **kwargs})

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Run on one input in asyncio and yield what ``stream_mode`` asks for, by default ``"updates"``."""
        return super().astream(input, config, **{"stream_mode": "updates", **kwargs})

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the events of ``astream_events`` in blocking code."""
        return super().stream_events(input, config, **{"stream_mode": "updates", **kwargs})

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Stream, and yield an event for everything that happens: in models, tools, and agents inside of tools."""
        return super().astream_events(input, config, **{"stream_mode": "updates", **kwargs})

    # The bodies

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Any:
        return super()._invoke_body(input, run.configured(self._config) if self._config else run, **kwargs)

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        if "form_" in kwargs:  # entered again, for a run that can be cancelled
            return super()._stream_body(inputs, run, **kwargs)
        form = StreamForm(
            kwargs.pop("stream_mode", None), kwargs.pop("version", "v1"), kwargs.pop("subgraphs", False) is True
        )
        config = self._config
        sink = LiveSink(form.modes) if form.is_live else None
        if sink is not None:
            config = merge_configs(config, {"callbacks": [sink]})
        run = run.configured(config) if config else run
        return super()._stream_body(inputs, run, form_=form, sink_=sink, **kwargs)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        turns: list[Turn] = []
        async with closing(self._facts(input, run, frozenset(), turns, None, kwargs)) as facts:
            async for _ in facts:
                continue
        return turns[0].output()

    def _flow(
        self, inputs: Stream[Any], run: Run, *, form_: StreamForm | None = None, sink_: Any = None, **kwargs: Any
    ) -> Stream[Any]:
        form = form_ or StreamForm(None, "v1", False)
        turns: list[Turn] = []
        chunks = self._chunks(inputs, run, form, sink_, turns, kwargs)
        return Stream(chunks, REPLACE if form.replaces else COLLECT, NOWHERE, StateAccumulator(turns))

    async def _chunks(
        self, inputs: Stream[Any], run: Run, form: StreamForm, sink: Any, turns: list[Turn], kwargs: dict[str, Any]
    ) -> AsyncGenerator[Chunk, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        async with closing(self._facts(input, run, form.modes, turns, sink, kwargs)) as facts:
            async for mode, value in facts:
                yield form.chunk(mode, value)

    async def _facts(
        self,
        input: Any,
        run: Run,
        modes: frozenset[str],
        turns: list[Turn],
        sink: Any,
        kwargs: dict[str, Any],
    ) -> AsyncGenerator[Fact, None]:
        """Run the agent, and yield what happens."""
        context, durability = self._read_arguments(kwargs)
        conversation = self._open_thread(run, durability)
        thread_id = None if conversation is None else self._thread_id(run)
        stored = None if conversation is None else await conversation.load()
        entry = self._reader.read(input, stored, thread_id)
        turn = self._make_turn(run, entry, stored, modes, context)
        turn.agent, turn.sink, turn.thread_id = self, sink, thread_id
        turns.append(turn)
        try:
            if conversation is not None:
                await self._store_entry(conversation, entry, turn)
            async with closing(Loop(self, turn, conversation, resumes=entry.resumes).facts()) as facts:
                async for fact in facts:
                    yield fact
        finally:
            if conversation is not None and durability == "exit":
                await run.io.shield(conversation.finish)

    def _read_arguments(self, kwargs: dict[str, Any]) -> tuple[Any, str]:
        context, durability = kwargs.pop("context", None), kwargs.pop("durability", None) or "sync"
        for name in _OF_STREAMS:
            kwargs.pop(name, None)  # they may be bound to an agent that is invoked
        if durability not in ("sync", "async", "exit"):
            raise ConfigError(f"durability is 'sync', 'async' or 'exit', not {durability!r}")
        set_ = [name for name, value in kwargs.items() if name not in _IGNORED or value]
        if set_:
            raise ConfigError(
                f"a run of {self.get_name()} takes no argument {set_[0]!r}; it takes context, durability, stream_mode, "
                "version and subgraphs"
            )
        if isinstance(context, Mapping) and isinstance(self.context_schema, type):
            from pydantic import TypeAdapter  # noqa: PLC0415 - few agents have a context

            context = TypeAdapter(self.context_schema).validate_python(context)
        return context, durability

    def _make_turn(self, run: Run, entry: Entry, stored: Any, modes: frozenset[str], context: Any) -> Turn:
        defaults = {name: make() for name, make in self._schema.defaults.items()}
        known = {} if stored is None else stored.values
        known = {key: value for key, value in known.items() if key in self._schema.reducers}
        state: dict[str, Any] = {"messages": list(entry.messages), **defaults, **known}
        state.pop("structured_response", None)  # that of an earlier run
        limits = self._limits(run)
        turn = Turn(
            self.get_name(), run, state, self._schema, limits=limits, context=context, store=self.store, modes=modes
        )
        turn.apply(entry.values, "the input")
        turn.decisions, turn.answers = entry.decisions, entry.answers
        turn.paused_states = entry.paused_states
        return turn

    def _limits(self, run: Run) -> Limits:
        """The limits of a run; a ``recursion_limit`` in its config is the number of calls of the model."""
        given = run.said("recursion_limit")
        if given is None or ACTIVE.get() is not None:
            return self.limits
        return self.limits.with_model_calls(given)

    # Threads

    def _thread_id(self, run: Run) -> str:
        given = (run.said("configurable") or {}).get("thread_id")
        if given is None:
            raise ConfigError(
                f"{self.get_name()} keeps threads, and the run does not say which: agent.invoke(input, "
                "{'configurable': {'thread_id': '...'}})"
            )
        active = ACTIVE.get()
        if active is not None and active.call is not None and active.turn.thread_id == str(given):
            return f"{given}/{active.call['id']}"  # an agent in a tool inherits the config of the one around it
        return str(given)

    def _open_thread(self, run: Run, durability: str) -> Conversation | None:
        if self.threads is None:
            return None
        at_exit = durability == "exit"
        return Conversation(self.threads, self._thread_id(run), run.io, StoredTypes(*self._types), at_exit=at_exit)

    async def _store_entry(self, conversation: Conversation, entry: Entry, turn: Turn) -> None:
        """Store what is new in the input. It is done also where nothing is: of two runs that start, one goes on."""
        stored, messages = entry.stored, entry.messages
        values = {key: turn.state[key] for key in entry.values if key in turn.state}
        if len(messages) >= len(stored) and all(old is new for old, new in zip(stored, messages, strict=False)):
            await conversation.add(messages[len(stored) :], values)
        else:
            await conversation.add(messages, values, replaces=True)

    def get_state(self, config: RunnableConfig) -> StateSnapshot:
        """The state of a thread: its ``values``, the ``interrupts`` that it waits for, and what runs ``next``.

        Raises:
            ConfigError: the agent has no threads, or ``config`` names none.
        """
        return drive(self._snapshot(BLOCKING, config))

    async def aget_state(self, config: RunnableConfig) -> StateSnapshot:
        """The asyncio form of ``get_state``."""
        return await self._snapshot(get_asyncio_mode(), config)

    def update_state(self, config: RunnableConfig, values: Mapping[str, Any]) -> RunnableConfig:
        """Change the state of a thread; returns its config.

        Raises:
            ConfigError: the agent has no threads, or ``values`` has a key that the state does not have.
            ThreadConflictError: a run has written to the thread in the meantime.
        """
        return drive(self._update(BLOCKING, config, values))

    async def aupdate_state(self, config: RunnableConfig, values: Mapping[str, Any]) -> RunnableConfig:
        """The asyncio form of ``update_state``."""
        return await self._update(get_asyncio_mode(), config, values)

    def _conversation(self, io: ExecutionMode, config: RunnableConfig) -> Conversation:
        conversation = self._open_thread(Run(io, merge_configs(self._config, config)), "sync")
        if conversation is None:
            raise ConfigError(f"{self.get_name()} keeps no threads: create_agent(..., threads=InMemoryThreads())")
        return conversation

    async def _snapshot(self, io: ExecutionMode, config: RunnableConfig) -> StateSnapshot:
        stored = await self._conversation(io, config).load()
        return make_snapshot(stored, self._schema, self.approvals, config)

    async def _update(self, io: ExecutionMode, config: RunnableConfig, values: Mapping[str, Any]) -> RunnableConfig:
        conversation = self._conversation(io, config)
        stored = await conversation.load()
        state: dict[str, Any] = {"messages": list(stored.messages), **stored.values}
        self._schema.apply(state, values, "the update")
        messages = state.pop("messages")
        changed = {key: state[key] for key in values if key in state}
        await conversation.add(messages, changed, replaces=True, interrupts=stored.interrupts)
        return config

    # What it reports about itself

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return [_THREAD_ID]

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return OpenState

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", True, "an agent needs its whole input; what it does is streamed as it happens")

    def as_tool(
        self,
        args_schema: Any = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, Any] | None = None,
    ) -> BaseTool:
        """Return a tool that gives this agent a task, in words, and returns the text of its answer.

        It has its own state and limits; what it uses is counted by the agent around it too. Where it pauses, the agent
        around it pauses.
        """
        return make_agent_tool(self, name, description)

    def __repr__(self) -> str:
        return f"Agent({self.get_name()!r}, tools=[{', '.join(tool.name for tool in self.tools)}])"
