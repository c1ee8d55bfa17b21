"""The page on compatibility imports LangChain's names: what other tests have imported of it is put aside."""

import sys
from collections.abc import Iterator

import pytest

import prill.compat
from prill.compat.module_map import ROOTS


@pytest.fixture(autouse=True)
def packages_aside(request: pytest.FixtureRequest) -> Iterator[None]:
    if "compat" not in request.node.name:
        yield
        return
    theirs = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ROOTS}
    for name in theirs:
        del sys.modules[name]
    yield
    prill.compat.uninstall()
    sys.modules.update(theirs)
