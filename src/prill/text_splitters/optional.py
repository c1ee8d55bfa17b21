"""Packages that only some splitters and loaders need."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any, Literal, TypeAlias

from prill.errors import MissingDependencyError
from prill.text_splitters.spans import Length


def import_extra(module: str, extra: str, user: str) -> Any:
    """Import an optional package.

    Args:
        module: its module.
        extra: the extra of Prill that installs it.
        user: what needs it, for the error.

    Raises:
        MissingDependencyError: it is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = _PACKAGES.get(module, module)
        raise MissingDependencyError(f"{user} needs the package {package}: pip install 'prill[{extra}]'") from error


_PACKAGES = {"bs4": "beautifulsoup4", "docx": "python-docx"}
"""Packages that are not called as their modules are."""


Special: TypeAlias = Literal["all"] | Collection[str]
"""Texts that stand for one token of control, or all of them."""


def tiktoken_counter(
    encoding_name: str,
    model_name: str | None,
    allowed_special: Special = frozenset(),
    disallowed_special: Special = frozenset(),
) -> Length:
    """Return a function that counts the tokens of a text for a model of OpenAI."""
    try:
        tiktoken = import_module("tiktoken")
    except ImportError as error:
        raise MissingDependencyError(
            "counting tokens exactly needs the package tiktoken: pip install tiktoken. Or give a function that counts"
        ) from error
    encoding = tiktoken.encoding_for_model(model_name) if model_name else tiktoken.get_encoding(encoding_name)
    allowed = allowed_special if allowed_special == "all" else set(allowed_special)
    return lambda text: len(encoding.encode(text, allowed_special=allowed, disallowed_special=disallowed_special))
