"""Public places of a few functions, for classes and chains of one's own.

They are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.utils.aiter import abatch_iterate
    from prill.utils.arguments import get_pydantic_field_names, guard_import, xor_args
    from prill.utils.env import (
        convert_to_secret_str,
        from_env,
        get_from_dict_or_env,
        get_from_env,
        secret_from_env,
    )
    from prill.utils.formatting import StrictFormatter, formatter
    from prill.utils.iter import batch_iterate
    from prill.utils.strings import comma_list, sanitize_for_postgres, stringify_dict, stringify_value

__all__ = [
    "StrictFormatter",
    "abatch_iterate",
    "batch_iterate",
    "comma_list",
    "convert_to_secret_str",
    "formatter",
    "from_env",
    "get_from_dict_or_env",
    "get_from_env",
    "get_pydantic_field_names",
    "guard_import",
    "sanitize_for_postgres",
    "secret_from_env",
    "stringify_dict",
    "stringify_value",
    "xor_args",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "StrictFormatter": "prill.utils.formatting",
            "abatch_iterate": "prill.utils.aiter",
            "batch_iterate": "prill.utils.iter",
            "comma_list": "prill.utils.strings",
            "convert_to_secret_str": "prill.utils.env",
            "formatter": "prill.utils.formatting",
            "from_env": "prill.utils.env",
            "get_from_dict_or_env": "prill.utils.env",
            "get_from_env": "prill.utils.env",
            "get_pydantic_field_names": "prill.utils.arguments",
            "guard_import": "prill.utils.arguments",
            "sanitize_for_postgres": "prill.utils.strings",
            "secret_from_env": "prill.utils.env",
            "stringify_dict": "prill.utils.strings",
            "stringify_value": "prill.utils.strings",
            "xor_args": "prill.utils.arguments",
        },
    )
