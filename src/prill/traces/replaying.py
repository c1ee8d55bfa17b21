"""A recorded call of a model, asked again with other words."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from prill.chat_models import init_chat_model
from prill.errors import ConfigError, PrillError
from prill.load import load
from prill.messages import convert_to_messages
from prill.runnables import RunnableConfig
from prill.traces.file import TraceFile
from prill.traces.recorder import record

_FLUSH_SECONDS = 10


def replay_run(file: TraceFile, id: str, input: Any, model: str | None = None) -> str:
    """Ask a recorded model again, and record the new run, with the tag ``replay``, into the same file.

    The key is the one that the model finds in the environment of this process.

    Args:
        file: where the run is.
        id: the run's.
        input: the messages, or the text of a text model.
        model: ``provider:name`` of another model; by default it is the recorded one, with its address.

    Returns:
        The id of the new run, also where the model failed: the error is recorded.

    Raises:
        ConfigError: there is no such run, it is none of a model, or the model cannot be made.
    """
    run = file.read_run(id)
    if run is None or not isinstance(run["request"], dict):
        raise ConfigError(f"the run {id} is not one of a model, or not in {file.path}: only models are asked again")
    messages = input if isinstance(input, str) else convert_to_messages(input)
    arguments = dict(run["request"].get("arguments") or {})
    if model:
        asked: Any = init_chat_model(model)
        tools = arguments.pop("tools", None)
        asked = asked.bind_tools(tools) if tools else asked
        arguments = {name: value for name, value in arguments.items() if name == "stop"}
    else:
        asked = make_recorded_model(run)
    recorder = record(to=file.path)
    new = uuid.uuid4()
    config: RunnableConfig = {"callbacks": [recorder], "run_id": new, "tags": ["replay"], "metadata": {"replay_of": id}}
    with contextlib.suppress(Exception):  # it is recorded
        asked.invoke(messages, config, **arguments)
    recorder.flush(_FLUSH_SECONDS)
    return str(new)


def make_recorded_model(run: Mapping[str, Any]) -> Any:
    """The model of a run of ``TraceFile.read_run``, with its address and its settings.

    Raises:
        ConfigError: it was not written in a form that can be read, and its provider is not known either.
    """
    try:
        return load(run["request"].get("model"), allowed_objects="all")
    except PrillError as error:
        about = run["metadata"] if isinstance(run["metadata"], dict) else {}
        provider, name = about.get("ls_provider"), about.get("ls_model_name")
        if not (provider and name):
            raise ConfigError(
                f"the model of this run cannot be made again: {error}. Name one, such as openai:gpt-4o-mini"
            ) from error
        return init_chat_model(f"{provider}:{name}")
