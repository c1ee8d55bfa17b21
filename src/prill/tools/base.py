"""``BaseTool``: a function that a model may call, with a name, a description and checked arguments."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationError, field_serializer, field_validator
from pydantic.errors import PydanticInvalidForJsonSchema

from prill.callbacks.run import Run, inside
from prill.errors import ConfigError, ToolException
from prill.io import closing
from prill.messages import ToolCall
from prill.runnables.describe.pydantic_v1 import convert_v1, is_pydantic_v1
from prill.runnables.engine.overrides import Namespaces, are_overridden, nearest
from prill.runnables.engine.runs import config_for_child
from prill.runnables.engine.streams import EMPTY, REPLACE, Stream, collect
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming
from prill.tools.answer import describe_wrong_arguments, format_failure, format_output
from prill.tools.arguments import (
    args_model,
    argument_names,
    injected_arguments,
    injected_parameters,
    visible_args_model,
)
from prill.tools.json_schema import make_json_schema
from prill.tools.parameters import bind_call, takes_any_name, takes_places
from prill.tools.progress import Progress, is_generator

ToolInput = str | dict[str, Any] | ToolCall
ArgsSchema = type[BaseModel] | dict[str, Any]
Handler = bool | str | Callable[[Any], Any] | None
Approve = bool | Callable[[dict[str, Any]], bool] | dict[str, Any] | None


class SchemaAnnotationError(TypeError):
    """``args_schema`` of a tool has an annotation other than ``type[BaseModel]``."""


class BaseTool(RunnableSerializable[ToolInput, Any]):
    """A function that a model may call.

    A subclass sets ``name`` and ``description`` and writes ``_run`` with the arguments as parameters, and ``_arun``
    where it has an asyncio form; without it, an asyncio run calls ``_run`` in a worker thread. The input is a dict of
    the arguments, a text for the single argument, or a model's tool call; the answer to a call is a ``ToolMessage``.

    A generator streams what it yields; its result is what it returns, or else what it yields last. In a stream each
    chunk replaces the one before, and the result is the last.

    ``handle_tool_error`` says what the answer is when the function raises ``ToolException``: its text (``True``), a
    text, or what a function makes of the error; ``handle_validation_error`` the same for arguments that do not fit,
    where ``True`` names each of them. Answers of that kind have ``status="error"``. Without, the error is raised:
    for arguments that do not fit ``args_schema`` it is pydantic's ``ValidationError``, with a note that names them.

    Three fields are for agents: ``approve`` says which calls a person has to approve (``True``, or a function of the
    arguments), ``alone`` that no other tool may run at the same time, ``timeout`` how many seconds a call may take.
    """

    _kind: ClassVar[str] = "tool"

    name: str
    description: str = ""
    args_schema: ArgsSchema | None = Field(default=None, repr=False)
    return_direct: bool = False
    response_format: Literal["content", "content_and_artifact"] = "content"
    handle_tool_error: Handler = Field(default=None, exclude=True, repr=False)
    handle_validation_error: Handler = Field(default=None, exclude=True, repr=False)
    extras: dict[str, Any] | None = Field(default=None, repr=False)
    approve: Approve = Field(default=None, exclude=True, repr=False)
    alone: bool = Field(default=False, exclude=True, repr=False)
    timeout: float | None = Field(default=None, gt=0, exclude=True, repr=False)
    verbose: bool = Field(default=False, exclude=True, repr=False)
    callbacks: Any = Field(default=None, exclude=True, repr=False)
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.get_annotations(cls).get("args_schema") in (BaseModel, "BaseModel"):
            raise SchemaAnnotationError(f"{cls.__name__}.args_schema holds a class: annotate it as type[BaseModel]")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        default = cls.model_fields["args_schema"].default
        if is_pydantic_v1(default):
            cls.model_fields["args_schema"].default = convert_v1(default)
            cls.model_rebuild(force=True)

    @field_validator("args_schema", mode="before")
    @classmethod
    def _take_pydantic_v1(cls, schema: Any) -> Any:
        return convert_v1(schema) if is_pydantic_v1(schema) else schema

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "a tool needs all of its arguments")

    # The hooks that subclasses write. Those that are not written are None here, which the body checks.

    if TYPE_CHECKING:

        def _run(self, *args: Any, **kwargs: Any) -> Any:
            """Run the tool with the arguments of a call."""

        async def _arun(self, *args: Any, **kwargs: Any) -> Any:
            """The asyncio form of ``_run``."""
    else:
        _run: ClassVar[Any] = None
        _arun: ClassVar[Any] = None

    _hooks: ClassVar[frozenset[str]] = frozenset(("_run", "_arun"))
    _runs_by_hooks: ClassVar[bool] = True
    """Whether a subclass wrote ``_run`` or ``_arun``, so that the functions of the tool do not stand in for it."""
    _async_hook: ClassVar[bool] = False
    """Whether an asyncio run calls ``_arun``: it is not older than ``_run``."""

    @classmethod
    def _find_overrides(cls, spaces: Namespaces) -> dict[str, Any]:
        return {
            **super()._find_overrides(spaces),
            "_runs_by_hooks": are_overridden(spaces, ("_run", "_arun"), "_functions"),
            "_async_hook": nearest(spaces, "_arun", "_run") == "_arun",
        }

    def _forms(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """The plain and the asyncio function; at least one is there."""
        if not self._runs_by_hooks:
            return self._functions()
        return self._run, self._arun if self._async_hook else None

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """The functions that a tool is made of."""
        return None, None

    def _form(self, run: Run) -> tuple[Callable[..., Any], bool]:
        """The function for the colour of a run, and whether it is the asyncio one."""
        plain, asyncio_form = self._forms()
        if asyncio_form is not None and (plain is None or not run.io.blocking):
            return asyncio_form, True
        return plain or self._function(), False

    def _function(self) -> Callable[..., Any]:
        plain, asyncio_form = self._forms()
        function = plain if plain is not None else asyncio_form
        if function is None:
            raise ConfigError(f"the tool {self.name} has no implementation: define _run, _arun or both")
        return function

    # Arguments

    @property
    def args_model(self) -> type[BaseModel] | None:
        """The pydantic model of the arguments: ``args_schema``, or one read off the function's parameters."""
        if isinstance(self.args_schema, dict):
            return None  # a JSON schema: the arguments are passed on as they are
        return self.args_schema or args_model(self.name, self._function())

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """The schema of the arguments as a model sees them: all but the injected ones."""
        model = self.args_model
        return visible_args_model(self.name, model, self.description) if model is not None else self.args_schema or {}

    def get_input_schema(self, config: Any = None) -> type[BaseModel]:
        """The arguments as a pydantic model."""
        return self.args_model or super().get_input_schema(config)

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The arguments as a JSON schema: ``args_schema`` itself, where it is one."""
        if isinstance(self.args_schema, dict):
            return {"title": self.get_name("input"), **self.args_schema}
        return super().get_input_jsonschema(config)

    @field_serializer("args_schema", when_used="json")
    def _args_schema_as_json(self, schema: ArgsSchema | None) -> Any:
        if not isinstance(schema, type):
            return schema
        try:
            return make_json_schema(schema)
        except PydanticInvalidForJsonSchema:
            return repr(schema)

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of each argument that a model sees, by name."""
        schema = self.tool_call_schema
        described = schema if isinstance(schema, dict) else make_json_schema(schema)
        properties: dict[str, Any] = described.get("properties", {})
        return properties

    @property
    def is_single_input(self) -> bool:
        """Whether the model gives one argument only."""
        return len(self.args) == 1

    def _read(self, given: Any, call_id: str | None) -> dict[str, Any]:
        """The checked arguments."""
        if not isinstance(given, Mapping):
            if not self._names() and (places := takes_places(self._function())):
                return {places: (given,)}
            given = {} if given == "" and not self._names() else {self._only_argument(): given}
        model = self.args_model
        if model is None:
            return dict(given)
        names = argument_names(model)
        beside = self._injected_beside_schema(model)
        ids = names.call_id
        if beside:
            ids = ids | {name for name, is_id in beside.items() if is_id}
        if ids:
            if call_id is None:
                raise ConfigError(
                    f"the tool {self.name} has a parameter for the id of its call: invoke it with a whole tool call"
                )
            given = {**given, **dict.fromkeys(ids, call_id)}
        injected = {name: given[name] for name in beside if name in given} if beside else beside
        given = {name: value for name, value in given.items() if name not in injected} if injected else given
        try:
            checked = model.model_validate(given)
        except ValidationError as error:
            error.add_note(describe_wrong_arguments(self.name, error, given, self._names()))
            raise
        values, others = checked.__dict__, checked.__pydantic_extra__
        args = {argument: values[field] for field, argument in names.fields}
        if injected:
            args |= injected
        return {**others, **args} if others and takes_any_name(self._function()) else args

    def _injected_beside_schema(self, model: type[BaseModel]) -> dict[str, bool]:
        """The function's injected parameters that an ``args_schema`` of its own leaves out; true for the call's id."""
        if self.args_schema is None or not (marked := injected_arguments(self._function())):
            return _NONE
        return {name: is_id for name, is_id in marked.items() if name not in model.model_fields}

    def _only_argument(self) -> str:
        names = self._names()
        if not names:
            raise ConfigError(f"the tool {self.name} takes no arguments: invoke it with an empty dict")
        required = list(names) if len(names) == 1 else [name for name, is_required in names.items() if is_required]
        if len(required) != 1:
            raise ConfigError(f"the tool {self.name} takes {', '.join(names)}: give it a dict, not a single value")
        return required[0]

    def _names(self) -> dict[str, bool]:
        """The arguments that a model sees, and whether each is required."""
        schema = self.tool_call_schema
        if isinstance(schema, dict):
            return {name: name in schema.get("required", ()) for name in schema.get("properties", {})}
        return {field.alias or name: field.is_required() for name, field in schema.model_fields.items()}

    # The body

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        return super()._invoke_body(input, self._with_own_callbacks(run), **kwargs)

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        return super()._stream_body(inputs, self._with_own_callbacks(run), **kwargs)

    def _with_own_callbacks(self, run: Run) -> Run:
        return run if self.callbacks is None else run.configured({"callbacks": self.callbacks})

    def _yields(self, run: Run) -> bool:
        return any(form is not None for form in self._forms()) and is_generator(self._form(run)[0])

    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool:
        return self._yields(run)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        given, call_id = _get_args(input)
        try:
            args = self._read(given, call_id)
        except ValidationError as error:
            return format_failure(self, self.handle_validation_error, error, call_id)
        try:
            return format_output(self, await self._apply(args, run), call_id)
        except ToolException as error:
            return format_failure(self, self.handle_tool_error, error, call_id)

    async def _apply(self, args: dict[str, Any], run: Run) -> Any:
        function, is_later = self._form(run)
        if is_generator(function):
            return await self._watch_progress(self._progress(args, run), run)
        if wanted := injected_parameters(function):
            args = {**args, **_injected(wanted, run, plain=not is_later)}
        with inside(run):
            if is_later:
                return await run.io.await_on_loop(bind_call(function, args)())
            call = bind_call(function, args)
            return call() if run.io.blocking else await run.io.call(call)

    def _progress(self, args: dict[str, Any], run: Run) -> Progress:
        function, is_later = self._form(run)
        if wanted := injected_parameters(function):
            args = {**args, **_injected(wanted, run, plain=not is_later)}
        return Progress(bind_call(function, args), run)

    async def _watch_progress(self, progress: Progress, run: Run) -> Any:
        """Run a generator to its end and report each item to observers."""
        async with closing(progress.chunks()) as chunks:
            async for chunk in chunks:
                for observer in run.observers or ():
                    notice = observer.on_chunk(run, chunk)
                    if notice is not None:
                        await notice
        return progress.result

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any] | Stream[Any]:
        if not self._yields(run):
            return super()._flow(inputs, run, **kwargs)
        return Stream(self._flow_progress(inputs, run), REPLACE)

    async def _flow_progress(self, inputs: Stream[Any], run: Run) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        given, call_id = _get_args(input)
        last: Any = EMPTY
        try:
            args = self._read(given, call_id)
        except ValidationError as error:
            yield format_failure(self, self.handle_validation_error, error, call_id)
            return
        progress = self._progress(args, run)
        try:
            async with closing(progress.chunks()) as chunks:
                async for last in chunks:
                    yield last
            answer = format_output(self, progress.result, call_id)
        except ToolException as error:
            answer = format_failure(self, self.handle_tool_error, error, call_id)
        if answer is not last:
            yield answer

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self.tags, self.metadata

    def _get_reported_input(self, input: Any) -> Any:
        args = _get_args(input)[0]
        hidden = self._injected_names() if isinstance(args, Mapping) else ()
        return {name: value for name, value in args.items() if name not in hidden} if hidden else args

    def _injected_names(self) -> frozenset[str]:
        """The arguments that the program gives: observers do not see them, for they may be secret or large."""
        model = self.args_model
        in_schema = argument_names(model).injected if model is not None else frozenset()
        return in_schema | injected_arguments(self._function()).keys()

    def run(
        self,
        tool_input: ToolInput,
        verbose: bool | None = None,
        start_color: str | None = None,
        color: str | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The same as ``invoke``, with the parts of a config as arguments; ``tool_call_id`` makes it a tool call."""
        input, config = _as_run(self.name, tool_input, callbacks, kwargs)
        return self.invoke(input, config, **kwargs)

    async def arun(
        self,
        tool_input: ToolInput,
        verbose: bool | None = None,
        start_color: str | None = None,
        color: str | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The same as ``ainvoke``, with the parts of a config as arguments. See ``run``."""
        input, config = _as_run(self.name, tool_input, callbacks, kwargs)
        return await self.ainvoke(input, config, **kwargs)


class BaseToolkit(BaseModel, ABC):
    """Tools that belong together."""

    @abstractmethod
    def get_tools(self) -> list[BaseTool]:
        """The tools."""


_NONE: dict[str, bool] = {}

_CONFIG_KEYS = ("tags", "metadata", "run_name", "run_id")


def _as_run(name: str, input: Any, callbacks: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    config = dict(kwargs.pop("config", None) or {})
    config |= {key: kwargs.pop(key) for key in _CONFIG_KEYS if key in kwargs}
    if callbacks is not None:
        config["callbacks"] = callbacks
    call_id = kwargs.pop("tool_call_id", None)
    if call_id is not None and _get_args(input)[1] is None:
        input = ToolCall(name=name, args=input, id=call_id, type="tool_call")
    return input, config or None


def _get_args(input: Any) -> tuple[Any, str | None]:
    if isinstance(input, Mapping) and input.get("type") == "tool_call" and "args" in input:
        return input["args"], input.get("id")
    return input, None


def _injected(wanted: Mapping[str, str], run: Run, *, plain: bool) -> dict[str, Any]:
    """The values of the parameters that the run fills."""
    config = config_for_child(run, plain=plain)
    callbacks = config.get("callbacks")
    if callbacks is None and "callbacks" in wanted.values():
        callbacks = run.make_manager(plain=plain).get_child()
    values = {"config": config, "callbacks": callbacks}
    return {
        name: run.make_manager(plain=plain) if what == "run_manager" else values[what] for name, what in wanted.items()
    }
