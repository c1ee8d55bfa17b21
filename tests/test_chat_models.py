"""Chat models by name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from prill.chat_models import init_chat_model
from prill.errors import ConfigError
from prill.testing import ReplayServer


@pytest.mark.parametrize(
    ("name", "kind", "model", "provider"),
    [
        ("openai:gpt-4o", "ChatOpenAI", "gpt-4o", "openai"),
        ("gpt-4o", "ChatOpenAI", "gpt-4o", "openai"),
        ("o3-mini", "ChatOpenAI", "o3-mini", "openai"),
        ("azure_openai:gpt-4o", "AzureChatOpenAI", "gpt-4o", "azure"),
        ("azure:gpt-4o", "AzureChatOpenAI", "gpt-4o", "azure"),
        ("anthropic:claude-x", "ChatAnthropic", "claude-x", "anthropic"),
        ("claude-x", "ChatAnthropic", "claude-x", "anthropic"),
        ("google_genai:gemini-2.5-flash", "ChatGoogleGenerativeAI", "gemini-2.5-flash", "google_genai"),
        ("gemini-2.5-flash", "ChatGoogleGenerativeAI", "gemini-2.5-flash", "google_genai"),
        ("bedrock_converse:amazon.nova-lite-v1:0", "ChatBedrockConverse", "amazon.nova-lite-v1:0", "bedrock"),
        ("bedrock:amazon.nova-lite-v1:0", "ChatBedrockConverse", "amazon.nova-lite-v1:0", "bedrock"),
        ("ollama:llama3.2:3b", "ChatOpenAI", "llama3.2:3b", "ollama"),
        ("groq:openai/gpt-oss", "ChatOpenAI", "openai/gpt-oss", "groq"),
        ("mistralai:mistral-small", "ChatOpenAI", "mistral-small", "mistral"),
        ("deepseek-chat", "ChatOpenAI", "deepseek-chat", "deepseek"),
    ],
)
def test_a_name_tells_the_model_and_its_provider(name: str, kind: str, model: str, provider: str) -> None:
    made: Any = init_chat_model(name)
    assert (type(made).__name__, made.model, made.provider) == (kind, model, provider)


def test_settings_are_handed_on() -> None:
    made: Any = init_chat_model("gpt-4o", model_provider="openai", temperature=0.5)
    assert made.temperature == 0.5


def test_a_server_of_ones_own(server: ReplayServer) -> None:
    model: Any = init_chat_model("vllm:m", base_url=server.openai_url)
    assert model.invoke("Hi").content == "Hi"
    model.close()


@pytest.mark.parametrize("name", ["nobody:model", "llama-of-somebody", ""])
def test_an_unknown_provider_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=r"anthropic.*ollama|needs a model"):
        init_chat_model(name)


def test_no_vendors_room_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, prill.chat_models; "
        "print([name for name in sys.modules if name in ('prill.openai', 'openai', 'anthropic', 'httpx2')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
@pytest.mark.parametrize("verb", ["model.invoke('Hi')", "asyncio.run(model.ainvoke('Hi'))"])
def test_a_model_needs_no_package_of_its_vendor(vendor: str, verb: str) -> None:
    with ReplayServer() as server:
        url = server.openai_url if vendor == "openai" else server.anthropic_url
        code = (
            "import asyncio, sys\n"
            "for name in ('openai', 'anthropic', 'httpx', 'httpx2', 'h11', 'anyio'): sys.modules[name] = None\n"
            "from prill import init_chat_model\n"
            f"model = init_chat_model('{vendor}:model', base_url={url!r}, api_key='sk-123456')\n"
            f"print({verb}.content)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "Hi"
