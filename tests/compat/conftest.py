"""Other tests import the real packages into this process: here they are put aside."""

import sys

import pytest

import prill.compat
from prill.compat.module_map import ROOTS


@pytest.fixture
def aside():
    """As if none of the packages had been imported; afterwards as before, and not installed."""
    theirs = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ROOTS}
    for name in theirs:
        del sys.modules[name]
    yield
    prill.compat.uninstall()
    for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
        del sys.modules[name]
    sys.modules.update(theirs)


@pytest.fixture
def compat(aside):
    prill.compat.install()
