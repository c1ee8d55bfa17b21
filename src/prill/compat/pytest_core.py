"""A plugin for pytest: the tests of a package run with Prill under the name of ``langchain_core``.

    pytest -p prill.compat.pytest_core

It must be given on the command line, so that it is loaded before anything imports the real package.
"""

from prill.compat.installing import install
from prill.compat.views import CORE_ONLY

install(CORE_ONLY)
