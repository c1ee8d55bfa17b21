"""The step of an agent's loop that runs the calls of its model."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from prill.agents.approval import answer_decision, note_edit
from prill.agents.calls import Outcome
from prill.agents.history import Call, find_open_calls, make_answer, repair, sort_answers
from prill.agents.interrupts import INTERRUPT
from prill.agents.limits import Reached
from prill.agents.progress import END, MODEL, ROUTE, TOOLS, Progress
from prill.agents.streaming import Update
from prill.agents.turn import Fact
from prill.errors import ConfigError
from prill.io import closing
from prill.messages import ToolMessage

_LIMITED = "Tool call limit exceeded. Do not make additional tool calls."
_REPEATED = (
    "not run: {name} was called with the same arguments {count} times. Do not call it with them again; use what you "
    "have, or do something else."
)


class ToolStep:
    """Answers the open calls: runs them, or says why not, or pauses the agent for a person."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._agent = progress.agent
        self._turn = progress.turn
        self._reached: Reached | None = None
        self._taking_over: Outcome | None = None
        self._turnstile: Any = None  # calls that run at once change the state one after the other

    async def run(self) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        index, calls = find_open_calls(turn.messages)
        self._progress.next = MODEL
        if not calls:  # a hook has sent the loop here
            self._progress.next = ROUTE
            return
        outcomes: list[Outcome] = []
        work = partial(self._run_calls, calls, outcomes)
        self._turnstile = turn.run.io.condition() if len(calls) > 1 else None
        if len(calls) > 1 or turn.modes & {"messages", "custom"}:
            async with closing(self._progress.live(work)) as live:
                async for fact in live:
                    yield fact
        else:
            await work()
        sort_answers(turn.messages, index)
        if not turn.interrupts:
            for fact in self._progress.snapshot():
                yield fact
        self._read_outcomes(outcomes)
        if not turn.interrupts and self._taking_over is not None:
            async with closing(self._progress.live(partial(self._hand_over, self._taking_over))) as live:
                async for fact in live:
                    yield fact
        await self._route(outcomes)
        for fact in turn.take_pending():
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
        if outcome.error is not None or outcome.interrupt is not None:
            return
        if self._turnstile is None:
            await self._add(outcome)
            return
        async with self._turnstile:
            await self._add(outcome)

    async def _add(self, outcome: Outcome) -> None:
        turn = self._turn
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
        await self._progress.add(TOOLS, outcome.messages, outcome.update)

    def _read_outcomes(self, outcomes: list[Outcome]) -> None:
        """Take the questions of the calls that wait, and raise the error of one that failed."""
        self._turn.interrupts += [outcome.interrupt for outcome in outcomes if outcome.interrupt is not None]
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error

    async def _route(self, outcomes: list[Outcome]) -> None:
        """Go on after the tools: with the model, unless there is a reason to end or to pause."""
        turn = self._turn
        if turn.interrupts:
            await self._pause()
        elif self._reached is not None:
            await self._progress.stop_at(self._reached)
        elif turn.structured or self._taking_over or _are_direct(outcomes):
            self._progress.next = END
        else:
            self._go_to([target for outcome in outcomes for target in outcome.goto])

    async def _pause(self) -> None:
        turn = self._turn
        self._progress.next, self._progress.is_shown = END, False
        if self._progress.conversation is not None:
            await self._progress.conversation.add(interrupts=turn.interrupts)
        await turn.emit("updates", Update({INTERRUPT: tuple(turn.interrupts)}, turn))

    def _go_to(self, targets: list[str]) -> None:
        """Go on where a tool's ``Command`` says."""
        for target in targets:
            if target in ("__end__", END):
                self._progress.next = END
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
        await self._progress.add(TOOLS, outcome.messages, outcome.update)
        sort_answers(turn.messages, index)
        await self._progress.add(target, output["messages"][len(history) :])


def _are_direct(outcomes: list[Outcome]) -> bool:
    return bool(outcomes) and all(outcome.return_direct for outcome in outcomes)
