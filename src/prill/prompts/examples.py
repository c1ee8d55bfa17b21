"""The examples of few-shot prompts: a fixed list, or those that a selector chooses."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from prill.errors import PromptError
from prill.io import get_asyncio_mode


@runtime_checkable
class ExampleSelector(Protocol):
    """Chooses examples for an input. It may have ``aselect_examples`` too; without it, it works in a thread."""

    def select_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]: ...


def check_examples(examples: list[dict[str, Any]] | None, selector: ExampleSelector | None) -> None:
    """Raise ``PromptError`` unless there is one of the two, and only one."""
    if examples is not None and selector is not None:
        raise PromptError("give either 'examples' or 'example_selector', not both")
    if examples is None and selector is None:
        raise PromptError("give 'examples' or 'example_selector': the prompt has no examples to show")


async def choose_examples(
    examples: list[dict[str, Any]] | None, selector: Any, values: dict[str, Any], blocking: bool
) -> list[dict[str, Any]]:
    """The examples to show for ``values``."""
    if examples is not None:
        return examples
    if blocking:
        return selector.select_examples(values)  # type: ignore[no-any-return]  # one of the two is there
    if hasattr(selector, "aselect_examples"):
        return await selector.aselect_examples(values)  # type: ignore[no-any-return]  # as above
    return await get_asyncio_mode().call(selector.select_examples, values)


def of_prompt(example: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The values of an example for a prompt with the variables ``names``."""
    return {name: example[name] for name in names if name in example}
