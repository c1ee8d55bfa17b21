"""Jinja2 templates, in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, wraps
from typing import Any

from prill.errors import MissingDependencyError, PromptError
from prill.prompts import jinja_limits as limits


class Jinja:
    """A compiled template: ``names`` are the variables that it is filled with, sorted.

    Raises ``PromptError`` if it is broken, ``MissingDependencyError`` if jinja2 is not installed.
    """

    __slots__ = ("_template", "names")

    def __init__(self, text: str) -> None:
        jinja2, environment = _environment()
        try:
            tree = environment.parse(text)
            self._template = environment.from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise PromptError(f"the jinja2 template is broken at line {error.lineno}: {error.message}") from error
        self.names = tuple(sorted(jinja2.meta.find_undeclared_variables(tree)))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text; a variable that is not there is empty text.

        Raises ``PromptError`` where it cannot be filled, or would write or repeat too much (see ``MOST_TEXT``).
        """
        jinja2, _ = _environment()
        token = limits.BUDGET.set(limits.Budget())
        try:
            return self._template.render(values)  # type: ignore[no-any-return]  # jinja2 is imported late, untyped
        except (jinja2.TemplateError, OverflowError, RecursionError) as error:
            raise PromptError(f"the jinja2 template cannot be filled: {error}") from error
        finally:
            limits.BUDGET.reset(token)


@cache
def _environment() -> tuple[Any, Any]:
    try:
        import jinja2  # noqa: PLC0415 - an optional dependency
        import jinja2.meta  # noqa: PLC0415 - as above
        import jinja2.sandbox  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingDependencyError(
            "templates of the format 'jinja2' need the package jinja2: pip install 'prill[jinja2]'"
        ) from error

    class Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(("*", "**", "+", "%"))

        def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
            # The sandbox's own answer prints as nothing; a template that reaches out of it must not pass quietly.
            raise jinja2.exceptions.SecurityError(f"access to {attribute!r} of a {type(obj).__name__} is not safe")

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            limits.charge_operator(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
            args = limits.charge_method(obj, args, kwargs)
            if args and isinstance(obj, jinja2.runtime.LoopContext):  # a recursive loop
                args = (limits.charge_rounds(args[0], 1), *args[1:])
            result = super().call(context, obj, *args, **kwargs)
            limits.charge_result(result)
            return result

        def wrap_str_format(self, value: Any) -> Any:
            return _charge_format(super().wrap_str_format(value), value)

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            return _limit_loops(jinja2.nodes, super()._parse(source, name, filename))

    return jinja2, _with_limits(jinja2, Environment(optimized=False, finalize=jinja2.pass_context(_print)))


def _print(context: Any, value: Any) -> Any:
    limits.BUDGET.get().charge_value(value)
    return value


def _with_limits(jinja2: Any, environment: Any) -> Any:
    environment.filters = {name: limits.charged_filter(name, each) for name, each in environment.filters.items()}
    environment.filters[_ROUNDS] = limits.charge_rounds
    write = environment.globals["lipsum"]

    def lipsum(n: int = 5, html: bool = True, min: int = 20, max: int = 100) -> Any:
        limits.charge_lipsum(n, max)
        return write(n, html, min, max)

    environment.globals["lipsum"] = lipsum
    return environment


_ROUNDS = "prill charges rounds"  # no name that a template can write


def _limit_loops(nodes: Any, tree: Any) -> Any:
    """Charge for the rounds of loops, with the text that each writes, and for the parts of joined texts."""
    for loop in list(tree.find_all(nodes.For)):
        weight = 1 + sum(len(text.data) for part in loop.body for text in _texts(nodes, part))
        loop.iter = _filtered(nodes, loop.iter, _ROUNDS, [nodes.Const(weight)])
    for joined in list(tree.find_all(nodes.Concat)):
        joined.nodes = [_filtered(nodes, each, "string", []) for each in joined.nodes]
    return tree


def _texts(nodes: Any, part: Any) -> Any:
    return [part] if isinstance(part, nodes.TemplateData) else part.find_all(nodes.TemplateData)


def _filtered(nodes: Any, value: Any, name: str, arguments: list[Any]) -> Any:
    made = nodes.Filter(value, name, arguments, [], None, None, lineno=value.lineno)
    return made.set_environment(value.environment)


def _charge_format(wrapper: Any, method: Any) -> Any:
    if wrapper is None:
        return None

    @wraps(wrapper)
    def format(*args: Any, **kwargs: Any) -> str:
        limits.charge_format(method.__self__, args, kwargs)
        return wrapper(*args, **kwargs)  # type: ignore[no-any-return]  # jinja2 is imported late, untyped

    return format
