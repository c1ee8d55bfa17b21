"""Servers that speak OpenAI's protocol: where they listen, and where their keys are kept."""

from __future__ import annotations

from typing import NamedTuple


class Server(NamedTuple):
    """A server's usual address and the environment variable of its key; ``None`` where it wants no key."""

    base_url: str
    key_variable: str | None


SERVERS: dict[str, Server] = {
    "anyscale": Server("https://api.endpoints.anyscale.com/v1", "ANYSCALE_API_KEY"),
    "cerebras": Server("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "dashscope": Server("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "deepinfra": Server("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": Server("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks": Server("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "google_genai": Server("https://generativelanguage.googleapis.com/v1beta/openai", "GOOGLE_API_KEY"),
    "groq": Server("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "huggingface": Server("https://router.huggingface.co/v1", "HF_TOKEN"),
    "lmstudio": Server("http://localhost:1234/v1", None),
    "mistral": Server("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": Server("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia": Server("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    "ollama": Server("http://localhost:11434/v1", None),
    "openrouter": Server("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": Server("https://api.perplexity.ai", "PPLX_API_KEY"),
    "together": Server("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "vllm": Server("http://localhost:8000/v1", None),
    "xai": Server("https://api.x.ai/v1", "XAI_API_KEY"),
    "zai": Server("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
}
