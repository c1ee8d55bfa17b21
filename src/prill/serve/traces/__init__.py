"""The viewer of recorded runs: ``prill traces runs.db``."""

from prill.serve.traces.viewer import TraceViewer

__all__ = ["TraceViewer"]
