"""The first call of a process: each way of calling imports its own library, and no import blocks an event loop."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from prill.testing import ReplayServer

PROGRAM = """
import json, sys, threading
{before}
from {module} import {name}
model = {name}(model="m", base_url={url!r}, api_key="test")
imported = []

class Recorder:
    def find_spec(self, name, path=None, target=None):
        imported.append((name, threading.current_thread() is threading.main_thread()))

sys.meta_path.insert(0, Recorder())
{call}
here = sorted({{name for name, is_here in imported if is_here}})
print(json.dumps([text, here, sorted(name for name in sys.modules if "." not in name)]))
"""

BLOCKING = """
text = "".join(chunk.text for chunk in model.stream("one two three"))
model.close()
"""

ASYNCIO = """
async def ask():
    return "".join([chunk.text async for chunk in model.astream("one two three")])

text = asyncio.run(ask())
"""

MODELS = pytest.mark.parametrize(
    ("module", "name"), [("prill.openai", "ChatOpenAI"), ("prill.anthropic", "ChatAnthropic")]
)


def call_first(server: ReplayServer, call: str, module: str, name: str) -> Any:
    """What a new process reads of its first stream, the modules that its main thread asks for, and all it has then."""
    url = server.anthropic_url if "anthropic" in module else server.openai_url
    before = "import asyncio" if "asyncio" in call else ""
    code = PROGRAM.format(before=before, module=module, name=name, url=url, call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@MODELS
def test_blocking_code_needs_neither_asyncio_nor_its_library(module: str, name: str, server: ReplayServer) -> None:
    text, _, loaded = call_first(server, BLOCKING, module, name)
    assert text == "one two three"
    assert "urllib3" in loaded
    assert {"aiohttp", "asyncio", "httpx2", "openai", "anthropic"}.isdisjoint(loaded)


@MODELS
def test_asyncio_imports_its_library_beside_the_event_loop(module: str, name: str, server: ReplayServer) -> None:
    text, here, loaded = call_first(server, ASYNCIO, module, name)
    assert text == "one two three"
    assert "aiohttp" in loaded
    assert {"urllib3", "httpx2", "openai", "anthropic"}.isdisjoint(loaded)
    assert "prill.providers.http.asynchronous" not in here
    # In the loop's thread only a few small modules of Prill's own, and how Python writes a host's name.
    assert [name for name in here if name.partition(".")[0] not in ("prill", "encodings", "stringprep")] == []
