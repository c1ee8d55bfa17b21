"""``PIIMiddleware``: personal data is kept from the model, or from what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple

from prill.agents.middleware import AgentMiddleware
from prill.errors import ConfigError, PrillError
from prill.language_models.base import copy_message
from prill.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage


class PIIMatch(NamedTuple):
    """Personal data in a text: where it starts and ends, and its words."""

    start: int
    end: int
    value: str


class PIIDetectionError(PrillError):
    """A message has personal data of a type that is blocked; ``pii_type`` is its type, ``count`` how often."""

    def __init__(self, message: str = "", *, pii_type: str = "", count: int = 0) -> None:
        super().__init__(message)
        self.pii_type = pii_type
        self.count = count


Detector = Callable[[str], Sequence[PIIMatch]] | str
Strategy = Literal["redact", "block", "mask", "hash"]

_PATTERNS = {
    "email": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "credit_card": r"\b\d(?:[ -]?\d){12,18}\b",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])",
    "mac_address": r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    "url": r"\bhttps?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+",
}


def _is_card(text: str) -> bool:
    """Whether the digits have the check sum of card numbers (Luhn, ISO/IEC 7812-1)."""
    digits = [int(each) for each in reversed(text) if each.isdigit()]
    doubled = [sum(divmod(each * 2, 10)) for each in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {"credit_card": _is_card, "ip": _is_ip}


def _make_detector(pii_type: str, detector: Detector | None) -> Callable[[str], Sequence[PIIMatch]]:
    if callable(detector):
        return detector
    pattern = detector or _PATTERNS.get(pii_type)
    if pattern is None:
        raise ConfigError(
            f"no detector for {pii_type!r}: give detector=, a pattern or a function; there are {', '.join(_PATTERNS)}"
        )
    compiled = re.compile(pattern)
    check = _CHECKS.get(pii_type) if detector is None else None

    def detect(text: str) -> list[PIIMatch]:
        found = [PIIMatch(match.start(), match.end(), match[0]) for match in compiled.finditer(text)]
        return [each for each in found if check is None or check(each.value)]

    return detect


class PIIMiddleware(AgentMiddleware):
    """Finds personal data of one type in messages, and hides it.

    Tokens of a stream are shown before the whole message can be looked at: with ``apply_to_output`` read the messages,
    not the tokens. The log of a thread keeps questions as they came.

    Args:
        pii_type: ``email``, ``credit_card``, ``ip``, ``mac_address``, ``url``, or a type of your own with a
            ``detector``.
        strategy: ``"redact"`` writes ``[REDACTED_EMAIL]``, ``"mask"`` leaves the last characters, ``"hash"`` writes a
            hash that is the same for the same data, ``"block"`` raises ``PIIDetectionError``.
        detector: a regular expression, or a function that returns the ``PIIMatch`` objects of a text.
        apply_to_input: whether questions are looked at.
        apply_to_output: whether the model's messages are.
        apply_to_tool_results: whether answers of tools are.
    """

    _awaits_only_handlers = True

    def __init__(
        self,
        pii_type: str,
        *,
        strategy: Strategy = "redact",
        detector: Detector | None = None,
        apply_to_input: bool = True,
        apply_to_output: bool = False,
        apply_to_tool_results: bool = False,
    ) -> None:
        if strategy not in ("redact", "block", "mask", "hash"):
            raise ConfigError(f"strategy is 'redact', 'block', 'mask' or 'hash', not {strategy!r}")
        self.pii_type = pii_type
        self.strategy = strategy
        self._detect = _make_detector(pii_type, detector)
        self._before: tuple[type[BaseMessage], ...] = (
            *((HumanMessage,) if apply_to_input else ()),
            *((ToolMessage,) if apply_to_tool_results else ()),
        )
        self._output = apply_to_output

    @property
    def name(self) -> str:
        return f"{type(self).__name__}[{self.pii_type}]"

    async def before_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        return self._update([each for each in state["messages"] if isinstance(each, self._before)])

    async def after_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        last = state["messages"][-1]
        return self._update([last]) if self._output and isinstance(last, AIMessage) else None

    def _update(self, messages: Sequence[BaseMessage]) -> dict[str, Any] | None:
        changed = [new for message in messages if (new := self._hide(message)) is not message]
        return {"messages": changed} if changed else None

    def _hide(self, message: BaseMessage) -> BaseMessage:
        content = message.content
        is_text = isinstance(content, str)
        hidden: Any = self._replace(str(content)) if is_text else [self._hide_block(block) for block in content]
        if hidden == content:
            return message
        copy = copy_message(message)
        copy.__dict__["content"] = hidden
        return copy

    def _hide_block(self, block: Any) -> Any:
        if isinstance(block, str):
            return self._replace(block)
        if isinstance(block, dict) and isinstance(block.get("text"), str):
            return {**block, "text": self._replace(block["text"])}
        return block

    def _replace(self, text: str) -> str:
        found = sorted(self._detect(text))
        if found and self.strategy == "block":
            raise PIIDetectionError(
                f"a message has {len(found)} of the type {self.pii_type!r}, which is blocked",
                pii_type=self.pii_type,
                count=len(found),
            )
        parts, place = [], 0
        for each in found:
            if each.start < place:
                continue  # inside of the one before
            parts += [text[place : each.start], self._stand_in(each.value)]
            place = each.end
        return "".join([*parts, text[place:]])

    def _stand_in(self, value: str) -> str:
        if self.strategy == "redact":
            return f"[REDACTED_{self.pii_type.upper()}]"
        if self.strategy == "hash":
            return f"<{self.pii_type}_hash:{sha256(value.encode()).hexdigest()[:8]}>"
        shown = value[value.index("@") :] if self.pii_type == "email" and "@" in value else value[-4:]
        return "*" * (len(value) - len(shown)) + shown
