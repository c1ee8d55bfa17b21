"""``BaseTool``: a function that a model may call, with a name, a description and checked arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from runlet.callbacks.run import MANAGERS, Run, inside
from runlet.errors import ConfigError
from runlet.messages import ToolCall, ToolMessage
from runlet.messages.tool import ToolOutputMixin
from runlet.runnables.config import config_for_child
from runlet.runnables.serializable import RunnableSerializable
from runlet.tools.arguments import args_model, injected_parameters

ToolInput = str | dict[str, Any] | ToolCall


class BaseTool(RunnableSerializable[ToolInput, Any]):
    """A function that a model may call.

    A subclass sets ``name`` and ``description`` and writes ``_run`` with the arguments as parameters, and ``_arun``
    where it has an asyncio form; without it, an asyncio run calls ``_run`` in a worker thread. The input is a dict of
    the arguments, a text for the single argument, or a model's tool call; the answer to a call is a ``ToolMessage``.
    Arguments that do not fit ``args_schema`` raise pydantic's ``ValidationError``.
    """

    _kind: ClassVar[str] = "tool"

    name: str
    description: str = ""
    args_schema: type[BaseModel] | dict[str, Any] | None = Field(default=None, repr=False)
    return_direct: bool = False
    response_format: Literal["content", "content_and_artifact"] = "content"
    callbacks: Any = Field(default=None, exclude=True, repr=False)
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    # What subclasses write. Those that are not written are None here, so that the body can tell.

    _run: ClassVar[Any] = None
    _arun: ClassVar[Any] = None

    def _forms(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """The plain and the asyncio function; at least one is there."""
        return self._run, self._arun

    def _function(self) -> Callable[..., Any]:
        function = next((form for form in self._forms() if form is not None), None)
        if function is None:
            raise ConfigError(f"the tool {self.name} does nothing: a BaseTool writes _run, or _arun, or both")
        return function

    # Arguments

    @property
    def args_model(self) -> type[BaseModel] | None:
        """The pydantic model of the arguments: ``args_schema``, or one read off the function's parameters."""
        if isinstance(self.args_schema, dict):
            return None  # a JSON schema: the arguments are passed on as they are
        return self.args_schema or args_model(self.name, self._function())

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of each argument, by name."""
        schema = self.args_schema if isinstance(self.args_schema, dict) else None
        if schema is None and (model := self.args_model) is not None:
            schema = model.model_json_schema()
        properties: dict[str, Any] = (schema or {}).get("properties", {})
        return properties

    def _read(self, input: Any) -> tuple[dict[str, Any], str | None]:
        """The checked arguments, and the id of the call if the input is one."""
        given, call_id = _args_of(input)
        if not isinstance(given, Mapping):
            given = {self._only_argument(): given}
        model = self.args_model
        if model is None:
            return dict(given), call_id
        checked = model.model_validate(given)
        # Defaults that the function has itself are left to it; those of a hand-written schema count.
        names = checked.model_fields_set | (set(type(checked).model_fields) if self.args_schema is not None else set())
        return {name: getattr(checked, name) for name in type(checked).model_fields if name in names}, call_id

    def _only_argument(self) -> str:
        names = list(self.args)
        if not names:
            raise ConfigError(f"the tool {self.name} takes no argument; give it an empty dict")
        required = names if len(names) == 1 else self._required()
        if len(required) != 1:
            raise ConfigError(f"the tool {self.name} takes {', '.join(names)}: give it a dict, not a single value")
        return required[0]

    def _required(self) -> list[str]:
        model = self.args_model
        fields = model.model_fields if model is not None else {}
        return [name for name, field in fields.items() if field.is_required()]

    # The body

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        args, call_id = self._read(input)
        return self._answer(await self._apply(args, run), call_id)

    async def _apply(self, args: dict[str, Any], run: Run) -> Any:
        plain, later = self._forms()
        if later is not None and (plain is None or not run.io.blocking):
            given = {**args, **_injected(later, run, plain=False)}
            with inside(run):
                return await run.io.settle(later(**given))
        function = self._function()
        call = partial(function, **{**args, **_injected(function, run, plain=True)})
        with inside(run):
            return call() if run.io.blocking else await run.io.call(call)

    def _answer(self, output: Any, call_id: str | None) -> Any:
        artifact = None
        if self.response_format == "content_and_artifact":
            if not isinstance(output, tuple) or len(output) != 2:
                raise ConfigError(
                    f"the tool {self.name} has response_format='content_and_artifact' and so returns a pair of both, "
                    f"not {type(output).__name__}"
                )
            output, artifact = output
        if call_id is None or isinstance(output, ToolOutputMixin):
            return output
        return ToolMessage(_content(output), artifact=artifact, tool_call_id=call_id, name=self.name)

    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, self.metadata

    def _told(self, input: Any) -> Any:
        return _args_of(input)[0]

    def run(self, tool_input: ToolInput, config: Any = None, **kwargs: Any) -> Any:
        """The same as ``invoke``."""
        return self.invoke(tool_input, config, **kwargs)

    async def arun(self, tool_input: ToolInput, config: Any = None, **kwargs: Any) -> Any:
        """The same as ``ainvoke``."""
        return await self.ainvoke(tool_input, config, **kwargs)


def _args_of(input: Any) -> tuple[Any, str | None]:
    if isinstance(input, Mapping) and input.get("type") == "tool_call":
        return input["args"], input["id"]
    return input, None


def _injected(function: Callable[..., Any], run: Run, *, plain: bool) -> dict[str, Any]:
    """The values of the parameters that a model does not fill."""
    wanted = injected_parameters(function)
    if not wanted:
        return {}
    config = config_for_child(run, plain=plain)
    values = {"config": config, "callbacks": config.get("callbacks")}
    return {
        name: MANAGERS["plain" if plain else "run"](run) if what == "run_manager" else values[what]
        for name, what in wanted.items()
    }


def _content(output: Any) -> Any:
    """What the model reads of an output: texts and blocks as they are, other things as JSON."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and output and all(_is_block(each) for each in output):
        return output
    try:
        return json.dumps(output, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(output)


def _is_block(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and "type" in part)
