"""Inputs and outputs of runs in the form that records keep."""

from __future__ import annotations

from typing import Any

from prill.callbacks.handled import get_llm_result
from prill.callbacks.run import Observer, Run

MODELS = frozenset({"chat_model", "llm"})


def run_type(run: Run) -> str:
    """``llm`` for models of both kinds, otherwise the run's own kind."""
    return "llm" if run.kind in MODELS else run.kind


def get_inputs(input: Any) -> dict[str, Any]:
    """The input as a dict."""
    return input if isinstance(input, dict) else {"input": input}


def get_outputs(run: Run, output: Any) -> dict[str, Any]:
    """The output as a dict: a model's result, a retriever's documents, or the output itself."""
    if run.kind in MODELS:
        result = get_llm_result(run, output)
        generations = [[get_generation(each) for each in some] for some in result.generations]
        return {"generations": generations, "llm_output": result.llm_output, "run": None, "type": "LLMResult"}
    if run.kind == "retriever":
        return {"documents": output}
    return output if isinstance(output, dict) else {"output": output}


def get_generation(generation: Any) -> dict[str, Any]:
    """One answer of a model."""
    data = {"text": generation.text, "generation_info": generation.generation_info, "type": generation.type}
    message = getattr(generation, "message", None)
    return data if message is None else {**data, "message": message}


def error_text(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {getattr(error, 'message', None) or error}"


def find_around(run: Run, observer: Observer) -> Any:
    """The state that ``observer`` keeps of the nearest run around this one that it watches too, or ``None``."""
    outer = run.parent
    while outer is not None:
        if outer.id is not None and observer in outer.state:
            return outer.state[observer]
        outer = outer.parent
    return None
