"""``OpenAI``: text completions of OpenAI, and of the servers that speak its protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx2
from pydantic import AliasChoices, Field
from pydantic_core import from_json

from runlet.callbacks.run import Run
from runlet.errors import ConfigError
from runlet.language_models import BaseLLM
from runlet.messages import UsageMetadata
from runlet.openai.settings import OpenAISettings, posted
from runlet.openai.usage import usage_of
from runlet.outputs import Generation, GenerationChunk, LLMResult
from runlet.providers.errors import ProviderError
from runlet.providers.streams import ProviderStreams
from runlet.transducers.sse import ServerSentEvent

_SENT = (
    "model",
    "temperature",
    "max_tokens",
    "top_p",
    "n",
    "best_of",
    "stop",
    "seed",
    "logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "suffix",
    "echo",
    "user",
)
