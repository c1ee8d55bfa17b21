"""The state of an agent's turn as its loop changes it: what is added, stored, and shown in the stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

from prill.agents.history import find_open_calls, make_answer, repair, sort_answers
from prill.agents.limits import Reached
from prill.agents.state import JUMP_TO
from prill.agents.streaming import BUFFER, Update
from prill.agents.turn import Fact, Turn
from prill.errors import AgentLimitError, ConfigError
from prill.io import closing
from prill.io.execution_mode import Emit
from prill.language_models.base import set_id
from prill.messages import AIMessage, BaseMessage
from prill.transducers.partial_json import NOTHING

END, MODEL, TOOLS = "end", "model", "tools"

ROUTE = "route"
"""Where the loop goes on is to be decided by the last message."""

_SKIPPED = "not run: the agent went on without this call"


class Progress:
    """One turn of an agent under way; ``next`` is where its loop goes on."""

    def __init__(self, agent: Any, turn: Turn, conversation: Any) -> None:
        self.agent = agent
        self.turn = turn
        self.conversation = conversation
        self.next = MODEL
        self.is_shown = True  # whether the last snapshot of the state is the state

    def snapshot(self, *, changed: bool = False) -> list[Fact]:
        """The state as a fact, if somebody reads it and has not been shown it."""
        if not self.turn.wants("values") or (self.is_shown and not changed):
            return []
        self.is_shown = True
        return [("values", self.turn.output())]

    # What changes the state

    async def add(self, node: str, messages: list[BaseMessage], update: dict[str, Any] | None = None) -> None:
        """Add messages, and change other keys; what is stored is stored before anybody is shown it."""
        turn = self.turn
        self.is_shown = False
        turn.messages.extend(messages)
        before = dict(turn.state)
        if update:
            turn.apply(update, f"the update of {node}")
        if self.conversation is not None:
            await self.conversation.add(messages, _changes(before, turn.state))
        await turn.emit("updates", Update({node: {"messages": messages, **(update or {})}}, turn))

    async def change(self, node: str, update: Any) -> str | None:
        """Apply what a hook returned; returns where it says that the loop goes on."""
        turn = self.turn
        if update is not None and not hasattr(update, "items"):
            raise ConfigError(f"{node} returned {update!r:.80}: return a dict of changes of the state, or None")
        if update:
            before, messages = dict(turn.state), list(turn.messages)
            turn.apply(update, f"the update of {node}")
            if "messages" in update:
                turn.messages[:] = repair(turn.messages, keep_open=True)
            turn.pending += self.snapshot(changed=True)
            if self.conversation is not None:
                await self._store_change(messages, _changes(before, turn.state))
        await turn.emit("updates", Update({node: dict(update) if update else update}, turn))
        return (update or {}).get(JUMP_TO)

    async def _store_change(self, before: list[BaseMessage], values: dict[str, Any]) -> None:
        after = self.turn.messages
        if len(after) >= len(before) and all(old is new for old, new in zip(before, after, strict=False)):
            await self.conversation.add(after[len(before) :], values)
        else:
            await self.conversation.add(after, values, replaces=True)

    async def call_hooks(self, name: str) -> bool:
        """Call the hooks of one name; returns whether one of them said where the loop goes on."""
        turn = self.turn
        for hook in self.agent.hooks.by_name[name]:
            jump = await self.change(hook.node, await hook.call(turn, turn.visible_state(), turn.runtime))
            if jump is not None:
                if jump not in (END, MODEL, TOOLS):
                    raise ConfigError(f"{hook.node} returned jump_to={jump!r}; it is 'model', 'tools' or 'end'")
                self.next = jump
                return True
        return False

    async def close_calls(self) -> None:
        """Answer the calls that nobody answered, so that the history is valid."""
        messages = self.turn.messages
        index, left = find_open_calls(messages)
        if left:
            await self.add(TOOLS, [make_answer(call, _SKIPPED) for call in left])
            sort_answers(messages, index)

    async def stop_at(self, reached: Reached) -> None:
        """End the run at a limit, as the limits say."""
        turn = self.turn
        text = reached.describe()
        if turn.meter.limits.on_limit == "error":
            setting = "per_tool" if " " in reached.limit else reached.limit
            raise AgentLimitError(
                f"{text}. Its state is in the error's partial; raise the limit, limits=Limits({setting}=...), if the "
                "work needs more",
                limit=reached.limit,
                used=reached.used,
                maximum=reached.maximum,
                partial=turn.output(),
            )
        message = AIMessage(content=f"{text[0].upper()}{text[1:]}.", name=self.agent.name)
        set_id(message, f"limit-{turn.step}-{turn.messages[-1].id}")
        await self.add(self.agent.model_node, [message])
        self.next = END

    async def live(self, work: Callable[[], Awaitable[None]]) -> AsyncGenerator[Fact, None]:
        """Run ``work`` and yield what is written within it, while it runs, if somebody reads that."""
        turn = self.turn
        if not turn.modes or turn.modes == {"values"}:
            await work()
            return
        async with closing(turn.run.io.background(partial(self._with_put, work), BUFFER)) as items:
            async for item in items:
                yield item

    async def _with_put(self, work: Callable[[], Awaitable[None]], put: Emit) -> None:
        turn, sink = self.turn, self.turn.sink
        turn.put = put
        if sink is not None:
            sink.put = put
        try:
            await work()
        finally:
            turn.put = None
            if sink is not None:
                sink.put = None


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The keys of a state, but for its messages, that have another value."""
    return {key: value for key, value in after.items() if key != "messages" and before.get(key, NOTHING) is not value}
