"""The packages whose own unit tests are run, and where these are in their source distributions."""

from __future__ import annotations

from typing import NamedTuple


class Package(NamedTuple):
    """A distribution; ``tests`` are the folders or files of its unit tests, ``hanging`` parts of the names of
    tests that do not end with the real core either.
    """

    name: str
    tests: tuple[str, ...] = ("tests/unit_tests",)
    hanging: tuple[str, ...] = ()


PACKAGES = (
    Package("langgraph", ("tests",), ("sqlite_aio",)),
    Package("langgraph-prebuilt", ("tests",)),
    Package("langgraph-checkpoint", ("tests",)),
    Package("langgraph-checkpoint-sqlite", ("tests",)),
    Package("langchain"),
    Package("langchain-openai"),
    Package("langchain-anthropic"),
    Package("langchain-text-splitters"),
    Package("langchain-ollama"),
    Package("langchain-groq"),
    Package("langchain-mistralai"),
    Package("langchain-chroma"),
    Package("langchain-qdrant"),
    Package("langchain-google-genai"),
    Package("langchain-fireworks"),
    Package("langchain-deepseek"),
    Package("langchain-xai"),
    Package("langchain-huggingface"),
    Package("langchain-aws"),
    Package("langchain-mcp-adapters", ("tests",)),
    Package("langchain-community"),
    Package("openinference-instrumentation-langchain", ("tests",)),
)
"""In the order of their use."""

WITHOUT_TESTS = ("langserve", "langfuse")
"""Packages whose source distributions have no tests: they are imported and used in the smoke test.

``ragas`` is in the environment too, and cannot be imported there, with either core.
"""
