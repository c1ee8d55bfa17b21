"""Templates of images."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from prill.errors import PromptError
from prill.prompt_values import ImagePromptValue, ImageURL
from prill.prompts.base import BasePromptTemplate
from prill.prompts.template import PromptTemplateFormat, parse_template

_KEYS = ("url", "detail")


class ImagePromptTemplate(BasePromptTemplate[ImageURL]):
    """A prompt that is an image: ``template`` holds templates of its ``url`` (which may be a ``data:`` URL) and of
    its ``detail``. Variables called ``url`` and ``detail`` override them.

    Raises ``PromptError`` where there is no ``url``. Files are not read: a prompt must not open what its input names.
    """

    template: dict[str, Any] = Field(default_factory=dict)
    template_format: PromptTemplateFormat = "f-string"

    def __init__(self, **data: Any) -> None:
        template_format = data.get("template_format", "f-string")
        texts = [value for value in (data.get("template") or {}).values() if isinstance(value, str)]
        names = {name for text in texts for name in parse_template(text, template_format).names}
        known = {*names, *data.get("input_variables", ())}
        if taken := sorted(known & {"url", "path", "detail"}):
            raise PromptError(f"variables of an image cannot be called {taken}: these are its own arguments")
        if "path" in (data.get("template") or {}):
            raise PromptError("images are not read from a path; give their 'url', which may be a data: URL")
        data["input_variables"] = sorted(known - set(data.get("partial_variables") or {}))
        super().__init__(**data)

    def format(self, /, **kwargs: Any) -> ImageURL:
        """The image's ``url``, and its ``detail`` if there is one."""
        values = self._with_partials(kwargs)
        filled: dict[str, Any] = {}
        for key in _KEYS:
            value = kwargs.get(key) or self.template.get(key)
            if isinstance(value, str) and key not in kwargs:
                value = parse_template(value, self.template_format).render(values)
            if value:
                filled[key] = value
        if not isinstance(filled.get("url"), str):
            raise PromptError(f"an image needs a 'url' that is a text, this one has {filled.get('url')!r:.80}")
        return filled  # type: ignore[return-value]  # built from the keys of ImageURL

    def format_prompt(self, /, **kwargs: Any) -> ImagePromptValue:
        """The image, as models take it."""
        return ImagePromptValue(image_url=self.format(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:
        """The template as it is."""
        return repr(self.template)

    @property
    def _prompt_type(self) -> str:
        return "image-prompt"
