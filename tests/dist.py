"""``make dist``: a wheel and a source distribution in ``dist/``, installed into empty environments and tried there.

It needs a Python and a package index, and none of the packages of the tests. Each Python that is found gets an
environment for the wheel; the oldest gets one more, for the source distribution. What is tried: the wheel alone, with
what it says of missing extras, and then a chain against a ``ReplayServer`` and the command.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
LOCK = PROJECT / "constraints.txt"

ALONE = """
import subprocess, sys, prill
missing = [name for name in prill.__all__ if getattr(prill, name, None) is None]
assert not missing, missing
assert dir(prill) == sorted(prill.__all__)

def fails(code, extra):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and f"pip install 'prill[{extra}]'" in done.stderr, (code, done.stderr)

fails("from prill.testing import ReplayServer", "testing")
fails("from prill.cli import main; import sys; sys.argv[1:] = ['chat']; main()", "cli")
fails("from prill.serve import App", "serve")
fails("from prill.vectorstores import InMemoryVectorStore as S; from prill.embeddings import FakeEmbeddings as E; "
      "S(E(size=3)).add_texts(['a'])", "retrieval")
"""
"""Without extras: the public names are there, and errors name the extra."""

CHAIN = """
import asyncio
from prill import ChatPromptTemplate, StrOutputParser, init_chat_model
from prill.testing import ReplayServer

with ReplayServer() as server:
    for name, url in (("openai:gpt-4o-mini", server.openai_url), ("anthropic:claude-haiku-4-5", server.anthropic_url)):
        model = init_chat_model(name, base_url=url, api_key="none")
        chain = ChatPromptTemplate.from_template("say {what}") | model | StrOutputParser()
        server.reply("one", " two")
        assert [piece for piece in chain.stream({"what": "it"}) if piece] == ["one", " two"]
        assert asyncio.run(chain.ainvoke({"what": "it"})) == "say it"
"""
"""With the extras ``cli`` and ``testing``: chains stream."""


def build(python: Path, into: Path) -> tuple[Path, Path]:
    """Build both with the Python of an environment that has hatchling; returns the wheel and the source distribution.

    The wheel is built from the source distribution, so that this has all that building takes.
    """
    shutil.rmtree(into, ignore_errors=True)
    run(python, "-m", "hatchling", "build", "--target", "sdist", "--directory", into, place=PROJECT)
    (source,) = into.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(source, folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        run(python, "-m", "hatchling", "build", "--target", "wheel", "--directory", into, place=unpacked)
    (wheel,) = into.glob("*.whl")
    return wheel, source


def run(*command: object, place: Path | None = None) -> str:
    """What a command prints; it runs without this project's files on Python's path.

    Raises:
        SystemExit: it failed; what it printed is shown.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"\n{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_environment(interpreter: str | Path, folder: Path, packages: Iterable[object]) -> Path:
    """The Python of a new environment with packages in the versions of the lock."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if shutil.which("uv"):
        run("uv", "venv", "--quiet", "--no-project", "--python", interpreter, folder)
    else:
        run(interpreter, "-m", "venv", folder)
    install(python, packages)
    return python


def install(python: Path, packages: Iterable[object]) -> None:
    if shutil.which("uv"):
        locked = ("--constraints", LOCK, "--build-constraints", LOCK)
        run("uv", "pip", "install", "--quiet", "--python", python, *locked, *packages)
    else:
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


def find_interpreters() -> dict[str, Path]:
    """The Pythons of this machine by their versions: on the path, of pyenv, and of uv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found: dict[str, Path] = {}
    for version in VERSIONS:
        on_path = [shutil.which(f"python{version}")]
        candidates = [*sorted(map(str, pyenv.glob(f"{version}.*/bin/python{version}"))), *on_path, find_of_uv(version)]
        for candidate in filter(None, candidates):
            if is_version(candidate, version):
                found[version] = Path(candidate)
                break
    return found


def find_of_uv(version: str) -> str | None:
    if not shutil.which("uv"):
        return None
    command = ["uv", "python", "find", "--no-project", "--no-python-downloads", version]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None


def is_version(interpreter: str, version: str) -> bool:
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def try_out(interpreter: Path, folder: Path, archive: Path) -> None:
    """Install an archive into an empty environment, and try what it should do there."""
    python = make_environment(interpreter, folder, [archive])
    command = python.with_name("prill")
    assert run(command, "--version").startswith("prill "), "prill --version"
    run(python, "-W", "error", "-c", ALONE)
    install(python, [f"prill[cli,testing] @ {archive.as_uri()}"])
    run(python, "-W", "error", "-c", CHAIN)
    assert "Here|'s| a| joke|" in run(command, "demo", "--scripted", "--pace", "0"), "prill demo"


def report(what: str, started: float) -> None:
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Build Prill, and try what was built.")
    parser.add_argument("--python", action="append", help="a version to try, such as 3.12; by default all")
    wanted = parser.parse_args(arguments).python or VERSIONS
    interpreters = {version: path for version, path in find_interpreters().items() if version in wanted}
    if not interpreters:
        sys.exit(f"none of Python {', '.join(wanted)} is on this machine")
    with tempfile.TemporaryDirectory() as folder:
        place, started = Path(folder), time.monotonic()
        builder = make_environment(sys.executable, place / "builder", ["hatchling"])
        wheel, source = build(builder, PROJECT / "dist")
        report(f"built dist/{wheel.name} and dist/{source.name}", started)
        tries = [(version, wheel) for version in interpreters]
        for version, archive in [(next(iter(interpreters)), source), *tries]:
            started = time.monotonic()
            kind = "wheel" if archive is wheel else "source distribution"
            try_out(interpreters[version], place / f"{version}-{archive.suffix}", archive)
            report(f"Python {version} ({interpreters[version]}), {kind}: works", started)
    print(f"Tried: {', '.join(interpreters)}. Not found: {', '.join(set(wanted) - set(interpreters)) or 'none'}.")


if __name__ == "__main__":
    main()
