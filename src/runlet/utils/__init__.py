"""Public places of a few functions, for classes and chains of one's own.

They are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.utils.aiter import abatch_iterate
    from runlet.utils.arguments import get_pydantic_field_names, guard_import, xor_args
    from runlet.utils.env import (
        convert_to_secret_str,
        from_env,
        get_from_dict_or_env,
        get_from_env,
        secret_from_env,
    )
    from runlet.utils.formatting import StrictFormatter, formatter
    from runlet.utils.iter import batch_iterate
    from runlet.utils.strings import comma_list, sanitize_for_postgres, stringify_dict, stringify_value

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
            "StrictFormatter": "runlet.utils.formatting",
            "abatch_iterate": "runlet.utils.aiter",
            "batch_iterate": "runlet.utils.iter",
            "comma_list": "runlet.utils.strings",
            "convert_to_secret_str": "runlet.utils.env",
            "formatter": "runlet.utils.formatting",
            "from_env": "runlet.utils.env",
            "get_from_dict_or_env": "runlet.utils.env",
            "get_from_env": "runlet.utils.env",
            "get_pydantic_field_names": "runlet.utils.arguments",
            "guard_import": "runlet.utils.arguments",
            "sanitize_for_postgres": "runlet.utils.strings",
            "secret_from_env": "runlet.utils.env",
            "stringify_dict": "runlet.utils.strings",
            "stringify_value": "runlet.utils.strings",
            "xor_args": "runlet.utils.arguments",
        },
    )
