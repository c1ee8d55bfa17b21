"""The names that the documented API has in ``utils.utils``; each is made beside its like."""

from prill.messages import LC_AUTO_PREFIX, LC_ID_PREFIX, ensure_id
from prill.utils.arguments import get_pydantic_field_names, guard_import, xor_args
from prill.utils.env import convert_to_secret_str, from_env, secret_from_env

__all__ = [
    "LC_AUTO_PREFIX",
    "LC_ID_PREFIX",
    "convert_to_secret_str",
    "ensure_id",
    "from_env",
    "get_pydantic_field_names",
    "guard_import",
    "secret_from_env",
    "xor_args",
]
