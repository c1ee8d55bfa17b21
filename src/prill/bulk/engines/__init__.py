"""Engines of bulk runs: where the workers are."""

from __future__ import annotations

from prill.bulk.engines.base import Channel, Engine, Job, WorkerLost

__all__ = ["Channel", "Engine", "Job", "WorkerLost"]
