"""A graph in Mermaid's language. See https://mermaid.js.org/syntax/flowchart.html"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from prill.runnables.drawing.nodes import CurveStyle, Edge, Node, NodeStyles

_MARKDOWN = "*_`"


def draw_mermaid(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    *,
    first: str | None = None,
    last: str | None = None,
    with_styles: bool = True,
    curve_style: CurveStyle = CurveStyle.LINEAR,
    node_styles: NodeStyles | None = None,
    wrap_label_n_words: int = 9,
    frontmatter_config: dict[str, Any] | None = None,
) -> str:
    """The text of a picture; ``first`` and ``last`` are the ids of the nodes drawn as beginning and end."""
    lines: list[str] = []
    if with_styles:
        lines += ["---", *_frontmatter(curve_style, frontmatter_config), "---", "graph TD;"]
        lines += [_node(key, node, key == first, key == last) for key, node in nodes.items()]
    else:
        lines += ["graph TD;"]
    lines += [_edge(edge, wrap_label_n_words) for edge in edges]
    if with_styles:
        styles = node_styles or NodeStyles()
        lines += [f"\tclassDef {name} {getattr(styles, name)}" for name in ("default", "first", "last")]
    return "\n".join(lines) + "\n"


def _frontmatter(curve: CurveStyle, given: dict[str, Any] | None) -> list[str]:
    config = {**(given or {})}
    inner = {**config.get("config", {})}
    inner["flowchart"] = {"curve": curve.value, **inner.get("flowchart", {})}
    return list(_yaml({**config, "config": inner}))


def _yaml(value: Mapping[str, Any], indent: str = "") -> Any:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield f"{indent}{key}:"
            yield from _yaml(inner, indent + "  ")
        else:
            plain = isinstance(inner, str) and re.fullmatch(r"[A-Za-z][\w .-]*", inner)
            yield f"{indent}{key}: {inner if plain else json.dumps(inner)}"


def _node(key: str, node: Node, first: bool, last: bool) -> str:
    label = _label(node.name)
    if node.metadata:
        facts = "\n".join(f"{name} = {value}" for name, value in node.metadata.items())
        label += f"<hr/><small><em>{facts}</em></small>"
    mark = ":::first" if first else ":::last" if last else ""
    return f"\t{safe_id(key)}{f'([{label}])' if mark else f'({label})'}{mark}"


def _label(name: str) -> str:
    name = name.rpartition(":")[2] or name
    framed = name.startswith("__") and name.endswith("__")
    if framed or (name[:1] in _MARKDOWN and name[-1:] in _MARKDOWN):
        return f"<p>{name}</p>"
    # Within a label, brackets and quotes would end it.
    return f'"{name.replace(chr(34), "#quot;")}"' if re.search(r'[()\[\]{}"|]', name) else name


def _edge(edge: Edge, words_on_line: int) -> str:
    source, target = safe_id(edge.source), safe_id(edge.target)
    if edge.data is None:
        return f"\t{source} {'-.->' if edge.conditional else '-->'} {target};"
    words = str(edge.data).split()
    chunks = [" ".join(words[at : at + words_on_line]) for at in range(0, len(words), words_on_line)]
    text = "&nbsp<br>&nbsp".join(chunks)
    arrow = f"-. &nbsp;{text}&nbsp; .->" if edge.conditional else f"-- &nbsp;{text}&nbsp; -->"
    return f"\t{source} {arrow} {target};"


def safe_id(key: str) -> str:
    """``key`` with what Mermaid does not take in an id as its code, so that two ids stay two."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "_-") else f"\\{ord(each):x}" for each in key)
