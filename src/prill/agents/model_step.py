"""The step of an agent's loop that calls its model."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from prill.agents.history import open_calls, repair, with_unique_ids
from prill.agents.middleware import ExtendedModelResponse, ModelRequest, ModelResponse
from prill.agents.progress import END, MODEL, TOOLS, Progress
from prill.agents.streaming import describe_run, label_chunk
from prill.agents.turn import Fact
from prill.errors import ConfigError, StreamTimeout, add_step
from prill.io import closing
from prill.language_models.base import copy_message, set_id
from prill.messages import AIMessage, BaseMessage, ToolMessage, message_chunk_to_message
from prill.messages.base import BaseMessageChunk
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import SingleValueStream
from prill.transducers.partial_json import NOTHING


class ModelStep:
    """Calls the model with what is around it, and adds its answer to the state."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._agent = progress.agent
        self._turn = progress.turn
        self._attempts = 0  # how many texts stand where a form was asked for

    async def run(self) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        await self._progress.close_calls()
        self._progress.next = MODEL
        if self._agent.hooks.by_name["before_model"]:
            if await self._progress.call_hooks("before_model"):
                return
            await self._progress.close_calls()
        if (reached := turn.meter.find_reached()) is not None:
            await self._progress.stop_at(reached)
            return
        response = ModelResponse([])
        if not self._agent.hooks.wraps["wrap_model_call"]:
            work = self._stream_model(response)
        else:
            work = self._progress.live(partial(self._call_wrapped, response))
        try:
            async with closing(work) as chunks:
                async for fact in chunks:
                    yield fact
        except StreamTimeout:
            if (reached := turn.meter.find_reached()) is None:
                raise
            await self._progress.stop_at(reached)
            return
        await self._take_response(response)
        for fact in turn.take_pending():
            yield fact
        for fact in self._progress.snapshot():
            yield fact
        if await self._progress.call_hooks("after_model"):
            return
        self._progress.next = self.route()
        if self._progress.next == MODEL and not open_calls(turn.messages) and self._asks_again():
            again = self._agent.structured.ask_again(turn.messages[-1], self._attempts)
            set_id(again, f"form-{self._attempts}-{turn.messages[-1].id}")
            await self._progress.add(self._agent.model_node, [again])

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

    def _stream_model(self, response: ModelResponse) -> AsyncGenerator[Fact, None]:
        """Call the model without anything around it, and yield its tokens as they come."""
        agent, turn = self._agent, self._turn
        given = turn.messages if agent.system_message is None else [agent.system_message, *turn.messages]
        return self._ask(agent.bound_model, given, response)

    async def _ask(self, model: Any, messages: list[Any], response: ModelResponse) -> AsyncGenerator[Fact, None]:
        turn = self._turn
        run = turn.child(self._agent.model_node)
        deadline = turn.meter.seconds_left
        step = model if deadline is None else model.with_timeout(total=max(deadline, 0.001))
        try:
            if not turn.streams_tokens:
                response.result = [_whole(await step._step(messages, run))]
                return
            stream = step._step_flow(SingleValueStream(messages), run)
            total = stream.accumulated or stream.new_accumulator()
            is_summed = total is stream.accumulated
            partials = self._agent.structured.partials() if turn.wants("structured") else None
            async with closing(stream.source) as source:
                async for chunk in source:
                    if not is_summed:
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
                await self._progress.change("wrap_model_call", given.command.update)
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
        await self._progress.add(self._agent.model_node, messages, update)

    def route(self) -> str:
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


def _whole(message: Any) -> Any:
    return message_chunk_to_message(message) if isinstance(message, BaseMessageChunk) else message
