"""Documented places of a few functions for your own classes and chains.

They are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.utils.aiter import abatch_iterate as abatch_iterate
    from prill.utils.arguments import (
        get_pydantic_field_names as get_pydantic_field_names,
        guard_import as guard_import,
        xor_args as xor_args,
    )
    from prill.utils.env import (
        convert_to_secret_str as convert_to_secret_str,
        from_env as from_env,
        get_from_dict_or_env as get_from_dict_or_env,
        get_from_env as get_from_env,
        secret_from_env as secret_from_env,
    )
    from prill.utils.formatting import (
        StrictFormatter as StrictFormatter,
        formatter as formatter,
    )
    from prill.utils.iter import batch_iterate as batch_iterate
    from prill.utils.strings import (
        comma_list as comma_list,
        sanitize_for_postgres as sanitize_for_postgres,
        stringify_dict as stringify_dict,
        stringify_value as stringify_value,
    )
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "aiter": "abatch_iterate",
            "arguments": "get_pydantic_field_names guard_import xor_args",
            "env": "convert_to_secret_str from_env get_from_dict_or_env get_from_env secret_from_env",
            "formatting": "StrictFormatter formatter",
            "iter": "batch_iterate",
            "strings": "comma_list sanitize_for_postgres stringify_dict stringify_value",
        },
    )
