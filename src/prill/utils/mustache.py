"""Mustache templates as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prill.errors import PromptError
from prill.transducers.mustache import parse_mustache

__all__ = ["ChevronError", "render"]

ChevronError = PromptError


def render(template: str = "", data: Mapping[str, Any] | None = None) -> str:
    """Fill a template (https://mustache.github.io/mustache.5.html, without partials and lambdas) from plain data.

    Raises ``PromptError`` for a tag or a section that is not closed, with its line.
    """
    return parse_mustache(template).render(data or {})
