"""Run programs that import LangChain's packages on Runlet, unchanged.

    import runlet.compat

    runlet.compat.install()

    from langchain_core.messages import AIMessage  # is runlet.messages.AIMessage

or, without a change to the program, ``python -m runlet.compat program.py``. From then on ``langchain_core``,
``langchain_openai``, ``langchain_anthropic``, ``langchain``, ``langchain_community`` and ``langchain_text_splitters``
are thin views of Runlet's modules: their names are Runlet's own objects. Nothing of this happens unasked.

A name or module that Runlet has no counterpart of is an error of the import (``NoCounterpartError``, an
``ImportError``) that names it and says what to do; nothing is half there.
"""

from runlet.compat.installing import install, installed, is_installed, uninstall
from runlet.compat.listing import mapping, names
from runlet.errors import CompatError, NoCounterpartError, NoCounterpartModuleError

__all__ = [
    "CompatError",
    "NoCounterpartError",
    "NoCounterpartModuleError",
    "install",
    "installed",
    "is_installed",
    "mapping",
    "names",
    "uninstall",
]
