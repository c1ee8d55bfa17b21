"""Runs the calls of tools that a model made, and gives each its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from uuid import uuid4

from pydantic import ValidationError

from prill.agents.history import Call, make_answer, with_call_id
from prill.agents.hooks import Hooks
from prill.agents.interrupts import ACTIVE, ActiveCall, Command, Interrupt
from prill.agents.middleware import ToolCallRequest
from prill.agents.runtime import fill_injections, find_injections
from prill.errors import Cancelled, ConfigError, Interrupted, StreamTimeout, ToolException, add_step, did_you_mean
from prill.language_models.base import copy_message, set_id
from prill.messages import BaseMessage, ToolMessage, convert_to_messages
from prill.runnables.engine.runs import config_for_child
from prill.tools.answer import format_output
from prill.tools.base import BaseTool

ErrorPolicy = bool | str | type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], str] | None
"""What becomes of an exception of a tool: raised (``False``, ``None``), or answered: with its text (``True``, or only
those of some types), with a text, or with what a function makes of it."""

MAX_OUTPUT = 400_000
"""How many characters of a tool's output a model is sent, about a hundred thousand tokens."""


@dataclass
class Outcome:
    """What became of one call: its answer and changes of the state, or an error, or a question for which it waits."""

    call: Call
    messages: list[BaseMessage] = field(default_factory=list)
    update: dict[str, Any] = field(default_factory=dict)
    goto: list[str] = field(default_factory=list)
    error: Exception | None = None
    interrupt: Interrupt | None = None
    return_direct: bool = False


Report = Callable[[Outcome], Awaitable[None]]
"""Is called with each outcome when it is there."""


