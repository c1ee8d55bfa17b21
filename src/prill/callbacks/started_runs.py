"""Runs that a user's own code starts with a callback manager: ``manager.on_chain_start(…)``.

A Runnable of the user's own reports its run with them, so that handlers and event streams show it. The run manager that
comes back ends the run (``on_chain_end``, ``on_chain_error`` …), and its ``get_child()`` makes what it is passed to a
child of the run.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from prill.callbacks.run import Observer, Run
from prill.io import ExecutionMode


def prepare_run(
    io: ExecutionMode,
    parent: Run | None,
    observers: tuple[Observer, ...],
    kind: str,
    serialized: Any,
    input: Any,
    *,
    run_id: uuid.UUID | None = None,
    tags: Sequence[str] = (),
    metadata: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Run:
    """A run of user code, started but not reported yet; its name is ``kwargs["name"]`` or that in ``serialized``."""
    while parent is not None and parent.id is None:  # a step that overrides a verb has no run of its own
        parent = parent.parent
    config = {"run_id": run_id, "tags": list(tags), "metadata": metadata}
    run = Run(io, {key: value for key, value in config.items() if value}, observers or None, parent)
    known = serialized if isinstance(serialized, dict) else {}
    path = known.get("id")
    name = kwargs.pop("name", None) or known.get("name") or (path[-1] if path else kind)
    run.start(str(name), kind)
    run.raw_input = run.input = input
    run.kwargs = kwargs
    return run


def model_output(run: Run, response: Any) -> Any:
    """A model's output as observers get it, from the ``LLMResult`` that ``on_llm_end`` is called with."""
    run.state["result"] = response
    generations = getattr(response, "generations", None)
    if not generations or not generations[0]:
        return response
    first = generations[0][0]
    return first.message if run.kind == "chat_model" and hasattr(first, "message") else first.text
