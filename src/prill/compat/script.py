"""Running a program as ``python`` runs it: its arguments, ``__main__``, paths, tracebacks and exit code."""

from __future__ import annotations

import builtins
import io
import os
import pkgutil
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

_HERE = str(Path(__file__).parent)


def run_script(path: str, arguments: list[str]) -> None:
    """``python path arguments…``; ``path`` may be a folder or a zip file with a ``__main__.py`` in it too.

    Raises ``SystemExit`` with the exit code of ``python`` if there is no such file.
    """
    sys.argv[:] = [path, *arguments]
    full = os.path.join(os.getcwd(), path)  # not tidied up: `python` shows it so
    importer = pkgutil.get_importer(full)
    if importer is not None:
        _set_first_path(full)
        spec = importer.find_spec("__main__") or _stop(f"can't find '__main__' module in {full!r}")
        _run(lambda: _of_spec(spec))
        return
    _set_first_path(os.path.dirname(os.path.realpath(full)))
    _run(lambda: _of_file(full))


def run_module(name: str, arguments: list[str]) -> None:
    """``python -m name arguments…``.

    Raises ``SystemExit`` with the exit code of ``python`` if there is no such module.
    """
    sys.argv[:] = ["-m", *arguments]
    _set_first_path(os.getcwd())

    def prepare() -> tuple[CodeType, dict[str, Any]]:
        code, names = _of_spec(_find_spec(name))
        sys.argv[0] = names["__file__"]
        return code, names

    _run(prepare)


def run_code(source: str, arguments: list[str]) -> None:
    """``python -c source arguments…``."""
    sys.argv[:] = ["-c", *arguments]
    _set_first_path("")
    _run(lambda: (compile(source, "<string>", "exec", dont_inherit=True), {}))


def _set_first_path(path: str) -> None:
    """Where ``python -m prill.compat`` has the current folder, the program has its own."""
    if not sys.flags.safe_path:
        sys.path[0] = path


def _of_file(path: str) -> tuple[CodeType, dict[str, Any]]:
    if path.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", path)
        return _there(compiled.get_code("__main__"), path), {"__file__": path, "__loader__": compiled}
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        _stop(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}", 2)
    code = compile(source, path, "exec", dont_inherit=True)
    return code, {"__file__": path, "__loader__": SourceFileLoader("__main__", path)}


def _find_spec(name: str) -> ModuleSpec:
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            inner = find_spec(f"{name}.__main__")
            what = f"No module named {name}.__main__; {name!r} is a package and cannot be directly executed"
            spec = inner or _stop(what)
    except ModuleNotFoundError as error:
        if not name.startswith(f"{error.name}."):  # what a package on the way imports is not there
            raise
        spec = None
    return spec or _stop(f"No module named {name}")


def _of_spec(spec: ModuleSpec) -> tuple[CodeType, dict[str, Any]]:
    get_code: Callable[[str], CodeType | None] = getattr(spec.loader, "get_code", lambda name: None)
    names = {
        "__file__": spec.origin,
        "__cached__": spec.cached,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    return _there(get_code(spec.name), spec.name), names


def _there(code: CodeType | None, name: str) -> CodeType:
    return code if code is not None else _stop(f"No code object available for {name}")


def _stop(message: str, code: int = 1) -> NoReturn:
    print(f"{sys.executable}: {message}", file=sys.stderr)
    raise SystemExit(code)


def _run(prepare: Callable[[], tuple[CodeType, dict[str, Any]]]) -> None:
    """Run code as ``__main__``; an error that leaves it is shown as ``python`` shows it, without the frames here."""
    try:
        code, names = prepare()
        main = ModuleType("__main__")
        main.__dict__.update({"__builtins__": builtins, "__cached__": None, "__package__": None}, **names)
        sys.modules["__main__"] = main
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _clean(error)
        sys.excepthook(type(error), error, error.__traceback__)
        # The interpreter still has to see it, for the exit code and for what it does at its end; it has been shown.
        sys.excepthook = lambda kind, value, trace: None
        raise


def _clean(error: BaseException) -> None:
    """Take the frames of this package out of the traceback, and out of those of the errors that led to it."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _without_frames_here(one.__traceback__)
            ahead += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]


def _without_frames_here(trace: TracebackType | None) -> TracebackType | None:
    kept = []
    while trace is not None:
        if os.path.dirname(trace.tb_frame.f_code.co_filename) != _HERE:
            kept.append(trace)
        trace = trace.tb_next
    made: TracebackType | None = None
    for one in reversed(kept):
        one.tb_next = made
        made = one
    return made
