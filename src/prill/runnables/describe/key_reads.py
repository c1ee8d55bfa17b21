"""Finds the keys of its first argument that a small function reads, from its source."""

from __future__ import annotations

import ast
import inspect
import operator
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def keys_read(function: Callable[..., Any]) -> dict[str, bool] | None:
    """The keys that ``function`` reads of its input, each with whether it must be there.

    ``lambda x: x["question"]`` needs ``question``; ``x.get("lang")`` may have ``lang``. ``None`` where the source
    cannot be seen, where nothing is read by a constant key, or where the input is handed on whole, so that the keys
    are not all that is known to be needed.
    """
    if isinstance(function, operator.itemgetter):
        keys = function.__reduce__()[1]
        return dict.fromkeys(keys, True) if all(isinstance(key, str) for key in keys) else None
    tree = source_tree(function)
    if tree is None or not (arguments := [*tree.args.posonlyargs, *tree.args.args]):
        return None
    own = [each for each in arguments if each.arg not in ("self", "cls")]
    return _find_keys_read(tree, own[0].arg) if own else None


def source_tree(function: Callable[..., Any]) -> Function | None:
    """The function's own node, ``None`` where its source cannot be seen or does not say which one it is."""
    try:
        text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return None
    found = list(_find_functions(_parse_source(text)))
    if getattr(function, "__name__", "") != "<lambda>":
        return next((each for each in found if not isinstance(each, ast.Lambda)), None)
    code = function.__code__
    fits = [each for each in found if isinstance(each, ast.Lambda) and _is_same_lambda(each, code)]
    dumps = {ast.dump(each) for each in fits}
    return fits[0] if len(dumps) == 1 else None  # two that differ on one line cannot be distinguished


def _parse_source(text: str) -> ast.AST:
    # The lines of a lambda are a piece of a statement: of a call, of a dict, of a chain.
    for attempt in (text, f"({text})", f"({text.rstrip(',')})", f"{{{text}}}", f"f({text}"):
        try:
            return ast.parse(attempt)
        except SyntaxError:
            continue
    return _parse_lambdas(text)


def _parse_lambdas(text: str) -> ast.AST:
    """The lambdas of an incomplete piece: each as far as it can be read."""
    found: list[ast.stmt] = []
    for start in (match.start() for match in re.finditer(r"\blambda\b", text)):
        for end in range(len(text), start, -1):
            try:
                found += ast.parse(f"({text[start:end]})").body
                break
            except SyntaxError:
                continue
    return ast.Module(body=found, type_ignores=[])


def _find_functions(tree: ast.AST) -> Iterator[Function]:
    return (each for each in ast.walk(tree) if isinstance(each, Function))


def _is_same_lambda(tree: ast.Lambda, code: Any) -> bool:
    made = compile(ast.Expression(ast.fix_missing_locations(tree)), "<lambda>", "eval")
    inner = next((each for each in made.co_consts if hasattr(each, "co_code")), None)
    facts = ("co_varnames", "co_names")
    return inner is not None and all(getattr(inner, fact) == getattr(code, fact) for fact in facts)


def _find_keys_read(tree: Function, name: str) -> dict[str, bool] | None:
    body = tree.body if isinstance(tree.body, list) else [tree.body]
    keys: dict[str, bool] = {}
    known: set[int] = set()
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Subscript(value=ast.Name(id=found) as base, slice=ast.Constant(value=str(key))) if found == name:
                keys[key] = True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=found) as base, attr="get"),
                args=[ast.Constant(value=str(key)), *_],
            ) if found == name:
                keys.setdefault(key, False)
            case _:
                continue
        known.add(id(base))
    return keys or None
