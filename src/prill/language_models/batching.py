"""Batches of a text model: ``_generate`` is called once with many prompts, as local models need it."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, Protocol

from prill.callbacks.run import Run
from prill.errors import EmptyResponseError
from prill.outputs import LLMResult


class TextModel(Protocol):
    """The methods of a text model that a batch uses."""

    _kind: ClassVar[str]

    def get_name(self) -> str: ...
    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]: ...
    def _answer_body(self, prompts: list[str], run: Run, kwargs: dict[str, Any]) -> Coroutine[Any, Any, LLMResult]: ...


async def answer_together(
    model: TextModel, prompts: Sequence[str], runs: Sequence[Run], kwargs: dict[str, Any]
) -> list[LLMResult]:
    """Answer several prompts by one call, each in a run of its own, and return a result for each.

    Raises:
        EmptyResponseError: the model returned no generations for one of the prompts.
    """
    for run, prompt in zip(runs, prompts, strict=True):
        if run.observers is not None:
            run.start(model.get_name(), model._kind, *model._get_tags_and_metadata(kwargs))
            run.kwargs, run.step = {**kwargs, "batch_size_": len(prompts)}, model
            run.raw_input = run.input = {"prompts": [prompt]}
            await _notify(run, "on_start", run.input)
    try:
        whole = await model._answer_body(list(prompts), runs[0], {"stop": None, **kwargs})
        results = [_result(model, whole, index, len(prompts)) for index in range(len(prompts))]
    except Exception as error:
        for run in runs:
            await _notify(run, "on_error", error)
        raise
    except BaseException:
        for run in runs:
            await _notify(run, "on_cancel", None)
        raise
    for run, result in zip(runs, results, strict=True):
        if run.observers is not None:
            run.state["result"] = result
            await _notify(run, "on_end", result.generations[0][0].text)
    return results


def _result(model: TextModel, whole: LLMResult, index: int, size: int) -> LLMResult:
    generations = whole.generations[index] if index < len(whole.generations) else []
    if not generations:
        raise EmptyResponseError(f"{model.get_name()} returned no text for prompt {index + 1} of {size}")
    # The usage is that of the whole call: it is counted once.
    return LLMResult(generations=[generations], llm_output=whole.llm_output if index == 0 else None)


async def _notify(run: Run, hook: str, *facts: Any) -> None:
    for observer in run.observers or ():
        notice = getattr(observer, hook)(run, *facts)
        if notice is not None:
            await notice
