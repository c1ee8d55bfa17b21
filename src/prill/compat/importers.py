"""Who asks for a name: Python's import machinery, which needs an error that says what to do, or code that only looks.

``hasattr`` and ``importlib.util.find_spec`` must be told "no" in the usual way, so the errors of ``prill.compat`` are
for import statements alone. Where a Python should work otherwise than here, its own shorter errors are seen instead.
"""

from __future__ import annotations

import dis
from types import FrameType

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


def is_from_import(asking: FrameType) -> bool:
    """Whether the frame stands at the ``name`` of a ``from module import name``."""
    at = asking.f_lasti
    code = asking.f_code.co_code
    return 0 <= at < len(code) and code[at] == _IMPORT_FROM


def is_import(asking: FrameType | None) -> bool:
    """Whether a finder that the frame calls is asked in order to import, not to look (``importlib.util.find_spec``)."""
    finding = asking.f_back if asking is not None else None
    return (
        finding is not None
        and finding.f_code.co_name == "_find_and_load_unlocked"
        and finding.f_globals.get("__name__") == "importlib._bootstrap"
    )
