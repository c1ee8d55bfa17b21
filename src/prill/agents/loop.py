"""The loop of an agent: the model is called, its calls of tools are run, until it has answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from prill.agents.history import open_calls
from prill.agents.model_step import ModelStep
from prill.agents.progress import END, MODEL, ROUTE, TOOLS, Progress
from prill.agents.tool_step import ToolStep
from prill.agents.turn import Fact, Turn
from prill.io import closing
from prill.messages import AIMessage


class Loop:
    """Runs one turn of an agent; ``facts`` is what its stream shows, and running it to its end is the run."""

    def __init__(self, agent: Any, turn: Turn, conversation: Any = None, *, resumes: bool = False) -> None:
        self._turn = turn
        self._resumes = resumes
        self._progress = Progress(agent, turn, conversation)
        self._model = ModelStep(self._progress)
        self._tools = ToolStep(self._progress)

    async def facts(self) -> AsyncGenerator[Fact, None]:
        """Run the turn, and yield what happens as far as somebody reads it."""
        turn = self._turn
        try:
            if turn.wants("values"):
                yield "values", turn.output()
            if not self._resumes:
                await self._progress.call_hooks("before_agent")
            if self._progress.next != END:
                self._progress.next = TOOLS if open_calls(turn.messages) else self._start()
            while self._progress.next != END:
                turn.step += 1
                step = self._model.run() if self._progress.next == MODEL else self._tools.run()
                async with closing(step):
                    async for fact in step:
                        yield fact
                if self._progress.next == ROUTE:
                    self._progress.next = self._model.route()
                for fact in turn.take_pending():
                    yield fact
            if not turn.interrupts:
                await self._finish()
            for fact in (*turn.take_pending(), *self._progress.snapshot()):
                yield fact
        except Exception as error:
            with suppress(Exception):  # an error may have slots
                error.state = turn.output()  # type: ignore[attr-defined]  # for programs that go on from there
            raise

    def _start(self) -> str:
        """Where a run without open calls starts; one that goes on may have broken off behind its last answer."""
        is_over = self._resumes and isinstance(self._turn.messages[-1], AIMessage)
        return END if is_over and self._progress.agent.structured is None else MODEL

    async def _finish(self) -> None:
        await self._progress.close_calls()
        await self._progress.call_hooks("after_agent")
        if self._progress.conversation is not None:
            await self._progress.conversation.add(ended=True)
