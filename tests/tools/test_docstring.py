"""Docstrings in the usual styles: what is said of the function, and of each argument."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prill.tools import tool
from prill.tools.docstring import read_docstring
from prill.utils.function_calling import convert_to_openai_function

GOOGLE = """Find it.

    At length,
    in two lines.

    Note:
        Slowly.

    Args:
        query: what to look for,
            in any language
        limit (int, optional): how many: at most 10
        *rest: others

        **more (dict[str, int]): by name

    Returns:
        str: what was found

    Raises:
        ValueError: if nothing was
"""

NUMPY = """Find it.

    At length,
    in two lines.

    Note:
        Slowly.

    Parameters
    ----------
    query : str
        what to look for,
        in any language
    limit : int, optional
        how many: at most 10
    *rest
        others
    **more : dict[str, int]
        by name

    Returns
    -------
    str
        what was found
"""

REST = """Find it.

    At length,
    in two lines.

    Note:
        Slowly.

    :param query: what to look for,
        in any language
    :type query: str
    :param int limit: how many: at most 10
    :param rest: others
    :param more: by name
    :returns: what was found
    :raises ValueError: if nothing was
"""

TOLD = {
    "query": "what to look for, in any language",
    "limit": "how many: at most 10",
    "rest": "others",
    "more": "by name",
}


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_arguments_are_read_in_each_style(text: str, line_end: str) -> None:
    said = "Find it. At length,\nin two lines. Note:\n    Slowly."
    assert read_docstring(text.replace("\n", line_end)) == (said, TOLD)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, ("", {})),
        ("", ("", {})),
        ("Find it.", ("Find it.", {})),
        ("Find it.\nArgs:\n    x: a", ("Find it.", {"x": "a"})),
        ("Find it.\n\nArguments:\n\tx: a\n\ty: b", ("Find it.", {"x": "a", "y": "b"})),
        ("Find it.\n\nParameters\n----------\na, b : int\n    both", ("Find it.", {"a": "both", "b": "both"})),
        ("Find it.\n\nReturns:\n    what was found", ("Find it.", {})),
        (
            "Find it.\n\nArgs:\n    mode: one of\n        - a: x\n        - b: y",
            ("Find it.", {"mode": "one of - a: x - b: y"}),
        ),
        ("做。\n\nArgs:\n    城市: 名字", ("做。", {"城市": "名字"})),
        ("Find it.\n\n:param x:", ("Find it.", {})),
    ],
)
def test_unusual_docstrings_are_read(text: str | None, told: object) -> None:
    assert read_docstring(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "Convert: from a to b.\nUsage: call it.",
        'Send {"a": 1}, as in: {"b": 2}.',
        "See :class:`Other` for it, or ask @me: always.",
        "Args:",
        ":param",
        "Parameters\n----------",
        "Find it.\n\n:return",
        ": : :\n- - -\n===",
    ],
)
def test_text_that_describes_no_arguments_is_kept(text: str) -> None:
    said, told = read_docstring(text)
    assert told == {}
    assert said == text.replace("\n\n", " ")


def test_a_broken_section_is_told_as_text() -> None:
    said, told = read_docstring("Find it.\n\nArgs:\n    x - no colon\n    y: b")
    assert "x - no colon" in said + str(told)


def numpy(query: str, limit: int = 3) -> str:
    """Find it.

    Parameters
    ----------
    query : str
        what to look for
    limit : int
        how many
    """
    return query * limit


def rest(query: str, limit: int = 3, **more: int) -> str:
    """Find it.

    :param query: what to look for
    :param limit: how many
    :param other: one of ``more``
    """
    return query * limit


@pytest.mark.parametrize("function", [numpy, rest])
def test_tools_and_functions_are_told_of_with_their_arguments(function: object) -> None:
    made = tool(function)  # type: ignore[call-overload]  # any function
    described = convert_to_openai_function(function)
    assert made.description == described["description"] == "Find it."
    for properties in (made.args, described["parameters"]["properties"]):
        assert {name: each["description"] for name, each in properties.items()} == {
            "query": "what to look for",
            "limit": "how many",
        }


def test_the_reader_is_loaded_with_the_first_docstring() -> None:
    program = """
import sys
import prill.tools
assert "docstring_parser" not in sys.modules
@prill.tools.tool
def reverse(word: str) -> str:
    "Reverse a word."
    return word[::-1]
assert "docstring_parser" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
