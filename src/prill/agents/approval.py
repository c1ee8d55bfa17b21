"""Which calls of tools need a person's approval, what the person is asked, and what the decisions mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from prill.agents.history import Call, make_answer
from prill.agents.interrupts import Interrupt
from prill.errors import ConfigError, did_you_mean
from prill.messages import ToolMessage
from prill.tools.base import BaseTool

DECISIONS = ("approve", "edit", "reject", "respond")

Condition = bool | Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class Rule:
    """When calls of a tool need approval, and which decisions are allowed."""

    when: Condition = True
    allowed: tuple[str, ...] = DECISIONS
    description: Any = None
    args_schema: dict[str, Any] | None = None

    def applies(self, call: Call) -> bool:
        """Whether this call needs approval."""
        return self.when if isinstance(self.when, bool) else bool(self.when(call["args"]))


@dataclass(frozen=True)
class Decision:
    """What a person decided on a call: its ``type``, the call to make, and the words for the model."""

    type: str
    call: Call
    message: str | None = None


Approve = bool | Iterable[str] | Mapping[str, Any] | None


class Approvals:
    """The rules of an agent.

    ``approve`` is ``True`` for all tools, a list of names, or a dict of rules by name: ``True``, ``False``, a function
    of the arguments, or a dict with ``allowed_decisions``, ``description`` and ``when``.
    """

    def __init__(self, approve: Approve, tools: Mapping[str, BaseTool], prefix: str, *, batched: bool = True) -> None:
        self._prefix = prefix
        self.edit_notice: str | None = None
        self._batched = batched
        declared = {name: tool.approve for name, tool in tools.items() if tool.approve is not None}
        given = _by_name(approve, tools)
        self._rules = {name: rule for name, each in (declared | given).items() if (rule := _rule(name, each))}
        if unknown := [name for name in self._rules if name not in tools]:
            raise ConfigError(
                f"approve names the tool {unknown[0]!r}, which the agent does not have{did_you_mean(unknown[0], tools)}"
            )

    def __bool__(self) -> bool:
        return bool(self._rules)

    def needs(self, call: Call) -> bool:
        """Whether a call needs approval."""
        rule = self._rules.get(call["name"] or "")
        return rule is not None and rule.applies(call)

    def ask(self, calls: Sequence[Call], state: Any, runtime: Any) -> list[Interrupt]:
        """The questions for the person who decides on ``calls``, as plain JSON."""
        requests = [self._request(call, state, runtime) for call in calls]
        if not self._batched:
            return [Interrupt({"type": "tool_approval", **request}, request["tool_call_id"]) for request in requests]
        configs = [self._config(call) for call in calls]
        return [Interrupt({"action_requests": requests, "review_configs": configs}, f"approval-{calls[0]['id']}")]

    def _config(self, call: Call) -> dict[str, Any]:
        rule = self._rules[call["name"]]
        config: dict[str, Any] = {"action_name": call["name"], "allowed_decisions": list(rule.allowed)}
        return config if rule.args_schema is None else {**config, "args_schema": rule.args_schema}

    def _request(self, call: Call, state: Any, runtime: Any) -> dict[str, Any]:
        text = self._rules[call["name"]].description
        if callable(text):
            text = text(call, state, runtime)
        text = text or f"{self._prefix}\n\nTool: {call['name']}\nArgs: {call['args']}"
        return {"name": call["name"], "args": call["args"], "description": text, "tool_call_id": call["id"]}

    def decide(self, calls: Sequence[Call], given: Any, tools: Mapping[str, BaseTool]) -> dict[str, Decision]:
        """The decision on each of ``calls`` by its id.

        ``given`` is a list in the order of the calls, or a dict by id; either may be under the key ``decisions``.

        Raises:
            ConfigError: one is missing, is not allowed, or cannot be read.
        """
        found = _decisions_by_id(calls, given)
        return {call["id"]: self._read(call, found[call["id"]], tools) for call in calls}

    def _read(self, call: Call, decision: Any, tools: Mapping[str, BaseTool]) -> Decision:
        kind = decision.get("type") if isinstance(decision, Mapping) else decision
        allowed = self._rules[call["name"]].allowed
        if not isinstance(kind, str) or kind not in allowed:
            raise ConfigError(
                f"the decision {decision!r:.80} on the call {call['id']} of {call['name']} is not one of "
                f"{', '.join(allowed)}: write {{'type': 'approve'}}"
            )
        more: Mapping[str, Any] = decision if isinstance(decision, Mapping) else {}
        if kind == "edit":
            return Decision(kind, _edited(call, more, tools))
        if kind == "respond" and not isinstance(more.get("message"), str):
            raise ConfigError(f"the decision 'respond' on the call {call['id']} needs a 'message', the tool's answer")
        return Decision(kind, call, more.get("message"))


def _by_name(approve: Approve, tools: Iterable[str]) -> dict[str, Any]:
    if approve is None or approve is False:
        return {}
    if approve is True:
        return dict.fromkeys(tools, True)
    if isinstance(approve, str):
        return {approve: True}
    return dict(approve) if isinstance(approve, Mapping) else dict.fromkeys(approve, True)


_RULE_KEYS = frozenset({"allowed_decisions", "description", "when", "args_schema"})


def _rule(name: str, given: Any) -> Rule | None:
    """The rule that ``given`` describes; ``None`` for a tool that needs no approval."""
    if given is None or given is False:
        return None
    if given is True or callable(given):
        return Rule(given)
    if not isinstance(given, Mapping) or (unknown := given.keys() - _RULE_KEYS):
        what = f"{given!r:.80}" if not isinstance(given, Mapping) else f"a dict with {sorted(unknown)[0]!r}"
        raise ConfigError(
            f"the approval of the tool {name} is True, False, a function of the arguments, or a dict with "
            f"allowed_decisions, description and when, not {what}"
        )
    allowed = tuple(given.get("allowed_decisions") or DECISIONS)
    if wrong := [each for each in allowed if each not in DECISIONS]:
        raise ConfigError(f"allowed_decisions of {name} has {wrong[0]!r}; decisions are {', '.join(DECISIONS)}")
    return Rule(given.get("when", True), allowed, given.get("description"), given.get("args_schema"))


def _decisions_by_id(calls: Sequence[Call], given: Any) -> Mapping[str, Any]:
    ids = [call["id"] for call in calls]
    if isinstance(given, Mapping) and "decisions" in given:
        given = given["decisions"]
    if isinstance(given, Mapping):
        missing = [id for id in ids if id not in given]
        unknown = [id for id in given if id not in ids]
        if missing or unknown:
            what = f"no decision on the call {missing[0]}" if missing else f"a decision on {unknown[0]!r:.80}"
            raise ConfigError(f"{what} was given: the calls that wait for one are {', '.join(ids)}")
        return given
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ConfigError(
            f"decisions are a list in the order of the calls, or a dict by tool_call_id, not {given!r:.80}"
        )
    if len(given) != len(ids):
        raise ConfigError(f"{len(given)} decisions were given for {len(ids)} calls: {', '.join(ids)}")
    return dict(zip(ids, given, strict=True))


def _edited(call: Call, decision: Mapping[str, Any], tools: Mapping[str, BaseTool]) -> Call:
    action = decision.get("edited_action", decision)
    name: Any = action.get("name", call["name"]) if isinstance(action, Mapping) else None
    args = action.get("args") if isinstance(action, Mapping) else None
    if not isinstance(args, Mapping):
        raise ConfigError(
            f"the decision 'edit' on the call {call['id']} needs {{'edited_action': {{'name': ..., 'args': {{...}}}}}}"
        )
    if name not in tools:
        raise ConfigError(
            f"the call {call['id']} was edited to the tool {name!r}, which the agent does not have"
            f"{did_you_mean(str(name), tools)}; it has {', '.join(tools)}"
        )
    schema = tools[name].tool_call_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        try:
            schema.model_validate(dict(args))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False)
            )
            raise ConfigError(
                f"the edited arguments of the call {call['id']} do not fit the tool {name}: {faults}"
            ) from error
    return {**call, "name": name, "args": dict(args)}


def answer_decision(decision: Decision) -> ToolMessage | None:
    """The answer to a call that a person rejected or answered; ``None`` for one that is to be made."""
    call = decision.call
    if decision.type == "respond":
        return make_answer(call, decision.message or "", "success")
    if decision.type == "reject":
        return make_answer(call, _rejection(call, decision.message))
    return None


def _rejection(call: Call, message: str | None) -> str:
    if message:
        return f"User rejected the tool call for `{call['name']}` with reason: {message}"
    return (
        f"User rejected the tool call for `{call['name']}` with id {call['id']}. The tool was not executed. "
        "Do not retry this tool call unless the user explicitly requests it."
    )


def note_edit(call: Call, answer: ToolMessage, notice: str | None = None) -> None:
    """Say in the answer to an edited call what was called in truth, so that the model does not call again."""
    notice = (
        f"{notice}\n\n"
        if notice is not None
        else (
            f"A person changed this call before it was made: {call['name']} was called with "
            f"{to_json(call['args'], fallback=repr).decode()}. This is intended; do not repeat the original call.\n\n"
        )
    )
    content = answer.content
    answer.__dict__["content"] = notice + content if isinstance(content, str) else [notice, *content]
