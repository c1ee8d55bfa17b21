"""What can be told of a Runnable without running it: types, schemas, settings, pictures.

The methods are short: what they call is in the files named in ``PARTS``, imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from prill.callbacks.config import Config
from prill.runnables.parts import PARTS

Json = dict[str, Any]


class Described:
    """The descriptions that every Runnable has. Your own may override any; the rest follow."""

    name: str | None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """The name in events, logs and paths: the one given, or the class's."""
        own = name or self.name or type(self).__name__
        if not suffix:
            return own
        return own + suffix.title() if own[0].isupper() else f"{own}_{suffix.lower()}"

    @property
    def InputType(self) -> Any:
        """The type of the input, as far as annotations and the parts tell; ``Any`` where they do not."""
        return PARTS["types"](self, "input")

    @property
    def OutputType(self) -> Any:
        """The type of the output, as far as annotations and the parts tell; ``Any`` where they do not."""
        return PARTS["types"](self, "output")

    @property
    def input_schema(self) -> type[BaseModel]:
        """The input as a pydantic model."""
        return self.get_input_schema()

    @property
    def output_schema(self) -> type[BaseModel]:
        """The output as a pydantic model."""
        return self.get_output_schema()

    def get_input_schema(self, config: Config | None = None) -> type[BaseModel]:
        """The input as a pydantic model; what is no object is a ``RootModel``. ``config`` may configure parts."""
        return PARTS["schemas"](self, "input", config)  # type: ignore[no-any-return]  # PARTS is untyped

    def get_output_schema(self, config: Config | None = None) -> type[BaseModel]:
        """The output as a pydantic model; what is no object is a ``RootModel``. ``config`` may configure parts."""
        return PARTS["schemas"](self, "output", config)  # type: ignore[no-any-return]  # PARTS is untyped

    def get_input_jsonschema(self, config: Config | None = None) -> Json:
        """The input as a JSON schema."""
        return self.get_input_schema(config).model_json_schema()

    def get_output_jsonschema(self, config: Config | None = None) -> Json:
        """The output as a JSON schema."""
        return self.get_output_schema(config).model_json_schema()

    @property
    def config_specs(self) -> list[Any]:
        """What a config's ``configurable`` may hold, for this and all within: ``ConfigurableFieldSpec``."""
        return PARTS["config_specs"](self)  # type: ignore[no-any-return]  # PARTS is untyped

    def config_schema(self, *, include: Sequence[str] | None = None) -> type[BaseModel]:
        """A config as a pydantic model: ``configurable``, and the keys of a config that ``include`` names."""
        return PARTS["config_specs.model"](self, include)  # type: ignore[no-any-return]  # PARTS is untyped

    def get_config_jsonschema(self, *, include: Sequence[str] | None = None) -> Json:
        """A config as a JSON schema. See ``config_schema``."""
        return self.config_schema(include=include).model_json_schema()

    def get_graph(self, config: Config | None = None) -> Any:
        """The steps as a ``Graph``, to draw: ``.draw_mermaid()``, ``.print_ascii()``, ``.draw_svg()`` …"""
        return PARTS["graph_of"](self, config)

    def get_prompts(self, config: Config | None = None) -> list[Any]:
        """The prompts within, in the order of the steps."""
        return [step for step in PARTS["children.walk"](self) if getattr(step, "_kind", None) == "prompt"]

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, Any] | None = None,
    ) -> Any:
        """This as a ``StructuredTool``; its arguments are the keys of the input, or what is given of them here."""
        return PARTS["as_tool"](self, args_schema, name, description, arg_types)

    def explain_streaming(self) -> Any:
        """A table, step by step, of what streams, what waits for its whole input, why, and what to do about it.

        >>> print(chain.explain_streaming())  # doctest: +SKIP
        """
        return PARTS["explain"](self)

    def with_listeners(self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None) -> Any:
        """This, with functions that are called when it starts, ends and fails.

        Each is given the recorded run (``id``, ``name``, ``inputs``, ``outputs``, ``error`` …), and the config if it
        has a second parameter.
        """
        return PARTS["listeners"](self, on_start, on_end, on_error)

    def with_alisteners(self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None) -> Any:
        """The same with async functions; each is awaited before the run goes on."""
        return PARTS["listeners"](self, on_start, on_end, on_error)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Json:
        """How a notebook shows it: a picture where it can be drawn, and the text."""
        return PARTS["pictures.notebook"](self)  # type: ignore[no-any-return]  # PARTS is untyped

    def __rich__(self) -> Any:
        """How ``rich`` prints it: a tree of its parts."""
        return PARTS["pictures.rich"](self)
