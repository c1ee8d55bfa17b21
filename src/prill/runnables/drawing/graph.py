"""The steps of a Runnable as a graph, and its pictures."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from prill.errors import ConfigError
from prill.runnables.drawing.ascii import draw_ascii
from prill.runnables.drawing.mermaid import draw_mermaid
from prill.runnables.drawing.nodes import (
    CurveStyle,
    Edge,
    LabelsDict,
    MermaidDrawMethod,
    Node,
    NodeStyles,
    is_uuid,
    node_data_json,
    node_data_str,
)
from prill.runnables.drawing.png import draw_png
from prill.runnables.drawing.svg import draw_svg


@dataclass
class Graph:
    """Nodes and the edges between them; made by ``get_graph``."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def next_id(self) -> str:
        """A new id for a node."""
        return uuid.uuid4().hex

    def add_node(self, data: Any, id: str | None = None, *, metadata: dict[str, Any] | None = None) -> Node:
        """Add a node. Raises ``ConfigError`` if the id is taken."""
        if id is not None and id in self.nodes:
            raise ConfigError(f"the graph already has a node {id!r}")
        key = id or self.next_id()
        node = Node(key, node_data_str(key, data), data, metadata)
        self.nodes[key] = node
        return node

    def remove_node(self, node: Node) -> None:
        """Take a node away, and its edges."""
        del self.nodes[node.id]
        self.edges = [edge for edge in self.edges if node.id not in (edge.source, edge.target)]

    def add_edge(self, source: Node, target: Node, data: Any = None, conditional: bool = False) -> Edge:
        """Add an edge. Raises ``ConfigError`` if one of the nodes is not in the graph."""
        for node in (source, target):
            if node.id not in self.nodes:
                raise ConfigError(f"the graph has no node {node.id!r}: add it first")
        edge = Edge(source.id, target.id, data, conditional)
        self.edges.append(edge)
        return edge

    def extend(self, graph: Graph, *, prefix: str = "") -> tuple[Node | None, Node | None]:
        """Add all of another graph, its ids behind ``prefix``; returns its first and its last node as they are here."""
        # Ids that were drawn by lot need no prefix to stay apart.
        drawn = not prefix or all(is_uuid(key) for key in graph.nodes)
        ids = {key: key if drawn else f"{prefix}:{key}" for key in graph.nodes}
        self.nodes.update({ids[key]: node.copy(id=ids[key]) for key, node in graph.nodes.items()})
        self.edges += [edge.copy(source=ids[edge.source], target=ids[edge.target]) for edge in graph.edges]
        first, last = graph.first_node(), graph.last_node()
        return first and self.nodes[ids[first.id]], last and self.nodes[ids[last.id]]

    def reid(self) -> Graph:
        """Return the same graph with readable ids: the names, and if several share one, ``name_1``, ``name_2`` …"""
        ids = self._readable_ids()
        return Graph(
            {ids[key]: node.copy(id=ids[key]) for key, node in self.nodes.items()},
            [edge.copy(source=ids[edge.source], target=ids[edge.target]) for edge in self.edges],
        )

    def _readable_ids(self) -> dict[str, str]:
        named: dict[str, list[str]] = {}
        for key, node in self.nodes.items():
            named.setdefault(node.name if is_uuid(key) else key, []).append(key)
        return {
            key: name if len(keys) == 1 else f"{name}_{number}"
            for name, keys in named.items()
            for number, key in enumerate(keys, 1)
        }

    def first_node(self) -> Node | None:
        """The only node that no edge leads to; ``None`` if there are several."""
        return self._find_only_node({edge.target for edge in self.edges})

    def last_node(self) -> Node | None:
        """The only node that no edge leaves; ``None`` if there are several."""
        return self._find_only_node({edge.source for edge in self.edges})

    def _find_only_node(self, others: set[str], without: str | None = None) -> Node | None:
        found = [node for key, node in self.nodes.items() if key not in others and key != without]
        return found[0] if len(found) == 1 else None

    def trim_first_node(self) -> None:
        """Remove the first node, if one edge leaves it and another node becomes the first."""
        first = self.first_node()
        if first is None or sum(edge.source == first.id for edge in self.edges) != 1:
            return
        if self._find_only_node({edge.target for edge in self.edges if edge.source != first.id}, first.id):
            self.remove_node(first)

    def trim_last_node(self) -> None:
        """Remove the last node, if one edge enters it and another node becomes the last."""
        last = self.last_node()
        if last is None or sum(edge.target == last.id for edge in self.edges) != 1:
            return
        if self._find_only_node({edge.source for edge in self.edges if edge.target != last.id}, last.id):
            self.remove_node(last)

    def to_json(self, *, with_schemas: bool = False) -> dict[str, list[dict[str, Any]]]:
        """Nodes and edges as plain data; ids that were drawn by lot are numbers."""
        ids: dict[str, Any] = {key: at if is_uuid(key) else key for at, key in enumerate(self.nodes)}
        nodes = [
            {"id": ids[key], **node_data_json(node, with_schemas=with_schemas)} for key, node in self.nodes.items()
        ]
        edges: list[dict[str, Any]] = []
        for edge in self.edges:
            shown: dict[str, Any] = {"source": ids[edge.source], "target": ids[edge.target]}
            shown |= {} if edge.data is None else {"data": edge.data}
            edges.append({**shown, "conditional": True} if edge.conditional else shown)
        return {"nodes": nodes, "edges": edges}

    # Pictures

    def draw_mermaid(
        self,
        *,
        with_styles: bool = True,
        curve_style: CurveStyle = CurveStyle.LINEAR,
        node_colors: NodeStyles | None = None,
        wrap_label_n_words: int = 9,
        frontmatter_config: dict[str, Any] | None = None,
    ) -> str:
        """Return the graph in Mermaid's language, which GitHub and many editors draw.

        A node whose id was given with colons, such as ``"child:step"``, is drawn in a subgraph, ``child``.
        """
        graph = self.reid()
        given = {id: key for key, id in self._readable_ids().items()}
        first, last = graph.first_node(), graph.last_node()
        return draw_mermaid(
            graph.nodes,
            graph.edges,
            first=first and first.id,
            last=last and last.id,
            nested={id for id, key in given.items() if not is_uuid(key) and ":" in id},
            with_styles=with_styles,
            curve_style=curve_style,
            node_styles=node_colors,
            wrap_label_n_words=wrap_label_n_words,
            frontmatter_config=frontmatter_config,
        )

    def draw_ascii(self) -> str:
        """The graph as lines of text. Needs ``pip install 'prill[graph]'``."""
        return draw_ascii(self.nodes, self.edges)

    def print_ascii(self) -> None:
        """Print ``draw_ascii``."""
        print(self.draw_ascii())

    def draw_svg(self, output_file_path: str | None = None, *, background: str = "white") -> str:
        """The graph as an SVG picture. Needs ``pip install 'prill[graph]'``, and no network."""
        svg = draw_svg(self.nodes, self.edges, background)
        if output_file_path is not None:
            Path(output_file_path).write_text(svg, encoding="utf-8")
        return svg

    def draw_png(
        self,
        output_file_path: str | None = None,
        fontname: str | None = None,
        labels: LabelsDict | None = None,
        *,
        background: str = "white",
        scale: float = 2.0,
    ) -> bytes:
        """The graph as a PNG picture. Needs ``pip install 'prill[png]'``, and no network.

        Without ``fontname`` a font is chosen that has all letters of the graph. If there is none, a warning names the
        letters that are not drawn.
        """
        graph = _copy_with_labels(self, labels) if labels else self
        png = draw_png(partial(graph.draw_svg, background=background), fontname, scale)
        if output_file_path is not None:
            Path(output_file_path).write_bytes(png)
        return png

    def draw_mermaid_png(
        self,
        *,
        output_file_path: str | None = None,
        draw_method: MermaidDrawMethod = MermaidDrawMethod.LOCAL,
        background_color: str = "white",
        **kwargs: Any,
    ) -> bytes:
        """The same as ``draw_png``: nothing is sent to a service, so options of Mermaid's own drawing are not used.

        Raises:
            ConfigError: ``draw_method`` is one that needs a browser or a network.
        """
        if draw_method is not MermaidDrawMethod.LOCAL:
            raise ConfigError(
                f"pictures are drawn here, not by {draw_method.value}: leave out draw_method, or give the text of "
                "draw_mermaid() to a service of your choice"
            )
        return self.draw_png(output_file_path, background=background_color)


def _copy_with_labels(graph: Graph, labels: LabelsDict) -> Graph:
    nodes, edges = labels.get("nodes", {}), labels.get("edges", {})
    return Graph(
        {key: node._replace(name=nodes.get(key, nodes.get(node.name, node.name))) for key, node in graph.nodes.items()},
        [edge._replace(data=edges.get(str(edge.data), edge.data)) for edge in graph.edges],
    )
