"""JSON Patch between two JSON values that share what did not change.

The operations are those of RFC 6902 (https://www.rfc-editor.org/rfc/rfc6902), their paths JSON Pointers of RFC 6901.
"""

from __future__ import annotations

from itertools import compress, count
from operator import is_not
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Operations = list[dict[str, Any]]


def diff(old: Any, new: Any, *, edge: Sequence[str | int] = ()) -> list[dict[str, Any]]:
    """Return the operations that turn ``old`` into ``new``: "add", "remove" and "replace".

    Lists are compared place by place: what was appended is added at its index, what was cut off is removed from the
    end. ``1``, ``1.0`` and ``true`` differ. Subtrees that are the same object are not looked into.

    ``edge`` is for values that grow: the keys and indices at which the open containers of ``old`` went on, where all
    before them is known to be unchanged. Lists on that path are compared from there on, so the cost does not grow
    with them.

        >>> diff({"names": ["Ada"]}, {"names": ["Ada", "Alan"], "done": True})
        [{'op': 'add', 'path': '/names/1', 'value': 'Alan'}, {'op': 'add', 'path': '/done', 'value': True}]
    """
    operations: Operations = []
    _compare(old, new, "", edge, operations)
    return operations


def _compare(old: Any, new: Any, path: str, edge: Sequence[str | int], operations: Operations) -> None:
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        _compare_dicts(old, new, path, edge, operations)
    elif isinstance(old, list) and isinstance(new, list):
        _compare_lists(old, new, path, edge, operations)
    elif type(old) is not type(new) or (old != new and not (old != old and new != new)):  # NaN is equal to NaN here
        operations.append({"op": "replace", "path": path, "value": new})


def _compare_dicts(
    old: dict[str, Any], new: dict[str, Any], path: str, edge: Sequence[str | int], operations: Operations
) -> None:
    for key in old:
        if key not in new:
            operations.append({"op": "remove", "path": f"{path}/{_escaped(key)}"})
    for key, value in new.items():
        if key not in old:
            operations.append({"op": "add", "path": f"{path}/{_escaped(key)}", "value": value})
        elif (before := old[key]) is not value:
            rest = edge[1:] if edge and edge[0] == key else ()
            _compare(before, value, f"{path}/{_escaped(key)}", rest, operations)


def _compare_lists(
    old: list[Any], new: list[Any], path: str, edge: Sequence[str | int], operations: Operations
) -> None:
    start = edge[0] if edge and isinstance(edge[0], int) else 0
    if start > len(old) or start > len(new):
        start = 0
    # Slices, since islice would walk through all that is skipped.
    for index in compress(count(start), map(is_not, old[start:], new[start:])):
        rest = edge[1:] if edge and edge[0] == index else ()
        _compare(old[index], new[index], f"{path}/{index}", rest, operations)
    for index in range(len(old) - 1, len(new) - 1, -1):
        operations.append({"op": "remove", "path": f"{path}/{index}"})
    for index in range(len(old), len(new)):
        operations.append({"op": "add", "path": f"{path}/{index}", "value": new[index]})


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
