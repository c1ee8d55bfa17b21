"""Which answers Gemini's filters hold back.

Names: https://ai.google.dev/api/generate-content#HarmCategory
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from prill.errors import ConfigError


class HarmCategory(StrEnum):
    """What a filter looks for."""

    HARM_CATEGORY_UNSPECIFIED = "HARM_CATEGORY_UNSPECIFIED"
    HARM_CATEGORY_HARASSMENT = "HARM_CATEGORY_HARASSMENT"
    HARM_CATEGORY_HATE_SPEECH = "HARM_CATEGORY_HATE_SPEECH"
    HARM_CATEGORY_SEXUALLY_EXPLICIT = "HARM_CATEGORY_SEXUALLY_EXPLICIT"
    HARM_CATEGORY_DANGEROUS_CONTENT = "HARM_CATEGORY_DANGEROUS_CONTENT"
    HARM_CATEGORY_CIVIC_INTEGRITY = "HARM_CATEGORY_CIVIC_INTEGRITY"


class HarmBlockThreshold(StrEnum):
    """From which probability of harm on a filter holds an answer back."""

    HARM_BLOCK_THRESHOLD_UNSPECIFIED = "HARM_BLOCK_THRESHOLD_UNSPECIFIED"
    BLOCK_LOW_AND_ABOVE = "BLOCK_LOW_AND_ABOVE"
    BLOCK_MEDIUM_AND_ABOVE = "BLOCK_MEDIUM_AND_ABOVE"
    BLOCK_ONLY_HIGH = "BLOCK_ONLY_HIGH"
    BLOCK_NONE = "BLOCK_NONE"
    OFF = "OFF"


def encode_safety(settings: Any) -> list[dict[str, Any]]:
    """``safetySettings`` of a request: of a dictionary ``{category: threshold}``, or of a list in the API's form.

    Names may be members of an enumeration, also of Google's own packages.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(settings, Mapping):
        pairs = [(_name(category), _name(threshold)) for category, threshold in settings.items()]
        return [{"category": category, "threshold": threshold} for category, threshold in pairs]
    if isinstance(settings, Sequence) and all(isinstance(one, Mapping) for one in settings):
        return [{key: _name(value) for key, value in one.items()} for one in settings]
    raise ConfigError(
        "safety_settings is a dictionary of thresholds by category, such as "
        f"{{'HARM_CATEGORY_HARASSMENT': 'BLOCK_ONLY_HIGH'}}, not {settings!r:.80}"
    )


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))
