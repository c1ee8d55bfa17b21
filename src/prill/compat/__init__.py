"""Run programs that import LangChain's packages on Prill, unchanged.

    import prill.compat

    prill.compat.install()

    from langchain_core.messages import AIMessage  # is prill.messages.AIMessage

or, without a change to the program, ``python -m prill.compat program.py``. From then on ``langchain_core``,
``langchain_openai``, ``langchain_anthropic``, ``langchain_google_genai``, ``langchain_aws``, ``langchain``,
``langchain_community``, ``langchain_text_splitters`` and ``langserve`` are thin views of Prill's modules: their names
are Prill's own objects. Nothing of this happens unasked.

With ``install(packages=["langchain_core"])`` only the core's names lead here, and the packages that are built on it
(the real ``langchain_openai``, ``langgraph`` …) run on Prill: ``python -m prill.compat --core program.py``.

A name or module that Prill has no counterpart of is an error of the import (``NoCounterpartError``, an
``ImportError``) that names it and says what to do; nothing is half there.
"""

from prill.compat.installing import install, installed, is_installed, uninstall
from prill.compat.installing import mapping, names
from prill.errors import CompatError, NoCounterpartError, NoCounterpartModuleError

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