class ToolRunner:
    """The tools of an agent, and how their calls are run."""

    def __init__(
        self,
        tools: Sequence[BaseTool],
        hooks: Hooks,
        *,
        handle_errors: ErrorPolicy = None,
        parallel: bool = True,
        timeout: float | None = None,
        max_output: int | None = MAX_OUTPUT,
    ) -> None:
        self.by_name = {tool.name: tool for tool in tools}
        self._injections = {tool.name: find_injections(tool) for tool in tools}
        self._hidden = {tool.name: tool._injected_names() for tool in tools}
        self._hooks = hooks
        self._handle_errors = handle_errors
        self._parallel = parallel
        self._timeout = timeout
        self._max_output = max_output

    async def run(self, calls: Sequence[Call], turn: Any, report: Report) -> list[Outcome]:
        """Run calls and return their outcomes in the same order; a call that fails leaves the others to their end."""
        if len(calls) == 1:
            return [await self._report(calls[0], turn, report)]
        outcomes: list[Outcome] = []
        for group in self._groups(calls):
            thunks = [partial(self._report, call, turn, report) for call in group]
            outcomes += await turn.run.io.gather(thunks, turn.run.limit)
        return outcomes

    def _groups(self, calls: Sequence[Call]) -> list[list[Call]]:
        """The calls that run at the same time: all, but for tools that demand to run alone."""
        groups: list[list[Call]] = []
        is_open = False
        for call in calls:
            tool = self.by_name.get(call["name"] or "")
            alone = not self._parallel or (tool is not None and tool.alone)
            if is_open and not alone:
                groups[-1].append(call)
            else:
                groups.append([call])
            is_open = not alone
        return groups

    async def _report(self, call: Call, turn: Any, report: Report) -> Outcome:
        outcome = await self._run_call(call, turn)
        await report(outcome)
        return outcome

    async def _run_call(self, call: Call, turn: Any) -> Outcome:
        answers = turn.answers.get(call["id"], ())
        token = ACTIVE.set(ActiveCall(turn, call, answers, turn.paused_states.get(call["id"])))
        try:
            return self._read_result(call, await self._execute(call, turn))
        except Interrupted as pause:
            asked = Interrupt(pause.value, f"{call['id']}:{len(answers)}", call["id"], tuple(answers), pause.state)
            return Outcome(call, interrupt=asked)
        except Cancelled:
            raise
        except Exception as error:
            return self._failed(call, error, turn)
        finally:
            ACTIVE.reset(token)

    async def _execute(self, call: Call, turn: Any) -> Any:
        if not self._hooks.wraps["wrap_tool_call"]:
            return await self._invoke(call, turn, self.by_name.get(call["name"]))
        request = ToolCallRequest(
            cast("Any", dict(call)), self.by_name.get(call["name"]), turn.visible_state(), turn.runtime
        )
        return await self._hooks.run_wrapped("wrap_tool_call", turn, request, partial(self._invoke_request, call, turn))

    async def _invoke_request(self, call: Call, turn: Any, request: ToolCallRequest) -> Any:
        # The id stays that of the model's call, whatever a hook makes of the request.
        return await self._invoke({**request.tool_call, "id": call["id"]}, turn, request.tool)

    async def _invoke(self, call: Call, turn: Any, tool: BaseTool | None) -> Any:
        if tool is None:
            return make_answer(call, self._describe_unknown(call["name"]))
        run = turn.child("tools")
        args = self._args(call, tool, turn, run)
        step: Any = tool
        seconds = _least(tool.timeout or self._timeout, turn.meter.seconds_left)
        if seconds is not None:
            step = tool.with_timeout(total=max(seconds, 0.001))
        try:
            return await step._step({"type": "tool_call", "name": tool.name, "args": args, "id": call["id"]}, run)
        except ValidationError as error:
            if not (notes := _argument_notes(error)):
                raise
            return make_answer(call, f"Error: {notes[-1]}\nPlease fix the arguments and call the tool again.")
        except StreamTimeout as error:
            if seconds is None:
                raise
            return make_answer(call, f"Error: {error.message.partition(';')[0]}")

    def _args(self, call: Call, tool: BaseTool, turn: Any, run: Any) -> dict[str, Any]:
        """The model's arguments without those that only the program may set, and the ones that the agent fills."""
        hidden = self._hidden.get(tool.name, frozenset())
        wanted = self._injections.get(tool.name) if tool.name in self._injections else find_injections(tool)
        args = {name: value for name, value in call["args"].items() if name not in hidden} if hidden else call["args"]
        if wanted:
            args = {**args, **fill_injections(wanted, turn, call["id"], config_for_child(run))}
        return dict(args)

    def _describe_unknown(self, name: str) -> str:
        return (
            f"Error: {name} is not a valid tool, try one of [{', '.join(self.by_name)}]."
            f"{did_you_mean(name, self.by_name).replace('; did', ' Did')}"
        )

    def _read_result(self, call: Call, result: Any) -> Outcome:
        tool = self.by_name.get(call["name"])
        outcome = Outcome(call, return_direct=tool is not None and tool.return_direct)
        for part in result if isinstance(result, list) else [result]:
            if isinstance(part, Command):
                self._read_command(part, outcome)
            elif isinstance(part, ToolMessage):
                outcome.messages.append(self._answer(call, part))
            else:  # a hook gave something else
                name = call["name"]
                made = format_output(tool, part, call["id"]) if tool is not None else make_answer(call, str(part))
                if not isinstance(made, ToolMessage):
                    raise ConfigError(f"a hook around the tool {name} gave {part!r:.80}: return a ToolMessage")
                outcome.messages.append(self._answer(call, made))
        answers = [each for each in outcome.messages if isinstance(each, ToolMessage)]
        if not answers:
            outcome.messages.insert(0, make_answer(call, "done", "success"))
        elif answers[0].status == "error":
            outcome.return_direct = False
        return outcome

    def _read_command(self, command: Command, outcome: Outcome) -> None:
        update = command.update or {}
        if not isinstance(update, Mapping):
            raise ConfigError(f"the update of a tool's Command is a dict, not {update!r:.80}")
        for message in convert_to_messages(update.get("messages") or []):
            outcome.messages.append(
                self._answer(outcome.call, message) if isinstance(message, ToolMessage) else message
            )
        outcome.update |= {key: value for key, value in update.items() if key != "messages"}
        outcome.goto += command.targets

    def _answer(self, call: Call, message: ToolMessage) -> ToolMessage:
        answer = with_call_id(copy_message(message), call["id"])
        if answer.id is None:
            if answer.artifact is None:  # a set of five names takes more than three times the memory of one of four
                fields = {name for name in answer.__pydantic_fields_set__ if name != "artifact"}
                object.__setattr__(answer, "__pydantic_fields_set__", fields)
            set_id(answer, str(uuid4()))
        if self._max_output is not None and isinstance(answer.content, str) and len(answer.content) > self._max_output:
            answer.__dict__["content"] = _cut(answer.content, self._max_output)
        return answer

    def _failed(self, call: Call, error: Exception, turn: Any) -> Outcome:
        text = self._text_for(error)
        if text is not None:
            return Outcome(call, [make_answer(call, text)])
        add_step(error, turn.name, f"tool {call['name']}", inner=call["name"])
        return Outcome(call, error=error)

    def _text_for(self, error: Exception) -> str | None:
        """What the model is sent about an error; ``None`` if the run is to fail."""
        policy: Any = self._handle_errors
        if isinstance(policy, str):
            return policy
        if isinstance(policy, type | tuple):
            policy = isinstance(error, policy)
        elif callable(policy):
            return str(policy(error))
        if policy or isinstance(error, ToolException):
            return _text_of(error)
        return None


def _text_of(error: Exception) -> str:
    return f"Error: {getattr(error, 'message', None) or str(error) or type(error).__name__}"


def _argument_notes(error: ValidationError) -> list[str]:
    """The notes that a tool puts on errors of its arguments, and on no others."""
    return [note for note in getattr(error, "__notes__", ()) if "was called with wrong arguments" in note]


def _least(*seconds: float | None) -> float | None:
    given = [each for each in seconds if each is not None]
    return min(given) if given else None


def _cut(text: str, limit: int) -> str:
    """The start and the end of a text that is too long."""
    left_out = len(text) - limit
    return f"{text[: limit // 2]}\n… {left_out} characters were left out …\n{text[-(limit - limit // 2) :]}"
