"""Graphs of Runnables: building, layout, and drawing as Mermaid, text, SVG and in notebooks."""
