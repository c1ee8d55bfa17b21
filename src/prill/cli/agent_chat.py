"""A chat whose model calls tools: calls and their progress are shown, and are approved before they run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prill.agents import Command, Limits, create_agent
from prill.cli.chat import Chat
from prill.cli.loading import load_object
from prill.cli.models import Found
from prill.errors import ConfigError
from prill.language_models import BaseChatModel
from prill.messages import AIMessage, AIMessageChunk, ToolMessage

_WIDTH = 200
"""How many characters of a call, of progress or of a result are shown."""
_MODES = ["messages", "custom", "values"]


class AgentChat(Chat):
    """A conversation with an agent. ``approves`` says whether a person is asked before a tool runs.

    What Ctrl-C stopped stays in ``messages`` as far as it came; calls that did not run are answered so.
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str = "",
        *,
        tools: Sequence[Any],
        approves: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(model, name, **more)
        self.tools += tools
        self._approves = approves
        self._agent = self._make_agent()

    def _make_agent(self) -> Any:
        return create_agent(self.model, self.tools, approve=self._approves, limits=Limits(on_limit="end"))

    def use_model(self, found: Found) -> None:
        """Let another model answer from now on, with the same tools."""
        super().use_model(found)
        self._agent = self._make_agent()

    def answer(self) -> None:
        """Print what the agent does and answers, and remember it."""
        given: Any = {"messages": list(self.messages)}
        while given is not None:
            given = self._go_on(given)
        last = self.messages[-1]
        self.end_answer(last if isinstance(last, AIMessage) else AIMessage(""))

    def _go_on(self, given: Any) -> Command | None:
        """Run the agent until it has answered or asks; returns what it is resumed with."""
        state: Mapping[str, Any] = {}
        stream: Any = self._agent.stream(given, stream_mode=_MODES)
        try:
            for mode, value in stream:
                if mode == "messages":
                    self._show_piece(*value)
                elif mode == "custom":
                    self._show_progress(value)
                else:
                    state = value
                    self._take(value["messages"])
        finally:
            stream.close()
        asked = state.get("__interrupt__")
        if not asked:
            return None
        requests = [request for each in asked for request in each.value["action_requests"]]
        decisions = {request["tool_call_id"]: self._ask_decision(request) for request in requests}
        return Command(resume={"decisions": decisions}, update=state)

    def _take(self, messages: Sequence[Any]) -> None:
        """Remember the messages of the agent; show the calls and results among the new ones."""
        new = messages[len(self.messages) :]
        self.messages[:] = messages
        for message in new:
            if isinstance(message, AIMessage):
                self._shown.clear()
                self.screen.end_thinking()
                for call in message.tool_calls:
                    print(f"\n  → {_format_call(call)}", end="", flush=True)
            elif isinstance(message, ToolMessage):
                print(f"\n  ← {_shorten(message.text)}", flush=True)

    def _show_piece(self, chunk: Any, labels: Mapping[str, Any]) -> None:
        if isinstance(chunk, AIMessageChunk) and len(labels["path"]) <= 1:  # not of agents inside tools
            self.show(chunk)

    def _ask_decision(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what is to become of a call."""
        print()
        while True:
            asked = self.words.run.format(call=_format_call(request))
            answer = self.editor.ask(asked).strip().lower()
            if answer in self.words.yes:
                return {"type": "approve"}
            if answer in self.words.no:
                return {"type": "reject"}
            if answer in self.words.edit:
                args = self._ask_arguments(request["args"])
                return {"type": "edit", "edited_action": {"name": request["name"], "args": args}}

    def _ask_arguments(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for other arguments, as a JSON object."""
        print(self.words.now.format(args=json.dumps(args, ensure_ascii=False)))
        while True:
            try:
                given = json.loads(self.editor.ask(self.words.new))
            except ValueError as error:
                print(self.words.not_json.format(error=error))
                continue
            if isinstance(given, dict):
                return given
            print(self.words.not_an_object)

    def _show_progress(self, value: Any) -> None:
        is_progress = isinstance(value, Mapping) and value.get("type") == "tool_progress"
        print(f"\n  … {_shorten(value['data'] if is_progress else value)}", end="", flush=True)


def load_tools(places: Sequence[str], commands: Sequence[str]) -> list[Any]:
    """Return the tools that ``--tools module:function`` names, and those of the servers that ``--mcp command`` starts.

    A name may be that of one tool or function, or of a list of them.
    """
    tools: list[Any] = []
    for place in places:
        found = load_object(place)
        tools += found if isinstance(found, list | tuple) else [found]
    if commands:
        from prill.agents.mcp import MCPClient  # noqa: PLC0415 - an optional dependency

        tools += MCPClient({f"server{place}": command for place, command in enumerate(commands, 1)}).tools()
    if not tools:
        raise ConfigError("--tools and --mcp named no tool")
    return tools


def _format_call(call: Mapping[str, Any]) -> str:
    args = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
    return _shorten(f"{call['name']}({args})")


def _shorten(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
