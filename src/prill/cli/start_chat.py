"""``prill chat``: the model, the tools and the editor that the options ask for."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import typer

from prill.cli.chat import Chat
from prill.cli.chat_loop import run_chat
from prill.cli.models import Found, check_key, find_model
from prill.cli.words import WORDS, Words
from prill.language_models import BaseChatModel
from prill.providers.settings import ProviderSettings


class ChatOptions(NamedTuple):
    """What the command was given.

    Args:
        model: ``provider:model``; ``None`` is the one that this machine can reach.
        base_url: the address of the model's provider.
        system: the system message.
        temperature: how much answers vary.
        tools: ``module:name`` of each tool.
        mcp: the command or address of each server of tools.
        yes: whether tools run without asking.
        debug: whether errors are shown with their traceback.
    """

    model: str | None = None
    base_url: str | None = None
    system: str | None = None
    temperature: float | None = None
    tools: tuple[str, ...] = ()
    mcp: tuple[str, ...] = ()
    yes: bool = False
    debug: bool = False


def start_chat(options: ChatOptions, language: str) -> bool:
    """Talk until the input ends; returns whether something failed while nobody was there to see it.

    Raises:
        typer.BadParameter: there is no model, or nobody to approve calls of tools.
        PrillError: the model or a tool cannot be used: a key is missing, a module is not there …
    """
    words = WORDS[language]
    found = find_model(options.model, base_url=options.base_url, temperature=options.temperature)
    if found is None:
        raise typer.BadParameter(words.no_model)
    check_key(found.model)
    has_tools = bool(options.tools or options.mcp)
    if has_tools and not options.yes and not sys.stdin.isatty():
        raise typer.BadParameter(words.cannot_approve)
    return run_chat(_make_chat(options, found, words, has_tools))


def _make_chat(options: ChatOptions, found: Found, words: Words, has_tools: bool) -> Chat:
    more: dict[str, Any] = {"system": options.system, "words": words, "debug": options.debug}
    more["find"] = lambda name: find_other_model(name, options)
    if has_tools:
        from prill.cli.agent_chat import AgentChat, load_tools  # noqa: PLC0415 - most chats have no tools

        tools = load_tools(options.tools, options.mcp)
        chat: Chat = AgentChat(found.model, found.name, tools=tools, approves=not options.yes, **more)
    else:
        chat = Chat(found.model, found.name, **more)
    if sys.stdin.isatty():
        from prill.cli.editor import Editor  # noqa: PLC0415 - pipes need none, and it takes a while to import

        chat.editor = Editor(
            secrets=lambda: secrets_of(chat.model),
            complain=lambda error: chat.screen.note(words.no_history.format(error=error)),
        )
    return chat


def find_other_model(name: str, options: ChatOptions) -> Found:
    """The model of a name; one of the same provider is asked at the same address.

    Raises:
        PrillError: the provider is not known, or its key is missing.
    """
    provider = (options.model or "").partition(":")[0]
    address = options.base_url if name.partition(":")[0] == provider else None
    found = find_model(name, base_url=address, temperature=options.temperature)
    assert found is not None  # a model that is named is never looked for
    check_key(found.model)
    return found


def secrets_of(model: BaseChatModel) -> list[str]:
    """The key of a provider's model."""
    if not isinstance(model, ProviderSettings) or model.api_key is None:
        return []
    return [model.api_key.get_secret_value()]
