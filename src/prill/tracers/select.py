"""Which runs a view shows."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from prill.callbacks.run import Run
from prill.errors import ConfigError

TYPES = ("chain", "chat_model", "llm", "parser", "prompt", "retriever", "tool")


class Selection:
    """The runs whose name, type, tags or path were asked for; without any of these, all.

    ``include_paths`` are globs over a run's path in the tree, the names from the root down joined by ``/``:
    ``"*/agent/*"``. ``root_only`` shows the outermost run alone.
    """

    def __init__(
        self,
        *,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        include_paths: Sequence[str] | None = None,
        root_only: bool = False,
    ) -> None:
        for kind in (*(include_types or ()), *(exclude_types or ())):
            if kind not in TYPES:
                raise ConfigError(f"unknown run type {kind!r}; the types are {', '.join(TYPES)}")
        self._names = None if include_names is None else frozenset(include_names)
        self._types = None if include_types is None else frozenset(include_types)
        self._tags = None if include_tags is None else frozenset(include_tags)
        self._no_names = frozenset(exclude_names or ())
        self._no_types = frozenset(exclude_types or ())
        self._no_tags = frozenset(exclude_tags or ())
        self._paths = None if include_paths is None else list(include_paths)
        self._root_only = root_only
        self.everything = not root_only and not any(
            given is not None
            for given in (
                include_names,
                include_types,
                include_tags,
                exclude_names,
                exclude_types,
                exclude_tags,
                include_paths,
            )
        )

    def shows(self, run: Run, is_root: bool, name: str | None = None) -> bool:
        """Whether ``run`` is to be shown; ``name`` is that of an event of its own."""
        if self.everything:
            return True
        if self._root_only:
            return is_root
        wanted = (self._names, self._types, self._tags, self._paths)
        included = all(each is None for each in wanted) or (
            (self._names is not None and (run.name in self._names or name in self._names))
            or (self._types is not None and run.kind in self._types)
            or (self._tags is not None and not self._tags.isdisjoint(run.tags))
            or (self._paths is not None and any(fnmatchcase(path_of(run), path) for path in self._paths))
        )
        excluded = (
            run.name in self._no_names
            or name in self._no_names
            or run.kind in self._no_types
            or not self._no_tags.isdisjoint(run.tags)
        )
        return included and not excluded


def path_of(run: Run) -> str:
    """Where a run is in its tree: the names from the root down."""
    return "/".join([*(each.name for each in run.ancestors), run.name])
