"""What ``pip install prill`` alone gives: an environment without the vendors' packages, in which models stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import PROJECT, UV, miss, require

from prill.testing import ReplayServer

PROGRAM = """
import importlib.util, json
from prill.anthropic import ChatAnthropic
from prill.openai import ChatOpenAI, OpenAIEmbeddings

found = {{"vendors": [name for name in ("openai", "anthropic", "httpx", "httpx2") if importlib.util.find_spec(name)]}}
models = {{
    "openai": ChatOpenAI(model="m", base_url={openai!r}, api_key="test"),
    "responses": ChatOpenAI(model="m", base_url={openai!r}, api_key="test", use_responses_api=True),
    "anthropic": ChatAnthropic(model="m", base_url={anthropic!r}, api_key="test"),
}}

async def read(model):
    return [chunk.text async for chunk in model.astream("one two three")]

import asyncio
for name, model in models.items():
    found[name] = [[chunk.text for chunk in model.stream("one two three")], asyncio.run(read(model))]
    model.close()
embeddings = OpenAIEmbeddings(base_url={openai!r}, api_key="test", dimensions=4)
found["embeddings"] = len(embeddings.embed_query("text"))
embeddings.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment into which the project alone is installed, as it would be from an index."""
    require("index")
    folder = tmp_path_factory.mktemp("install") / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    locked = ("--constraints", "constraints.txt", "--build-constraints", "constraints.txt")
    command: list[Any] = [UV, "pip", "install", "--quiet", "--python", found, *locked, "."]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode != 0 and "Failed to fetch" in done.stderr:
        miss("index")
    assert done.returncode == 0, done.stderr
    return found


def test_models_stream_without_the_vendors_packages(python: Path, server: ReplayServer) -> None:
    code = PROGRAM.format(openai=server.openai_url, anthropic=server.anthropic_url)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-W", "error", "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("vendors") == []
    assert found.pop("embeddings") == 4
    assert found.keys() == {"openai", "responses", "anthropic"}
    for blocking, asynchronous in found.values():
        assert "".join(blocking) == "".join(asynchronous) == "one two three"
        assert len(blocking) > 1
