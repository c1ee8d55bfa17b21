"""``python -m prill.compat program.py``: run a program on Prill that imports LangChain's packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from prill.compat import install, mapping, names
from prill.compat.rewrite import rewrite_files
from prill.compat.scan import scan
from prill.compat.script import run_code, run_module, run_script
from prill.compat.views import CORE_ONLY
from prill.errors import CompatError

_WHEN = {
    "import": "imported with the module",
    "optional": "imported in a try",
    "call": "imported in a function",
    "types": "for type checkers",
}

USAGE = """\
usage: python -m prill.compat program.py [argument …]
       python -m prill.compat -m module [argument …]
       python -m prill.compat -c code [argument …]
       python -m prill.compat --core program.py [argument …]
       python -m prill.compat --list [module …]
       python -m prill.compat --rewrite path [path …]
       python -m prill.compat --scan package [package …]

Runs a program that imports LangChain's packages on Prill, as `python` would run it otherwise.
--core, in front of a program, -m or -c, lets only langchain_core lead to Prill: the other packages are the real ones.
PRILL_COMPAT=langchain_core in the environment does the same.
--list shows which of their modules there are, and where their names are in Prill; with modules, their names.
--rewrite changes their imports in files, and in the .py files of folders, into imports of Prill.
--scan shows what an installed package imports of langchain_core that Prill lacks.
"""


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    packages: Iterable[str] | None = None
    if arguments[:1] == ["--core"]:
        arguments, packages = arguments[1:], CORE_ONLY
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(USAGE, end="")
    elif first == "--list":
        show(rest)
    elif first == "--rewrite" and rest:
        rewrite_all(rest)
    elif first == "--scan" and rest:
        scan_all(rest)
    elif first in ("-m", "-c") and rest:
        install(packages)
        (run_module if first == "-m" else run_code)(rest[0], rest[1:])
    elif first and not first.startswith("-"):
        install(packages)
        run_script(first, rest)
    else:
        print(USAGE, end="", file=sys.stderr)
        raise SystemExit(2)


def scan_all(packages: list[str]) -> None:
    """Print what packages import that Prill lacks, each name with the first place that imports it."""
    lacking = False
    for package in packages:
        try:
            found = scan(package)
        except CompatError as error:
            print(error, file=sys.stderr)
            raise SystemExit(1) from None
        problems = {lack.problem: lack.use for lack in reversed(found.lacks)}
        print(f"{package}: {found.names} names of langchain_core, {len(problems)} problems")
        for problem, use in sorted(problems.items()):
            print(f"  {problem}  ({use.file}:{use.line}, {_WHEN[use.when]})")
        lacking = lacking or bool(problems)
    if lacking:
        raise SystemExit(1)


def show(modules: list[str]) -> None:
    """Print what leads where: all modules, or the names of some."""
    try:
        rows = [(name, home) for module in modules for name, home in names(module).items()]
    except CompatError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    if not modules:
        rows = [(module, ", ".join(homes)) for module, homes in mapping().items()]
    width = max(len(name) for name, _ in rows)
    try:
        print("\n".join(f"{name:{width}}  {home}" for name, home in rows), flush=True)
    except BrokenPipeError:  # `--list | head`: there is nobody to write to, not even at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def rewrite_all(paths: list[str]) -> None:
    """Rewrite files and print their names; the imports that stay as they are go to the errors, with their lines."""
    if missing := [path for path in paths if not Path(path).exists()]:
        print(f"not found: {', '.join(missing)}", file=sys.stderr)
        raise SystemExit(2)
    problems = 0
    for path, done in rewrite_files(map(Path, paths)):
        print(path)
        for line, reason in done.problems:
            print(f"{path}:{line}: {reason}", file=sys.stderr)
        problems += len(done.problems)
    if problems:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
