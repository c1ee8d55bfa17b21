"""A graph in Mermaid's language. See https://mermaid.js.org/syntax/flowchart.html"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prill.runnables.drawing.nodes import CurveStyle, Edge, Node, NodeStyles

_MARKDOWN_CHARACTERS = "*_`"
_RESERVED_WORD = re.compile(
    r"(?:graph|flowchart|subgraph|end|style|linkstyle|classdef|class|href|call|click|default|direction|interpolate)(?![A-Za-z0-9_])",
    re.IGNORECASE,
)


def draw_mermaid(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    *,
    first: str | None = None,
    last: str | None = None,
    nested: Collection[str] = (),
    with_styles: bool = True,
    curve_style: CurveStyle = CurveStyle.LINEAR,
    node_styles: NodeStyles | None = None,
    wrap_label_n_words: int = 9,
    frontmatter_config: dict[str, Any] | None = None,
) -> str:
    """Return the text of a picture.

    Args:
        nodes: the nodes by their ids.
        first: the id of the node drawn as the start.
        last: the id of the node drawn as the end.
        nested: ids that are paths, ``"subgraph:node"``.
    """
    root = _Subgraph()
    for key, node in nodes.items() if with_styles else ():
        path = _get_subgraph_path(key, nested)
        label = _quote_label(node.name.rpartition(":")[2] if path else node.name)
        root.inner(path).nodes.append(_draw_node(key, node, label, key == first, key == last))
    for edge in edges:
        both = zip(_get_subgraph_path(edge.source, nested), _get_subgraph_path(edge.target, nested), strict=False)
        shared = [one for one, other in itertools.takewhile(lambda pair: pair[0] == pair[1], both)]
        root.inner(shared).edges.append(_draw_edge(edge, wrap_label_n_words))
    head = ["---", *_format_frontmatter(curve_style, frontmatter_config), "---"] if with_styles else []
    lines = [*head, "graph TD;", *root.lines((), set(nodes))]
    if with_styles:
        styles = node_styles or NodeStyles()
        lines += [f"\tclassDef {name} {getattr(styles, name)}" for name in ("default", "first", "last")]
    return "\n".join(lines) + "\n"


@dataclass
class _Subgraph:
    nodes: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    subgraphs: dict[str, _Subgraph] = field(default_factory=dict)

    def inner(self, path: Sequence[str]) -> _Subgraph:
        found = self
        for name in path:
            found = found.subgraphs.setdefault(name, _Subgraph())
        return found

    def lines(self, path: tuple[str, ...], taken: set[str]) -> Iterator[str]:
        """Return the lines within; ``taken`` are the ids in use."""
        yield from self.nodes
        yield from self.edges
        for name, inner in self.subgraphs.items():
            is_plain = name not in taken and name == safe_id(name) == _quote_label(name)
            taken.add(name)
            inner_path = (*path, name)
            full = f"{safe_id(':'.join(inner_path) + ':')}[{_quote_label(name)}]"
            yield f"\tsubgraph {name if is_plain else full}"
            yield from inner.lines(inner_path, taken)
            yield "\tend"


def _get_subgraph_path(key: str, nested: Collection[str]) -> list[str]:
    return key.split(":")[:-1] if key in nested else []


def _format_frontmatter(curve: CurveStyle, given: dict[str, Any] | None) -> list[str]:
    config = {**(given or {})}
    inner = {**config.get("config", {})}
    inner["flowchart"] = {"curve": curve.value, **inner.get("flowchart", {})}
    return list(_format_yaml({**config, "config": inner}))


def _format_yaml(value: Mapping[str, Any], indent: str = "") -> Any:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield f"{indent}{key}:"
            yield from _format_yaml(inner, indent + "  ")
        else:
            plain = isinstance(inner, str) and re.fullmatch(r"[A-Za-z][\w .-]*", inner)
            yield f"{indent}{key}: {inner if plain else json.dumps(inner)}"


def _draw_node(key: str, node: Node, label: str, first: bool, last: bool) -> str:
    # Names that start with two underscores are for programs.
    facts = "\n".join(
        f"{name} = {_format_value(value)}" for name, value in (node.metadata or {}).items() if not name.startswith("__")
    )
    if facts:
        label += f"<hr/><small><em>{facts}</em></small>"
    mark = ":::first" if first else ":::last" if last else ""
    return f"\t{safe_id(key)}{f'([{label}])' if mark else f'({label})'}{mark}"


def _format_value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else str(value)


def _quote_label(name: str) -> str:
    framed = name.startswith("__") and name.endswith("__")
    if framed or (name[:1] in _MARKDOWN_CHARACTERS and name[-1:] in _MARKDOWN_CHARACTERS):
        return f"<p>{name}</p>"
    # Within a label, brackets and quotes would end it.
    return f'"{name.replace(chr(34), "#quot;")}"' if re.search(r'[()\[\]{}"|]', name) else name


def _draw_edge(edge: Edge, words_on_line: int) -> str:
    source, target = safe_id(edge.source), safe_id(edge.target)
    if edge.data is None:
        return f"\t{source} {'-.->' if edge.conditional else '-->'} {target};"
    words = str(edge.data).split()
    chunks = [" ".join(words[at : at + words_on_line]) for at in range(0, len(words), words_on_line)]
    text = "&nbsp<br>&nbsp".join(chunks)
    arrow = f"-. &nbsp;{text}&nbsp; .->" if edge.conditional else f"-- &nbsp;{text}&nbsp; -->"
    return f"\t{source} {arrow} {target};"


def safe_id(key: str) -> str:
    """Return ``key`` with each character that Mermaid does not take in an id as its code, so that two ids stay two.

    Of an id that starts with a word of Mermaid's language, such as ``end``, the first letter is written as its code.
    """
    safe = [each if each.isascii() and (each.isalnum() or each == "_") else f"\\{ord(each):x}" for each in key]
    if _RESERVED_WORD.match(key):
        safe[0] = f"\\{ord(key[0]):x}"
    for at in range(1, len(key) - 1):
        if key[at] == "-" and key[at - 1].isalnum() and key[at + 1].isalnum():  # elsewhere it may read as an arrow
            safe[at] = "-"
    return "".join(safe)
