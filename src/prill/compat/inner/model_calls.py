"""``langchain_core.language_models.llms``: retries and caches for models that make their own calls."""

from __future__ import annotations

import asyncio
import functools
import inspect
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from prill.globals import get_llm_cache
from prill.messages import count_tokens_approximately
from prill.outputs import Generation, LLMResult


def create_base_retry_decorator(
    error_types: Sequence[type[BaseException]], max_retries: int = 1, run_manager: Any = None
) -> Callable[[Any], Any]:
    """Call a function up to ``max_retries`` times while it raises one of the errors, waiting 4 to 10 seconds."""

    async def report(attempt: int, error: BaseException) -> None:
        answer = run_manager.on_retry({"attempt": attempt, "error": error}) if run_manager is not None else None
        if inspect.isawaitable(answer):
            await answer

    def decorate(function: Any) -> Any:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def acall(*args: Any, **kwargs: Any) -> Any:
                for attempt in range(1, max(1, max_retries) + 1):
                    try:
                        return await function(*args, **kwargs)
                    except tuple(error_types) as error:
                        if attempt >= max_retries:
                            raise
                        await report(attempt, error)
                        await asyncio.sleep(_wait(attempt))

            return acall

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for attempt in range(1, max(1, max_retries) + 1):
                try:
                    return function(*args, **kwargs)
                except tuple(error_types) as error:
                    if attempt >= max_retries:
                        raise
                    if run_manager is not None:
                        run_manager.on_retry({"attempt": attempt, "error": error})
                    time.sleep(_wait(attempt))

        return call

    return decorate


def _wait(attempt: int) -> float:
    return min(10.0, max(4.0, 2.0**attempt)) + random.random()


Known = tuple[dict[int, list[Generation]], str, list[int], list[str]]


def _cache(cache: Any) -> Any:
    if cache is False:
        return None
    return get_llm_cache() if cache is None or cache is True else cache


def _key(params: dict[str, Any]) -> str:
    return str(sorted(params.items()))


def get_prompts(params: dict[str, Any], prompts: list[str], cache: Any = None) -> Known:
    """The answers that a cache has, and the prompts for which it has none."""
    store, key = _cache(cache), _key(params)
    found = {index: hit for index, one in enumerate(prompts) if store and (hit := store.lookup(one, key)) is not None}
    return _sorted(found, key, prompts)


async def aget_prompts(params: dict[str, Any], prompts: list[str], cache: Any = None) -> Known:
    """The same for asyncio."""
    store, key = _cache(cache), _key(params)
    found = {
        index: hit for index, one in enumerate(prompts) if store and (hit := await store.alookup(one, key)) is not None
    }
    return _sorted(found, key, prompts)


def _sorted(found: dict[int, list[Generation]], key: str, prompts: list[str]) -> Known:
    missing = [index for index in range(len(prompts)) if index not in found]
    return found, key, missing, [prompts[index] for index in missing]


def update_cache(
    cache: Any,
    existing_prompts: dict[int, list[Generation]],
    llm_string: str,
    missing_prompt_idxs: list[int],
    new_results: LLMResult,
    prompts: list[str],
) -> dict[str, Any] | None:
    """Keep new answers in a cache, and add them to those that were known."""
    store = _cache(cache)
    for index, generations in zip(missing_prompt_idxs, new_results.generations, strict=False):
        existing_prompts[index] = list(generations)
        if store is not None:
            store.update(prompts[index], llm_string, generations)
    return new_results.llm_output


async def aupdate_cache(
    cache: Any,
    existing_prompts: dict[int, list[Generation]],
    llm_string: str,
    missing_prompt_idxs: list[int],
    new_results: LLMResult,
    prompts: list[str],
) -> dict[str, Any] | None:
    """The same for asyncio."""
    store = _cache(cache)
    for index, generations in zip(missing_prompt_idxs, new_results.generations, strict=False):
        existing_prompts[index] = list(generations)
        if store is not None:
            await store.aupdate(prompts[index], llm_string, generations)
    return new_results.llm_output


def get_tokenizer() -> Any:
    """A stand-in for a tokenizer, whose tokens are estimated: four letters each."""
    return _Estimate()


class _Estimate:
    def encode(self, text: str) -> list[int]:
        return list(range(count_tokens_approximately([text])))


def _get_token_ids_default_method(text: str) -> list[int]:
    return _Estimate().encode(text)
