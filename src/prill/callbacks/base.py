"""Callback handlers: users override hooks that are called while runs execute."""

from __future__ import annotations

from typing import Any
from uuid import UUID

Metadata = dict[str, Any] | None
Tags = list[str] | None


class LLMManagerMixin:
    """Hooks for what a model does after it has started."""

    def on_llm_new_token(
        self, token: Any, *, chunk: Any = None, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A streaming model put out a piece: its content, and as ``chunk`` the whole piece."""

    def on_llm_end(self, response: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A model ended; ``response`` is an ``LLMResult``."""

    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A model failed, or was left before its end (then ``error`` is ``Cancelled``)."""


class ChainManagerMixin:
    """Hooks for what a chain does after it has started."""

    def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A chain, or a part of one that has no hooks of its own, ended."""

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A chain failed, or was left before its end (then ``error`` is ``Cancelled``)."""

    def on_agent_action(self, action: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """An agent decided to call a tool."""

    def on_agent_finish(self, finish: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """An agent has its answer."""


class ToolManagerMixin:
    """Hooks for what a tool does after it has started."""

    def on_tool_end(self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A tool ended."""

    def on_tool_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A tool failed, or was left before its end (then ``error`` is ``Cancelled``)."""


class RetrieverManagerMixin:
    """Hooks for what a retriever does after it has started."""

    def on_retriever_end(
        self, documents: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever ended."""

    def on_retriever_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever failed, or was left before its end (then ``error`` is ``Cancelled``)."""


class CallbackManagerMixin:
    """Hooks for the start of runs. ``serialized`` names what runs: ``{"name": …}``."""

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> Any:
        """A text model starts; also a chat model, for handlers without ``on_chat_model_start``."""

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> Any:
        """A chat model starts."""

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> Any:
        """A chain, or a part of one that has no hooks of its own, starts; ``run_type`` in ``kwargs`` says which."""

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A tool starts."""

    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> Any:
        """A retriever starts."""


class RunManagerMixin:
    """Hooks for what happens within runs of any kind."""

    def on_text(self, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The user's code reported a text."""

    def on_retry(self, retry_state: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A step is run again."""

    def on_custom_event(
        self, name: str, data: Any, *, run_id: UUID, tags: Tags = None, metadata: Metadata = None, **kwargs: Any
    ) -> Any:
        """The user's code dispatched an event."""


class BaseCallbackHandler(
    LLMManagerMixin,
    ChainManagerMixin,
    ToolManagerMixin,
    RetrieverManagerMixin,
    CallbackManagerMixin,
    RunManagerMixin,
):
    """Watches runs: override the hooks you need, and give an instance as ``config={"callbacks": [handler]}``.

    For each run, hooks are called once and in order: start, tokens, then end or error. They are called where the run
    is, with its context variables; a hook should return soon, and one that must wait belongs into an
    ``AsyncCallbackHandler``. An exception in a hook is logged with the handler's name and does no harm to the run,
    unless ``raise_error`` is true. The ``ignore_`` flags switch kinds of hooks off. For a handler with
    ``streams_models``, models that can stream do so, and report their tokens, also where they are invoked.
    """

    # Without annotations: a handler that is a pydantic model too would take them for its fields.
    raise_error = False
    run_inline = False
    streams_models = False

    ignore_llm = False
    ignore_chat_model = False
    ignore_chain = False
    ignore_agent = False
    ignore_retriever = False
    ignore_retry = False
    ignore_custom_event = False


class AsyncCallbackHandler(BaseCallbackHandler):
    """A handler whose hooks are ``async def``; each is awaited before the run goes on.

    In blocking runs they are awaited too, on an event loop in a thread of Prill's.
    """


Callbacks = list[Any] | Any | None
"""Handlers to watch a run with: a list, or a manager that was handed down."""
