"""Which runs a view shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from typing_extensions import TypedDict, Unpack

from prill.callbacks.run import Run
from prill.errors import ConfigError

TYPES = ("chain", "chat_model", "llm", "parser", "prompt", "retriever", "tool")


class RunFilters(TypedDict, total=False):
    """Which runs a view shows; without any of these, all."""

    include_names: Sequence[str] | None
    include_types: Sequence[str] | None
    include_tags: Sequence[str] | None
    exclude_names: Sequence[str] | None
    exclude_types: Sequence[str] | None
    exclude_tags: Sequence[str] | None
    include_paths: Sequence[str] | None
    """Globs over a run's path in the tree, the names from the root down joined by ``/``: ``"*/agent/*"``."""
    root_only: bool
    """Show the outermost run alone."""


def split_filters(kwargs: Mapping[str, Any]) -> tuple[Selection, dict[str, Any]]:
    """Split the keyword arguments of a verb into a selection of runs and the other arguments."""
    filters = {key: value for key, value in kwargs.items() if key in RunFilters.__annotations__}
    arguments = {key: value for key, value in kwargs.items() if key not in filters}
    return Selection(**filters), arguments


class Selection:
    """The runs that match the filters: one of ``include_…`` if any is given, and none of ``exclude_…``.

    Raises:
        ConfigError: a type of runs that does not exist.
    """

    def __init__(self, **filters: Unpack[RunFilters]) -> None:
        for kind in (*(filters.get("include_types") or ()), *(filters.get("exclude_types") or ())):
            if kind not in TYPES:
                raise ConfigError(f"unknown run type {kind!r}; the types are {', '.join(TYPES)}")
        self._names, self._types, self._tags = (
            None if given is None else frozenset(given)
            for given in (filters.get("include_names"), filters.get("include_types"), filters.get("include_tags"))
        )
        self._no_names = frozenset(filters.get("exclude_names") or ())
        self._no_types = frozenset(filters.get("exclude_types") or ())
        self._no_tags = frozenset(filters.get("exclude_tags") or ())
        paths = filters.get("include_paths")
        self._paths = None if paths is None else list(paths)
        self._root_only = filters.get("root_only", False)
        self.everything = all(given is None or given is False for given in filters.values())

    def shows(self, run: Run, is_root: bool, name: str | None = None) -> bool:
        """Whether ``run`` is shown; ``name`` is that of a custom event."""
        if self.everything:
            return True
        if self._root_only:
            return is_root
        wanted = (self._names, self._types, self._tags, self._paths)
        included = all(each is None for each in wanted) or (
            (self._names is not None and (run.name in self._names or name in self._names))
            or (self._types is not None and run.kind in self._types)
            or (self._tags is not None and not self._tags.isdisjoint(run.tags))
            or (self._paths is not None and any(fnmatchcase(get_path(run), path) for path in self._paths))
        )
        excluded = (
            run.name in self._no_names
            or name in self._no_names
            or run.kind in self._no_types
            or not self._no_tags.isdisjoint(run.tags)
        )
        return included and not excluded


def get_path(run: Run) -> str:
    """Where a run is in its tree: the names from the root down."""
    return "/".join([*(each.name for each in run.ancestors), run.name])
