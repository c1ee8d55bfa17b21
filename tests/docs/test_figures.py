"""The guide's graphs are what Prill draws today."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.docs.figures import CHINESE, ENGLISH, FIGURES, choosing, retrieval


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("retrieval.svg", lambda: retrieval(ENGLISH)),
        ("retrieval.zh.svg", lambda: retrieval(CHINESE)),
        ("choosing.svg", choosing),
    ],
)
def test_a_graph_in_the_guide_is_what_is_drawn_now(name: str, draw: Callable[[], str]) -> None:
    assert (FIGURES / name).read_text(encoding="utf-8") == draw(), f"docs/figures/{name} is old: run `make figures`"
