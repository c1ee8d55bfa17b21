"""The loop of an agent: the model is called, its calls of tools are run, until it has answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from prill.agents.approval import answer_decision, note_edit
from prill.agents.calls import Outcome
from prill.agents.history import Call, find_open_calls, make_answer, open_calls, repair, sort_answers, with_unique_ids
from prill.agents.interrupts import INTERRUPT
from prill.agents.limits import Reached
from prill.agents.middleware import ExtendedModelResponse, ModelRequest, ModelResponse
from prill.agents.state import JUMP_TO
from prill.agents.streaming import BUFFER, Update, describe_run, label_chunk
from prill.agents.turn import Fact, Turn
from prill.errors import AgentLimitError, ConfigError, StreamTimeout, add_step
from prill.io import closing
from prill.io.execution_mode import Emit
from prill.language_models.base import copy_message, set_id
from prill.messages import AIMessage, BaseMessage, ToolMessage, message_chunk_to_message
from prill.messages.base import BaseMessageChunk
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import SingleValueStream
from prill.transducers.partial_json import NOTHING

END, MODEL, TOOLS = "end", "model", "tools"

_SKIPPED = "not run: the agent went on without this call"
_LIMITED = "Tool call limit exceeded. Do not make additional tool calls."
_REPEATED = (
    "not run: {name} was called with the same arguments {count} times. Do not call it with them again; use what you "
    "have, or do something else."
)


class Loop:
    """Runs one turn of an agent; ``facts`` is what its stream shows, and running it to its end is the run."""

    def __init__(self, agent: Any, turn: Turn, conversation: Any = None, *, resumes: bool = False) -> None:
        self._agent = agent
        self._turn = turn
        self._conversation = conversation
        self._resumes = resumes
        self._next = MODEL
        self._attempts = 0  # how many texts stand where a form was asked for
        self._reached: Reached | None = None
        self._taking_over: Outcome | None = None
        self._is_shown = True  # whether the last snapshot of the state is the state

    async def facts(self) -> AsyncGenerator[Fact, None]:
        """Run the turn, and yield what happens as far as somebody reads it."""
        turn = self._turn
        try:
            if turn.wants("values"):
                yield "values", turn.output()
            if not self._resumes:
                await self._call_hooks("before_agent")
            if self._next != END:
                self._next = TOOLS if open_calls(turn.messages) else self._start()
            while self._next != END:
                turn.step += 1
                step = self._call_model() if self._next == MODEL else self._call_tools()
                async with closing(step):
                    async for fact in step:
                        yield fact
                for fact in turn.take_pending():
                    yield fact
            if not turn.interrupts:
                await self._finish()
            for fact in (*turn.take_pending(), *self._snapshot()):
                yield fact
        except Exception as error:
            with suppress(Exception):  # an error may have slots
                error.state = turn.output()  # type: ignore[attr-defined]  # for programs that go on from there
            raise

    def _start(self) -> str:
        """Where a run without open calls starts; one that goes on may have broken off behind its last answer."""
        is_over = self._resumes and isinstance(self._turn.messages[-1], AIMessage)
        return END if is_over and self._agent.structured is None else MODEL

    async def _finish(self) -> None:
        await self._close_calls()
        await self._call_hooks("after_agent")
        if self._conversation is not None:
            await self._conversation.add(ended=True)

    def _snapshot(self, *, changed: bool = False) -> list[Fact]:
        """The state as a fact, if somebody reads it and has not been shown it."""
        if not self._turn.wants("values") or (self._is_shown and not changed):
            return []
        self._is_shown = True
        return [("values", self._turn.output())]

    # What changes the state

    async def _add(self, node: str, messages: list[BaseMessage], update: dict[str, Any] | None = None) -> None:
        """Add messages, and change other keys; what is stored is stored before anybody is shown it."""
        turn = self._turn
        self._is_shown = False
        turn.messages.extend(messages)
        before = dict(turn.state)
        if update:
            turn.apply(update, f"the update of {node}")
        if self._conversation is not None:
            await self._conversation.add(messages, _changes(before, turn.state))
        await turn.emit("updates", Update({node: {"messages": messages, **(update or {})}}, turn))

    async def _change(self, node: str, update: Any) -> str | None:
        """Apply what a hook returned; returns where it says that the loop goes on."""
        turn = self._turn
        if update is not None and not hasattr(update, "items"):
            raise ConfigError(f"{node} returned {update!r:.80}: return a dict of changes of the state, or None")
        if update:
            before, messages = dict(turn.state), list(turn.messages)
            turn.apply(update, f"the update of {node}")
            if "messages" in update:
                turn.messages[:] = repair(turn.messages, keep_open=True)
            turn.pending += self._snapshot(changed=True)
            if self._conversation is not None:
                await self._store_change(messages, _changes(before, turn.state))
        await turn.emit("updates", Update({node: dict(update) if update else update}, turn))
        return (update or {}).get(JUMP_TO)

    async def _store_change(self, before: list[BaseMessage], values: dict[str, Any]) -> None:
        after = self._turn.messages
        if len(after) >= len(before) and all(old is new for old, new in zip(before, after, strict=False)):
            await self._conversation.add(after[len(before) :], values)
        else:
            await self._conversation.add(after, values, replaces=True)

    async def _call_hooks(self, name: str) -> bool:
        """Call the hooks of one name; returns whether one of them said where the loop goes on."""
        turn = self._turn
        for hook in self._agent.hooks.by_name[name]:
            jump = await self._change(hook.node, await hook.call(turn, turn.visible_state(), turn.runtime))
            if jump is not None:
                if jump not in (END, MODEL, TOOLS):
                    raise ConfigError(f"{hook.node} returned jump_to={jump!r}; it is 'model', 'tools' or 'end'")
                self._next = jump
                return True
        return False

    async def _close_calls(self) -> None:
        """Answer the calls that nobody answered, so that the history is valid."""
        messages = self._turn.messages
        index, left = find_open_calls(messages)
        if left:
            await self._add(TOOLS, [make_answer(call, _SKIPPED) for call in left])
            sort_answers(messages, index)

    # The model

    async def _call_model(self) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        await self._close_calls()
        self._next = MODEL
        if self._agent.hooks.by_name["before_model"]:
            if await self._call_hooks("before_model"):
                return
            await self._close_calls()
        if (reached := turn.meter.find_reached()) is not None:
            await self._stop_at(reached)
            return
        response = ModelResponse([])
        if not self._agent.hooks.wraps["wrap_model_call"]:
            work = self._stream_model(response)
        else:
            work = self._live(partial(self._call_wrapped, response))
        try:
            async with closing(work) as chunks:
                async for fact in chunks:
                    yield fact
        except StreamTimeout:
            if (reached := turn.meter.find_reached()) is None:
                raise
            await self._stop_at(reached)
            return
        await self._take_response(response)
        for fact in turn.take_pending():
            yield fact
        for fact in self._snapshot():
            yield fact
        if await self._call_hooks("after_model"):
            return
        self._next = self._route()
        if self._next == MODEL and not open_calls(turn.messages) and self._asks_again():
            again = self._agent.structured.ask_again(turn.messages[-1], self._attempts)
            set_id(again, f"form-{self._attempts}-{turn.messages[-1].id}")
            await self._add(MODEL, [again])

    def _asks_again(self) -> bool:
        message = self._turn.messages[-1]
        return self._agent.structured is not None and isinstance(message, AIMessage)

    def _request(self) -> ModelRequest:
        agent, turn = self._agent, self._turn
        return ModelRequest(
            model=agent.model,
            messages=list(turn.messages),
            system_message=agent.system_message,
            tool_choice=agent.tool_choice,
            tools=list(agent.offered_tools),
            response_format=agent.response_format,
            state=turn.visible_state(),
            runtime=turn.runtime,
            model_settings={},
        )

    async def _stream_model(self, response: ModelResponse) -> AsyncGenerator[Fact, None]:
        """Call the model without anything around it, and yield its tokens as they come."""
        agent, turn = self._agent, self._turn
        given = turn.messages if agent.system_message is None else [agent.system_message, *turn.messages]
        async with closing(self._ask(agent.bound_model, given, response)) as chunks:
            async for fact in chunks:
                yield fact

    async def _ask(self, model: Any, messages: list[Any], response: ModelResponse) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        run = turn.child(MODEL)
        deadline = turn.meter.seconds_left
        step = model if deadline is None else model.with_timeout(total=max(deadline, 0.001))
        try:
            if not turn.streams_tokens:
                response.result = [_whole(await step._step(messages, run))]
                return
            stream = step._step_flow(SingleValueStream(messages), run)
            total = stream.new_accumulator()
            partials = self._agent.structured.partials() if turn.wants("structured") else None
            async with closing(stream.source) as source:
                async for chunk in source:
                    total.add(chunk)
                    if turn.wants("messages") and turn.put is None and type(chunk) is not StreamRestart:
                        yield "messages", label_chunk(chunk, run)
                    if partials is not None and (shown := partials.feed(chunk)) is not NOTHING:
                        yield "structured", shown
            response.result = [_whole(total.value())]
            if turn.wants("messages"):
                describe_run(run)["final"] = not getattr(response.result[0], "tool_calls", None)
        except Exception as error:
            name = getattr(model, "get_name", lambda: "model")()
            add_step(error, turn.name, f"model ({name})", inner=name)
            raise

    async def _call_wrapped(self, response: ModelResponse) -> None:
        """Call the model inside of the middleware around it."""
        given = await self._agent.hooks.run_wrapped(
            "wrap_model_call", self._turn, self._request(), self._answer_request
        )
        if isinstance(given, ExtendedModelResponse):
            if given.command is not None:
                await self._change("wrap_model_call", given.command.update)
            given = given.model_response
        if isinstance(given, BaseMessage):
            given = ModelResponse([given])
        if not isinstance(given, ModelResponse) or not given.result:
            raise ConfigError(
                f"wrap_model_call returned {given!r:.80}: return what its handler returns, or an AIMessage"
            )
        response.result, response.structured_response = list(given.result), given.structured_response

    async def _answer_request(self, request: ModelRequest) -> ModelResponse:
        """Call the model as a request says; hooks may have changed anything, so the history is checked."""
        agent, turn = self._agent, self._turn
        response = ModelResponse([])
        messages = repair(request.messages)
        given = messages if request.system_message is None else [request.system_message, *messages]
        async with closing(self._ask(agent.bind_request(request), given, response)) as chunks:
            async for fact in chunks:
                if fact[0] != "messages":
                    await turn.emit(*fact)
        return response

    async def _take_response(self, response: ModelResponse) -> None:
        """Add the model's answer to the state, with the answers to the forms in it."""
        agent, turn = self._agent, self._turn
        message: Any = response.result[0]
        if not isinstance(message, AIMessage):
            raise ConfigError(f"the model of {turn.name} gave {message!r:.80}: an agent needs one that gives messages")
        turn.meter.count_message(message)
        message = with_unique_ids(message)
        if agent.name and message.name is None:
            message = copy_message(message)
            message.__dict__["name"] = agent.name
        messages: list[BaseMessage] = [message, *response.result[1:]]
        update: dict[str, Any] = {}
        if agent.structured is not None:
            accepted = agent.structured.accept(message)
            if not message.tool_calls and not message.invalid_tool_calls and agent.structured.reads_text:
                accepted.value, accepted.done = agent.structured.read_text(message), True
            messages += accepted.answers
            turn.structured = accepted.done
            update["structured_response"] = accepted.value
        if response.structured_response is not None:
            update["structured_response"], turn.structured = response.structured_response, True
        await self._add(MODEL, messages, update)

    def _route(self) -> str:
        """Where the loop goes on after the model."""
        turn, structured = self._turn, self._agent.structured
        if open_calls(turn.messages):
            return TOOLS
        if turn.structured:
            return END
        if isinstance(turn.messages[-1], ToolMessage):  # hooks have answered the calls
            return MODEL
        if structured is None:
            return END
        if isinstance(turn.messages[-1], AIMessage):
            self._attempts += 1
        return MODEL

    async def _stop_at(self, reached: Reached) -> None:
        """End the run at a limit, as the limits say."""
        turn = self._turn
        text = reached.describe()
        if turn.meter.limits.on_limit == "error":
            raise AgentLimitError(
                f"{text}. Its state is in the error's partial; raise the limit, limits=Limits({reached.limit}=...), if "
                "the work needs more",
                limit=reached.limit,
                used=reached.used,
                maximum=reached.maximum,
                partial=turn.output(),
            )
        message = AIMessage(content=f"{text[0].upper()}{text[1:]}.", name=self._agent.name)
        set_id(message, f"limit-{turn.step}-{turn.messages[-1].id}")
        await self._add(MODEL, [message])
        self._next = END

    # The tools

    async def _call_tools(self) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        index, calls = find_open_calls(turn.messages)
        self._next = MODEL
        if not calls:  # a hook has sent the loop here
            self._next = self._route() if isinstance(turn.messages[-1], AIMessage) else MODEL
            return
        outcomes: list[Outcome] = []
        work = partial(self._run_calls, calls, outcomes)
        if len(calls) > 1 or turn.modes & {"messages", "custom"}:
            async with closing(self._live(work)) as live:
                async for fact in live:
                    yield fact
        else:
            await work()
        sort_answers(turn.messages, index)
        if not turn.interrupts:
            for fact in self._snapshot():
                yield fact
        async with closing(self._route_outcomes(outcomes)) as facts:
            async for fact in facts:
                yield fact

    async def _run_calls(self, calls: list[Call], outcomes: list[Outcome]) -> None:
        """Answer the calls that need no tool, ask for the decisions that are needed, and run the others."""
        turn = self._turn
        ready: list[Call] = []
        gated: list[Call] = []
        for call in calls:
            if (text := self._refusal(call)) is not None:
                await self._report(Outcome(call, [make_answer(call, text)]))
            elif (decision := turn.decisions.get(call["id"])) is not None:
                answer = answer_decision(decision)
                if answer is not None:
                    await self._report(Outcome(call, [answer]))
                else:
                    self._take(decision.call, ready, outcomes)
            elif self._agent.approvals.needs(call):
                gated.append(call)
            else:
                self._take(call, ready, outcomes)
        for outcome in outcomes:  # those that a limit forbids
            await self._report(outcome)
        if ready:
            outcomes += await self._agent.runner.run(ready, turn, self._report)
        if gated:
            turn.interrupts += self._agent.approvals.ask(gated, turn.visible_state(), turn.runtime)

    def _refusal(self, call: Call) -> str | None:
        """Why a call cannot be run at all."""
        if call.get("type") == "invalid_tool_call" or "error" in call:
            reason = call.get("error") or "its arguments cannot be read"
            return f"not run: {reason}. Call the tool again, with all of its arguments."
        return None

    def _take(self, call: Call, ready: list[Call], outcomes: list[Outcome]) -> None:
        """Run a call later on, if the limits allow it."""
        meter = self._turn.meter
        repeats = meter.count_repeats(call)
        if repeats:
            count = meter.limits.repeats or 0
            if repeats > 1:
                self._reached = Reached("repeats", count + repeats, count)
            outcomes.append(Outcome(call, [make_answer(call, _REPEATED.format(name=call["name"], count=count))]))
        elif (reached := meter.take_call(call)) is not None:
            self._reached = reached
            outcomes.append(Outcome(call, [make_answer(call, _LIMITED)]))
        else:
            ready.append(call)

    async def _report(self, outcome: Outcome) -> None:
        """Add what became of a call to the state, as soon as it is there."""
        turn = self._turn
        if outcome.error is not None or outcome.interrupt is not None:
            return
        if self._taking_over is None and any(target in self._agent.handoffs for target in outcome.goto):
            self._taking_over = outcome
            return
        decision = turn.decisions.get(outcome.call["id"])
        answer = next((each for each in outcome.messages if isinstance(each, ToolMessage)), None)
        if decision is not None and decision.type == "edit" and answer is not None:
            note_edit(decision.call, answer, self._agent.approvals.edit_notice)
        if turn.wants("messages"):
            labels = {"langgraph_node": TOOLS, "langgraph_step": turn.step, "path": [turn.name], "agent": turn.name}
            for message in outcome.messages:
                await turn.emit("messages", (message, labels))
        await self._add(TOOLS, outcome.messages, outcome.update)

    async def _route_outcomes(self, outcomes: list[Outcome]) -> AsyncGenerator[Fact, None]:
        """Go on after the tools: with the model, unless there is a reason to end, to hand over or to pause."""
        turn = self._turn
        turn.interrupts += [outcome.interrupt for outcome in outcomes if outcome.interrupt is not None]
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        if not turn.interrupts and self._taking_over is not None:
            async with closing(self._live(partial(self._hand_over, self._taking_over))) as live:
                async for fact in live:
                    yield fact
        if turn.interrupts:
            await self._pause()
        elif self._reached is not None:
            await self._stop_at(self._reached)
        elif turn.structured or self._taking_over or _are_direct(outcomes):
            self._next = END
        else:
            self._go_to([target for outcome in outcomes for target in outcome.goto])
        for fact in turn.take_pending():
            yield fact

    async def _pause(self) -> None:
        turn = self._turn
        self._next, self._is_shown = END, False
        if self._conversation is not None:
            await self._conversation.add(interrupts=turn.interrupts)
        await turn.emit("updates", Update({INTERRUPT: tuple(turn.interrupts)}, turn))

    def _go_to(self, targets: list[str]) -> None:
        """Go on where a tool's ``Command`` says."""
        for target in targets:
            if target in ("__end__", END):
                self._next = END
            elif target not in (MODEL, "agent", self._turn.name, *self._agent.handoffs):
                known = ", ".join(self._agent.handoffs) or "none"
                raise ConfigError(f"a Command goes to {target!r}; the agents that can take over are: {known}")

    async def _hand_over(self, outcome: Outcome) -> None:
        """Let another agent go on with the conversation; its call is answered when that agent has ended its turn."""
        turn = self._turn
        target = next(name for name in outcome.goto if name in self._agent.handoffs)
        history = repair([*turn.messages, *outcome.messages])
        output = await self._agent.handoffs[target].take_over(turn, outcome.call, history)
        if output is None:
            return
        index, _ = find_open_calls(turn.messages)
        await self._add(TOOLS, outcome.messages, outcome.update)
        sort_answers(turn.messages, index)
        await self._add(target, output["messages"][len(history) :])

    # Work whose inside is shown

    async def _live(self, work: Callable[[], Awaitable[None]]) -> AsyncGenerator[Fact, None]:
        """Run ``work`` and yield what is written within it, while it runs, if somebody reads that."""
        turn = self._turn
        if not turn.modes or turn.modes == {"values"}:
            await work()
            return
        async with closing(turn.run.io.background(partial(self._with_put, work), BUFFER)) as items:
            async for item in items:
                yield item

    async def _with_put(self, work: Callable[[], Awaitable[None]], put: Emit) -> None:
        turn, sink = self._turn, self._turn.sink
        turn.put = put
        if sink is not None:
            sink.put = put
        try:
            await work()
        finally:
            turn.put = None
            if sink is not None:
                sink.put = None


def _are_direct(outcomes: list[Outcome]) -> bool:
    return bool(outcomes) and all(outcome.return_direct for outcome in outcomes)


def _whole(message: Any) -> Any:
    return message_chunk_to_message(message) if isinstance(message, BaseMessageChunk) else message


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The keys of a state, but for its messages, that have another value."""
    return {key: value for key, value in after.items() if key != "messages" and before.get(key, NOTHING) is not value}
