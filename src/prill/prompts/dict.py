"""Templates of nested data: the texts in it are filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from prill.callbacks.run import Run
from prill.errors import PromptError, PromptInputError
from prill.prompts.f_string import missing_variables
from prill.prompts.template import parse_template
from prill.runnables.serializable import RunnableSerializable
from prill.runnables.structure import Streaming


class DictPromptTemplate(RunnableSerializable[dict[str, Any], dict[str, Any]]):
    """A dictionary in which every text, however deep, is a template; keys and other values stay as they are.

    >>> DictPromptTemplate(template={"type": "image", "url": "{url}"}, template_format="f-string").format(url="u")
    {'type': 'image', 'url': 'u'}
    """

    _kind: ClassVar[str] = "prompt"

    template: dict[str, Any]
    template_format: Literal["f-string", "mustache"] = "f-string"

    def _describe_streaming(self) -> Streaming:
        advice = "put nothing that streams before it"
        return Streaming("buffers", False, "a prompt needs all of its variables", advice)

    def __init__(self, **data: Any) -> None:
        if data.get("template_format") == "jinja2":
            raise PromptError("templates of dictionaries are of the format 'f-string' or 'mustache', not 'jinja2'")
        super().__init__(**data)
        self.validate_template()

    def validate_template(self) -> DictPromptTemplate:
        """Raise ``PromptError`` if one of the texts is a broken template."""
        for text in _texts(self.template):
            parse_template(text, self.template_format)
        return self

    @property
    def input_variables(self) -> list[str]:
        """The variables of all texts, in their order."""
        names = [name for text in _texts(self.template) for name in parse_template(text, self.template_format).names]
        return list(dict.fromkeys(names))

    def format(self, /, **kwargs: Any) -> dict[str, Any]:
        """A copy of the dictionary, with the variables filled in."""
        return {key: _fill(value, self.template_format, kwargs) for key, value in self.template.items()}

    async def aformat(self, /, **kwargs: Any) -> dict[str, Any]:
        """A copy of the dictionary, with the variables filled in."""
        return self.format(**kwargs)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(input, Mapping):
            raise PromptInputError(f"{self.get_name()} takes a dictionary of its variables, not {input!r:.80}")
        if missing := [name for name in self.input_variables if name not in input]:
            raise missing_variables(self.get_name(), missing, input)
        return self.format(**input)

    def pretty_repr(self, *, html: bool = False) -> str:
        """The template as it is."""
        return repr(self.template)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below)


def _fill(value: Any, template_format: str, values: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return parse_template(value, template_format).render(values)
    if isinstance(value, dict):
        return {key: _fill(below, template_format, values) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fill(below, template_format, values) for below in value)
    return value
